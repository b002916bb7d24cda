// A live stream as it was a while ago: reads the hub's replay, which stays that far behind, and
// hands its pictures to the painter that otherwise shows the live ones.

import { Refusal } from './ask.js';
import { byId, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { parts } from './mjpeg.js';
import { at, streamPath } from './paths.js';

/** @import { Painter, Picture } from './painter.js' */

export class Rewind {
  /** How far behind, in seconds; 0 is live. */
  behind = 0;
  #name = '';
  /** @type {AbortController | null} */
  #stop = null;
  /** Pictures of ours that the painter holds, and what waits for each. @type {Map<Picture, () => void>} */
  #held = new Map();

  /**
   * @param {Painter} painter
   * @param {object} events
   * @param {() => void} events.changed live or not, or further behind
   * @param {(message: string) => void} events.failed it is live again
   */
  constructor(painter, events) {
    this.painter = painter;
    this.events = events;
    this.badge = byId('rewound', HTMLElement);
    this.liveButton = byId('rewind-live', HTMLButtonElement);
    this.liveButton.addEventListener('click', () => this.live());
    for (const button of document.querySelectorAll('button[data-rewind]')) {
      if (button instanceof HTMLButtonElement) button.addEventListener('click', () => this.#back(Number(button.dataset.rewind)));
    }
  }

  /** Another stream is shown, live. @param {string} name */
  open(name) {
    this.#halt();
    this.#name = name;
    this.#show();
  }

  live() {
    if (this.behind === 0) return;
    this.#halt();
    this.#show();
    this.events.changed();
  }

  /** @param {Picture} picture */
  holds(picture) {
    return this.#held.has(picture);
  }

  /**
   * The painter gives a picture back.
   * @param {Picture} picture
   * @returns {boolean} whether it was one of ours
   */
  done(picture) {
    const resume = this.#held.get(picture);
    this.#held.delete(picture);
    resume?.();
    return resume !== undefined;
  }

  /** @param {number} secs further than now */
  #back(secs) {
    const behind = this.behind + secs;
    this.#halt();
    this.behind = behind;
    this.#show();
    this.events.changed();
    this.#stop = new AbortController();
    void this.#run(behind, this.#stop.signal);
  }

  #halt() {
    this.#stop?.abort();
    this.#stop = null;
    this.behind = 0;
  }

  #show() {
    const ago = `${format.duration(this.behind)} ago`;
    this.badge.hidden = this.behind === 0;
    setText(this.badge, this.behind === 0 ? '' : ago);
    setAttribute(this.liveButton, 'aria-pressed', String(this.behind === 0));
  }

  /**
   * @param {number} behind
   * @param {AbortSignal} signal
   */
  async #run(behind, signal) {
    const url = at(streamPath(this.#name, '/mjpeg'), { t: `-${behind}s`, advance_headers: '0' });
    let why = 'The stream has ended.';
    try {
      for await (const part of parts(url, signal)) {
        if (signal.aborted) return;
        await this.#paint(part.jpeg, part.seq);
      }
    } catch (error) {
      why = error instanceof Refusal ? error.message : String(error);
    }
    if (signal.aborted) return;
    this.live();
    this.events.failed(why);
  }

  /**
   * @param {Blob} jpeg
   * @param {number} seq
   * @returns {Promise<void>}
   */
  #paint(jpeg, seq) {
    return new Promise((resolve) => {
      const picture = { stream: this.#name, seq, jpeg, born: performance.now(), skipped: 0 };
      this.#held.set(picture, resolve);
      this.painter.offer(picture);
    });
  }
}
