// One live stream as MJPEG, read part by part: unlike an <img> this knows which frame it has, and so
// whether something on the way holds frames back.

import { backoffMs } from './backoff.js';
import { parts } from './mjpeg.js';
import { at, streamPath } from './paths.js';
import { patient } from './patience.js';

/** @import { Picture } from './painter.js' */

/** Without a first picture this long after asking, where there is one to be had, MJPEG is held back. */
const FIRST_MS = 4000;
/** A frame that the hub has had this long ought to have arrived. */
const BEHIND_MS = 3000;
/** Breaking off sooner than this, so many times in a row, is no transport. */
const STEADY_MS = 10_000;
const MOST_BREAKS = 3;
/** A stream that was listed so recently is there. */
const LISTED_MS = 3000;

export class Reading {
  #stop = new AbortController();
  #begun = performance.now();
  /** The last frame that arrived over this connection. */
  #seq = 0;
  /** A frame that the hub has, and since when that is known. @type {{ seq: number, since: number } | null} */
  #expected = null;
  #breaks = 0;
  #idleMs = 0;
  #listedAt = -Infinity;

  /**
   * @param {string} name
   * @param {Record<string, string | number>} wishes such as `fps`
   * @param {object} events
   * @param {(picture: Picture) => void} events.took
   * @param {() => void} events.held MJPEG does not get through; this has stopped
   */
  constructor(name, wishes, { took, held }) {
    this.name = name;
    this.wishes = wishes;
    this.took = took;
    this.held = held;
    void this.#run();
  }

  stop() {
    this.#stop.abort();
  }

  /**
   * What the hub's own list says, which comes by another way.
   * @param {number} seq of its newest frame
   * @param {number} idleSecs how old that is
   */
  compare(seq, idleSecs) {
    const now = performance.now();
    this.#idleMs = idleSecs * 1000;
    this.#listedAt = now;
    if (this.#seq >= seq || seq === 0) {
      this.#expected = null;
      return;
    }
    if (this.#expected === null || this.#seq >= this.#expected.seq) {
      this.#expected = { seq, since: now };
      return;
    }
    const since = Math.max(this.#expected.since, this.#begun);
    if (now - since > patient(this.#seq === 0 ? FIRST_MS : BEHIND_MS)) this.#giveUp();
  }

  #giveUp() {
    if (this.#stop.signal.aborted) return;
    this.stop();
    this.held();
  }

  async #run() {
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      this.#begun = performance.now();
      this.#seq = 0;
      try {
        await this.#read();
      } catch {
        // The list, which comes all the while, says whether the hub or this way is gone.
      }
      if (this.#stop.signal.aborted) return;
      const steady = performance.now() - this.#begun > patient(STEADY_MS);
      if (steady) attempt = 0;
      this.#breaks = steady ? 0 : this.#breaks + 1;
      if (this.#breaks >= MOST_BREAKS && performance.now() - this.#listedAt < LISTED_MS) this.#giveUp();
      else await new Promise((resolve) => window.setTimeout(resolve, patient(backoffMs(attempt))));
    }
  }

  async #read() {
    // With lengths, as programs have it: a reader that knows them needs no headers ahead.
    const address = at(streamPath(this.name, '/mjpeg'), { ...this.wishes, advance_headers: '0' });
    for await (const { jpeg, seq } of parts(address, this.#stop.signal)) {
      if (this.#stop.signal.aborted) return;
      // The first may be an old one; those after it were waited for.
      const born = performance.now() - (this.#seq === 0 ? this.#idleMs : 0);
      this.#seq = seq;
      this.took({ stream: this.name, seq, jpeg, born, skipped: 0 });
    }
  }
}
