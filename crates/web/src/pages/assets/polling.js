// Streams as snapshots, long-polled a few at a time. Slower and choppier than any other way, but it
// gets through whatever passes HTTP at all: each picture is an answer of its own, with an end.

import { ask } from './ask.js';
import { at, streamPath } from './paths.js';
import { patient } from './patience.js';

/** @import { Picture } from './painter.js' */

/** A stream asked alone may wait for its next frame this long, less than proxies' idle times… */
const PATIENT_MS = 20_000;
/** …but not while others wait for a slot: as many silent streams as slots would block the rest. */
const IMPATIENT_MS = 1500;
/** A proxy that broke a wait off is asked to wait no longer than half of that, and not less than this. */
const LEAST_PATIENT_MS = 1000;
/** For the answer's way through the net. */
const GRACE_MS = 5000;
/** Pause after a refusal, and after a hub that answered with the same picture at once. */
const PAUSE_MS = 1000;

/** @import { Wishes } from './fallback.js' */
/** @typedef {{ seq: string, due: number, busy: boolean, abort: AbortController | null, wish: Wishes[string] }} Poll */

export class SnapshotPolling {
  #inFlight = 0;
  #wakeTimer = 0;
  #patientMs = patient(PATIENT_MS);
  /** @type {Map<string, Poll>} */
  #polls = new Map();

  /**
   * @param {number} slots requests under way at a time
   * @param {(picture: Picture) => void} took its `born` is its arrival, less the age that the hub says
   */
  constructor(slots, took) {
    this.slots = slots;
    this.took = took;
  }

  /** @param {Wishes} streams the streams to fetch from now on; none stops it */
  watch(streams) {
    for (const [name, poll] of this.#polls) {
      if (name in streams) continue;
      poll.abort?.abort();
      this.#polls.delete(name);
    }
    for (const [name, wish] of Object.entries(streams)) {
      if (!this.#polls.has(name)) this.#polls.set(name, { seq: '', due: 0, busy: false, abort: null, wish });
    }
    this.#fill();
  }

  /** Gives free slots to the streams that have waited longest. */
  #fill() {
    window.clearTimeout(this.#wakeTimer);
    const now = performance.now();
    const idle = [...this.#polls].filter(([, poll]) => !poll.busy).sort(([, a], [, b]) => a.due - b.due);
    for (const [name, poll] of idle) {
      if (this.#inFlight >= this.slots) return;
      if (poll.due > now) {
        this.#wakeTimer = window.setTimeout(() => this.#fill(), poll.due - now);
        return;
      }
      void this.#fetch(name, poll);
    }
  }

  /**
   * @param {string} name
   * @param {Poll} poll
   */
  async #fetch(name, poll) {
    const abort = new AbortController();
    poll.busy = true;
    poll.abort = abort;
    this.#inFlight += 1;
    const begun = performance.now();
    const patience = this.#polls.size > this.slots ? Math.min(IMPATIENT_MS, this.#patientMs) : this.#patientMs;
    const timer = window.setTimeout(() => abort.abort(), patience + GRACE_MS);
    try {
      /** @type {Record<string, string | number>} */
      const next = poll.seq ? { after: poll.seq, timeout: patience / 1000 } : {};
      const response = await ask(at(streamPath(name, '/snapshot.jpg'), { ...poll.wish, ...next }), abort.signal);
      const waited = await this.#take(name, poll, response);
      poll.due = performance.now() + (waited ? 0 : PAUSE_MS / 4);
    } catch {
      const waitedMs = performance.now() - begun;
      if (poll.seq && !abort.signal.aborted && waitedMs > LEAST_PATIENT_MS) this.#patientMs = Math.max(LEAST_PATIENT_MS, waitedMs / 2);
      poll.due = performance.now() + PAUSE_MS;
    } finally {
      window.clearTimeout(timer);
      poll.busy = false;
      poll.abort = null;
      this.#inFlight -= 1;
      this.#fill();
    }
  }

  /**
   * @param {string} name
   * @param {Poll} poll
   * @param {Response} response
   * @returns {Promise<boolean>} whether the next may be asked for at once
   */
  async #take(name, poll, response) {
    if (response.status === 304) return true; // The hub has waited already.
    const seq = (response.headers.get('ETag') ?? '').replace(/^W\//, '').replaceAll('"', '');
    if (seq && seq === poll.seq) return false;
    const jpeg = await response.blob();
    if (this.#polls.get(name) !== poll || jpeg.size === 0) return false;
    poll.seq = seq;
    const ageMs = Number(response.headers.get('X-Frame-Age-Ms')) || 0;
    this.took({ stream: name, seq: Number(response.headers.get('X-Frame-Seq')) || 0, jpeg, born: performance.now() - ageMs, skipped: 0 });
    return true;
  }
}
