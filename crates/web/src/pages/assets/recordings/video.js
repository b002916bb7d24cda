// Plays a recording in the browser's own <video>, with its own controls, where the browser knows
// the codec and the file is complete.

import { setAttribute } from '../dom.js';
import { fileAddress } from './shelf.js';

/** @import { EngineEvents } from './replay.js' */
/** @import { Recording } from './shelf.js' */

export class Video {
  #address = '';
  /** Whether its events are about what was asked for, rather than about letting go. */
  #active = false;

  /**
   * @param {HTMLVideoElement} element
   * @param {EngineEvents & { shown: () => void, toggled: (playing: boolean) => void }} events
   */
  constructor(element, events) {
    this.element = element;
    this.events = events;
    element.addEventListener('timeupdate', () => { if (this.#active) events.moved(element.currentTime); });
    element.addEventListener('playing', () => { if (this.#active) events.shown(); });
    element.addEventListener('ended', () => { if (this.#active) events.ended(); });
    element.addEventListener('error', () => { if (this.#active) events.failed('This browser cannot play the file.'); });
    element.addEventListener('play', () => { if (this.#active) events.toggled(true); });
    element.addEventListener('pause', () => { if (this.#active && !element.ended) events.toggled(false); });
  }

  /**
   * @param {Recording} recording
   * @param {number} t
   * @param {number} speed
   */
  play(recording, t, speed) {
    const { element } = this;
    const address = fileAddress(recording);
    this.#active = true;
    if (address !== this.#address) {
      this.#address = address;
      element.src = address;
    }
    element.currentTime = t;
    this.speed = speed;
    element.play().catch((error) => {
      // Interrupted by the next command, or refused, which the error event tells.
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.events.failed('The browser does not let this page play by itself; press play.');
    });
  }

  /** @param {number} speed */
  set speed(speed) {
    this.element.defaultPlaybackRate = speed;
    this.element.playbackRate = speed;
  }

  pause() {
    // Its events tell the time four times a second only.
    if (this.#active) this.events.moved(this.element.currentTime);
    this.#active = false;
    this.element.pause();
  }

  /** Lets go of the file, which may be deleted. */
  close() {
    this.pause();
    this.#address = '';
    this.element.removeAttribute('src');
    this.element.load();
  }

  /** @param {boolean} shown */
  set visible(shown) {
    setAttribute(this.element, 'hidden', shown ? null : '');
  }
}
