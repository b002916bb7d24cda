// Single pictures out of recordings, for as fast as a pointer moves: one request is in flight at
// most, and of the moments asked for meanwhile only the newest is fetched.

import { ask, Refusal } from '../ask.js';
import { snapshotAddress } from './shelf.js';

/** @import { Recording } from './shelf.js' */

/** @typedef {{ recording: Recording, t: number }} Moment */

const PATIENCE_MS = 20_000;

export class Scrubber {
  /** @type {Moment | null} */
  #wanted = null;
  #busy = false;
  /** Counts `cancel`: a picture that is on its way then is not shown. */
  #round = 0;

  /**
   * @param {object} events
   * @param {(jpeg: Blob, moment: Moment) => void} events.picture
   * @param {(message: string) => void} events.failed
   */
  constructor(events) {
    this.events = events;
  }

  /**
   * @param {Recording} recording
   * @param {number} t seconds from its start
   */
  ask(recording, t) {
    this.#wanted = { recording, t };
    if (!this.#busy) void this.#run();
  }

  cancel() {
    this.#wanted = null;
    this.#round += 1;
  }

  async #run() {
    this.#busy = true;
    while (this.#wanted) {
      const moment = this.#wanted;
      this.#wanted = null;
      await this.#fetch(moment);
    }
    this.#busy = false;
  }

  /** @param {Moment} moment */
  async #fetch(moment) {
    const round = this.#round;
    try {
      // What a finished recording shows at a moment never changes: the browser may keep it.
      const response = await ask(snapshotAddress(moment.recording, moment.t), AbortSignal.timeout(PATIENCE_MS), { cache: 'default' });
      const jpeg = await response.blob();
      if (round === this.#round) this.events.picture(jpeg, moment);
    } catch (error) {
      if (round !== this.#round || this.#wanted) return;
      this.events.failed(error instanceof Refusal ? error.message : 'The picture arrived incomplete.');
    }
  }
}
