// Plays a recording as MJPEG: any codec, any speed, and one that is still growing.

import { Refusal } from '../ask.js';
import { parts } from '../mjpeg.js';
import { replayAddress } from './shelf.js';

/** @import { Recording } from './shelf.js' */

/**
 * What the two ways of playing have in common.
 * @typedef {object} EngineEvents
 * @property {(t: number) => void} moved seconds from the recording's start
 * @property {() => void} ended
 * @property {(message: string) => void} failed
 */

export class Replay {
  /** @type {AbortController | null} */
  #stop = null;

  /**
   * @param {(jpeg: Blob, seq: number) => Promise<void>} paint settles once the picture is on the screen
   * @param {EngineEvents} events
   */
  constructor(paint, events) {
    this.paint = paint;
    this.events = events;
  }

  /**
   * @param {Recording} recording
   * @param {number} t
   * @param {number} speed
   */
  play(recording, t, speed) {
    this.pause();
    this.#stop = new AbortController();
    void this.#run(recording, t, speed, this.#stop.signal);
  }

  pause() {
    this.#stop?.abort();
    this.#stop = null;
  }

  /**
   * @param {Recording} recording
   * @param {number} t
   * @param {number} speed
   * @param {AbortSignal} signal
   */
  async #run(recording, t, speed, signal) {
    let position = t;
    /** @type {number | null} */
    let before = null;
    try {
      for await (const { jpeg, timestamp, seq } of parts(replayAddress(recording, t, speed), signal)) {
        if (signal.aborted) return;
        // Only differences count: a publisher's clock may be far from the hub's, and may be set back.
        if (timestamp !== null && before !== null) position += Math.max(0, timestamp - before);
        before = timestamp ?? before;
        await this.paint(jpeg, seq);
        if (signal.aborted) return;
        this.events.moved(position);
      }
      if (!signal.aborted) this.events.ended();
    } catch (error) {
      if (!signal.aborted) this.events.failed(error instanceof Refusal ? error.message : String(error));
    }
  }
}
