// Pictures without a WebSocket, where a proxy passes none: each stream as MJPEG, or, where there are
// more streams than connections or where something on the way holds MJPEG back, as snapshots.

import { askJson, Refusal } from './ask.js';
import { at } from './paths.js';
import { SnapshotPolling } from './polling.js';
import { Reading } from './reading.js';

/** @import { StreamInfo } from './hub.js' */
/** @import { Picture } from './painter.js' */

/** Of the six connections a browser grants: two stay free for lists, statistics and snapshots. */
const CONNECTIONS = 4;
const LIST_EVERY_MS = 1000;

/** What is asked of each stream, as in a query: `fps` and the like. @typedef {Record<string, Record<string, string | number>>} Wishes */

/**
 * @typedef {object} FallbackEvents
 * @property {(picture: Picture) => void} picture
 * @property {(streams: StreamInfo[], byDefault: string | null) => void} streams
 * @property {() => void} changed `way` or `held` is another
 * @property {(reason: string) => void} failed the hub stopped answering HTTP as well
 */

export class Fallback {
  #running = false;
  #held = false;
  #listTimer = 0;
  /** @type {Wishes} */
  #watch = {};
  /** @type {Map<string, Reading>} */
  #readings = new Map();
  /** What `changed` reported last. */
  #said = '';

  /** @param {FallbackEvents} events */
  constructor(events) {
    this.events = events;
    this.polling = new SnapshotPolling(CONNECTIONS, (picture) => this.#took(picture));
  }

  /** How the pictures come. */
  get way() {
    return this.#held || Object.keys(this.#watch).length > CONNECTIONS ? 'snapshots' : 'mjpeg';
  }

  /** Whether MJPEG was tried and does not get through. */
  get held() {
    return this.#held;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    void this.#list();
    this.#arrange();
  }

  stop() {
    this.#running = false;
    this.#held = false;
    window.clearTimeout(this.#listTimer);
    this.#arrange();
  }

  /** @param {Wishes} streams */
  watch(streams) {
    this.#watch = streams;
    this.#arrange();
  }

  /** Opens what is wanted and not open, and closes the rest. */
  #arrange() {
    const wanted = this.#running ? this.#watch : {};
    const asMjpeg = this.way === 'mjpeg' ? wanted : {};
    for (const [name, reading] of this.#readings) {
      if (name in asMjpeg) continue;
      reading.stop();
      this.#readings.delete(name);
    }
    for (const [name, wish] of Object.entries(asMjpeg)) {
      if (!this.#readings.has(name)) this.#readings.set(name, this.#read(name, wish));
    }
    this.polling.watch(this.way === 'snapshots' ? wanted : {});
    this.#say();
  }

  #say() {
    const said = this.#running ? `${this.way} ${this.#held}` : '';
    if (said === this.#said) return;
    this.#said = said;
    if (this.#running) this.events.changed();
  }

  /**
   * @param {string} name
   * @param {Wishes[string]} wish
   */
  #read(name, wish) {
    return new Reading(name, wish, {
      took: (picture) => this.#took(picture),
      held: () => {
        this.#held = true;
        this.#arrange();
      },
    });
  }

  /** @param {Picture} picture */
  #took(picture) {
    if (this.#running) this.events.picture(picture);
  }

  async #list() {
    if (!this.#running) return;
    try {
      const answer = await askJson(at('api/streams'));
      if (this.#running) this.#listed(answer.streams ?? [], answer.default ?? null);
    } catch (error) {
      if (this.#running && error instanceof Refusal) this.events.failed(error.message);
    }
    window.clearTimeout(this.#listTimer);
    this.#listTimer = window.setTimeout(() => this.#list(), LIST_EVERY_MS);
  }

  /**
   * @param {StreamInfo[]} streams
   * @param {string | null} byDefault
   */
  #listed(streams, byDefault) {
    for (const { name, total_frames: newest = 0, inactive_seconds: idle = 0 } of streams) {
      this.#readings.get(name)?.compare(newest, idle);
    }
    this.events.streams(streams, byDefault);
  }
}
