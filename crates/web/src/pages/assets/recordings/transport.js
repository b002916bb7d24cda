// The player's buttons, its position in words, and its keys.

import { byId, setAttribute, setText } from '../dom.js';
import * as format from '../format.js';
import { downloadAddress, isRunning, startOf } from './shelf.js';

/** @import { Player } from './player.js' */

const SKIP_SECS = 5;

export class Transport {
  /** Whether the slider is held, and the position therefore what the hand says. */
  #sliding = false;
  #playedBefore = false;

  /** @param {Player} player */
  constructor(player) {
    this.player = player;
    this.slider = byId('seek', HTMLInputElement);
    this.toggle = byId('play', HTMLButtonElement);
    this.speed = byId('speed', HTMLSelectElement);
    /** @type {[string, () => void][]} */
    const buttons = [
      ['play', () => player.toggle()],
      ['back', () => player.skip(-SKIP_SECS)],
      ['forward', () => player.skip(SKIP_SECS)],
      ['frame-back', () => player.step(-1)],
      ['frame-forward', () => player.step(1)],
    ];
    for (const [id, act] of buttons) byId(id, HTMLButtonElement).addEventListener('click', act);
    this.speed.addEventListener('change', () => player.setSpeed(Number(this.speed.value)));
    this.#wireSlider();
    this.#wireFullScreen();
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  #wireSlider() {
    this.slider.addEventListener('input', () => {
      const { recording, playing } = this.player.state;
      if (!recording) return;
      if (!this.#sliding) this.#playedBefore = playing;
      this.#sliding = true;
      this.player.show(recording, Number(this.slider.value));
    });
    this.slider.addEventListener('change', () => {
      const { recording } = this.player.state;
      if (recording && this.#sliding && this.#playedBefore) this.player.play(recording, Number(this.slider.value));
      this.#sliding = false;
    });
  }

  #wireFullScreen() {
    const button = byId('full', HTMLButtonElement);
    button.hidden = !document.fullscreenEnabled;
    button.addEventListener('click', () => {
      if (document.fullscreenElement) void document.exitFullscreen();
      else void byId('player', HTMLElement).requestFullscreen();
    });
  }

  /** Brings what is shown in line with the player's state. */
  show() {
    const { recording, position, playing } = this.player.state;
    byId('transport', HTMLElement).hidden = recording === null;
    byId('player-hint', HTMLElement).hidden = recording !== null;
    if (!recording) return;
    setAttribute(this.toggle, 'aria-label', playing ? 'Pause' : 'Play');
    setAttribute(this.toggle, 'title', playing ? 'Pause (space)' : 'Play (space)');
    setAttribute(this.toggle, 'data-playing', String(playing));
    const length = Math.max(recording.duration_seconds, position);
    const wall = startOf(recording) + position * 1000;
    setAttribute(this.slider, 'max', length.toFixed(3));
    if (!this.#sliding) this.slider.value = position.toFixed(3);
    setAttribute(this.slider, 'aria-valuetext', `${format.position(position)} of ${format.position(length)}`);
    setText(byId('wall-time', HTMLElement), format.timeOfDay(wall));
    setText(byId('wall-day', HTMLElement), format.day(wall));
    setText(byId('offset', HTMLElement), `${format.position(position)} / ${format.position(length)}`);
    setText(byId('playing-stream', HTMLElement), recording.stream_name);
    setText(byId('playing-file', HTMLElement), recording.file);
    byId('playing-live', HTMLElement).hidden = !isRunning(recording);
    setAttribute(byId('player-download', HTMLAnchorElement), 'href', downloadAddress(recording));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !this.player.state.recording) return;
    // Where a key has a meaning of its own, it keeps it.
    const own = event.key === ' ' ? 'input, select, button, a, video, dialog' : 'input, select, video, dialog';
    if (event.target instanceof Element && event.target.closest(own)) return;
    const back = event.key === 'ArrowLeft';
    if (event.key === ' ') this.player.toggle();
    else if (back || event.key === 'ArrowRight') {
      if (event.shiftKey) this.player.step(back ? -1 : 1);
      else this.player.skip(back ? -SKIP_SECS : SKIP_SECS);
    } else return;
    event.preventDefault();
  }
}
