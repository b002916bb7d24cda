// The recordings that the page knows: fetched for the stretch of time that is looked at, kept until
// they are deleted, brought up to date while they grow.

import { byName } from '../format.js';
import { endOf, key, list, startOf } from './shelf.js';

/** @import { Page, Recording, StreamSummary } from './shelf.js' */

const PAGE = 1000;
/** Past this a timeline is a block of colour; the nearest recordings are enough for it. */
const MOST_PAGES = 5;

export class Collection {
  /** @type {Map<string, Recording>} */
  #known = new Map();
  /** What `of` has sorted already. @type {Map<string, Recording[]>} */
  #sorted = new Map();
  /** Of every stream that has recordings. @type {StreamSummary[]} */
  streams = [];
  /** @type {Page['disk']} */
  disk = undefined;
  total = 0;
  totalBytes = 0;

  /** What is there in all: streams, sizes, the disk. */
  async overview() {
    const page = await list({ limit: 1 });
    this.streams = [...(page.streams ?? [])].sort((a, b) => byName(a.name, b.name));
    this.disk = page.disk;
    this.total = page.total;
    this.totalBytes = page.total_bytes;
    const names = new Set(this.streams.map((stream) => stream.name));
    for (const recording of this.#known.values()) if (!names.has(recording.stream_name)) this.forget(recording);
  }

  /**
   * Makes what is known of a stretch of time agree with the hub.
   * @param {number} from
   * @param {number} to
   * @returns {Promise<Recording[]>} what lies in it
   */
  async look(from, to) {
    /** @type {Recording[]} */
    const found = [];
    /** @type {string | null} */
    let cursor = null;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await list({ from, to, limit: PAGE, cursor });
      found.push(...answer.recordings);
      cursor = answer.next;
      if (!cursor) break;
    }
    if (!cursor) this.#dropMissing(from, to, new Set(found.map(key)));
    for (const recording of found) this.#known.set(key(recording), recording);
    this.#sorted.clear();
    return found;
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {Set<string>} there
   */
  #dropMissing(from, to, there) {
    for (const [id, recording] of this.#known) {
      const inside = endOf(recording) > from && startOf(recording) < to;
      if (inside && !there.has(id)) this.#known.delete(id);
    }
  }

  /** @param {string} stream @returns {Recording[]} oldest first */
  of(stream) {
    const sorted = this.#sorted.get(stream) ?? [...this.#known.values()].filter((one) => one.stream_name === stream).sort((a, b) => startOf(a) - startOf(b));
    this.#sorted.set(stream, sorted);
    return sorted;
  }

  /** @param {Recording} recording as it is known now, which may be longer */
  latest(recording) {
    return this.#known.get(key(recording));
  }

  /** @param {Recording} recording */
  forget(recording) {
    this.#known.delete(key(recording));
    this.#sorted.delete(recording.stream_name);
  }
}
