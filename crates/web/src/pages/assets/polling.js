// Pictures without a WebSocket: snapshots, long-polled a few at a time. Slower and choppier than
// the wall's own connection, but it gets through anything that passes HTTP.

import { ask, askJson, Refusal } from './ask.js';
import { at, streamPath } from './paths.js';

/** @import { HubEvents } from './hub.js' */

/** Of the six connections a browser grants: two stay free for lists, statistics and snapshots. */
const SLOTS = 4;
const LIST_EVERY_MS = 1000;
/** A stream asked alone may wait for its next frame this long… */
const PATIENT_MS = 20_000;
/** …but not while others wait for a slot: four silent streams would block the rest. */
const IMPATIENT_MS = 1500;
/** Pause after a refusal, and after a hub that answered with the same picture at once. */
const PAUSE_MS = 1000;

/** @import { StreamInfo } from './hub.js' */

/** @typedef {{ seq: string, due: number, busy: boolean, abort: AbortController | null }} Poll */

export class SnapshotPolling {
  #running = false;
  #inFlight = 0;
  #listTimer = 0;
  #wakeTimer = 0;
  /** @type {Map<string, Poll>} */
  #polls = new Map();
  /** Seconds without a frame, as last listed. @type {Map<string, number>} */
  #idleSecs = new Map();

  /**
   * @param {HubEvents} events
   * @param {(reason: string) => void} failed the hub stopped answering HTTP as well
   */
  constructor(events, failed) {
    this.events = events;
    this.failed = failed;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    void this.#list();
    this.#fill();
  }

  stop() {
    this.#running = false;
    window.clearTimeout(this.#listTimer);
    window.clearTimeout(this.#wakeTimer);
    for (const poll of this.#polls.values()) poll.abort?.abort();
  }

  /** @param {string[]} names */
  watch(names) {
    for (const [name, poll] of this.#polls) {
      if (names.includes(name)) continue;
      poll.abort?.abort();
      this.#polls.delete(name);
    }
    for (const name of names) {
      if (!this.#polls.has(name)) this.#polls.set(name, { seq: '', due: 0, busy: false, abort: null });
    }
    this.#fill();
  }

  async #list() {
    if (!this.#running) return;
    try {
      const answer = await askJson(at('api/streams'));
      if (this.#running) this.#listed(answer.streams ?? [], answer.default ?? null);
    } catch (error) {
      if (this.#running && error instanceof Refusal) this.failed(error.message);
    }
    this.#listTimer = window.setTimeout(() => this.#list(), LIST_EVERY_MS);
  }

  /**
   * @param {StreamInfo[]} streams
   * @param {string | null} byDefault
   */
  #listed(streams, byDefault) {
    this.#idleSecs = new Map(streams.map((stream) => [stream.name, stream.inactive_seconds ?? 0]));
    this.events.streams(streams, byDefault);
  }

  /** Gives free slots to the streams that have waited longest. */
  #fill() {
    if (!this.#running) return;
    window.clearTimeout(this.#wakeTimer);
    const now = performance.now();
    const idle = [...this.#polls].filter(([, poll]) => !poll.busy).sort(([, a], [, b]) => a.due - b.due);
    for (const [name, poll] of idle) {
      if (this.#inFlight >= SLOTS) return;
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
    const patience = this.#polls.size > SLOTS ? IMPATIENT_MS : PATIENT_MS;
    const timer = window.setTimeout(() => abort.abort(), patience);
    try {
      /** @type {Record<string, string>} */
      const query = poll.seq ? { after: poll.seq } : {};
      const response = await ask(at(streamPath(name, '/snapshot.jpg'), query), abort.signal);
      const fresh = await this.#take(name, poll, response);
      poll.due = performance.now() + (fresh ? 0 : PAUSE_MS / 4);
    } catch {
      // Refused, or our own impatience: others first.
      poll.due = performance.now() + (abort.signal.aborted ? 0 : PAUSE_MS);
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
   * @returns {Promise<boolean>} whether it brought a new picture
   */
  async #take(name, poll, response) {
    const seq = (response.headers.get('ETag') ?? '').replace(/^W\//, '').replaceAll('"', '');
    if (response.status !== 200 || (seq && seq === poll.seq)) return false;
    const jpeg = await response.blob();
    if (this.#polls.get(name) !== poll || jpeg.size === 0) return false;
    // The first picture may be an old one; those after it were waited for.
    const ageMs = poll.seq === '' ? (this.#idleSecs.get(name) ?? 0) * 1000 : 0;
    poll.seq = seq;
    this.events.picture({ stream: name, seq: Number.parseInt(seq, 10) || 0, jpeg, born: performance.now() - ageMs, skipped: 0 });
    return true;
  }
}
