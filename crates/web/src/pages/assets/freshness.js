// How old a stream's picture is, and from when on that deserves a colour.
//
// The hub says how old a picture was when it was sent; from its arrival on our own monotonic clock
// counts. A stream of one picture a minute is not stale after ten seconds, so the limits grow with
// the stream's own rhythm.

/** @typedef {'ok' | 'amber' | 'red'} Level */

const AMBER_MS = 2000;
const RED_MS = 10_000;
/** This many of the stream's own intervals must pass as well. */
const AMBER_INTERVALS = 3;
const RED_INTERVALS = 10;

/** A picture that was out of sight is old; this long its successor may take before that is news. */
const RETURN_MS = 1500;

export class Freshness {
  /** @type {number | null} */
  #born = null;
  #notedAt = 0;
  /** When a person began to watch. */
  #since = 0;
  #seq = 0;
  /** Mean time between frames, exponentially smoothed. @type {number | null} */
  #intervalMs = null;

  /**
   * @param {number} born
   * @param {number} seq
   */
  note(born, seq) {
    const frames = seq - this.#seq;
    if (this.#born !== null && frames > 0) {
      const each = Math.max(0, (born - this.#born) / frames);
      this.#intervalMs = this.#intervalMs === null ? each : this.#intervalMs * 0.8 + each * 0.2;
    }
    this.#born = born;
    this.#seq = seq;
    this.#notedAt = performance.now();
  }

  /** The page is watched again: pictures start to come again. */
  resume() {
    this.#since = performance.now();
  }

  /**
   * Whether the first picture since then is still on its way.
   * @param {number} now
   */
  awaited(now) {
    return this.#born === null || (this.#notedAt <= this.#since && now - this.#since < RETURN_MS && now - this.#born > AMBER_MS);
  }

  /** Another stream, or the same name created anew. */
  reset() {
    this.#born = null;
    this.#seq = 0;
    this.#intervalMs = null;
  }

  /**
   * @param {number} now
   * @returns {number | null} milliseconds, null before the first picture
   */
  age(now) {
    return this.#born === null ? null : Math.max(0, now - this.#born);
  }

  /**
   * @param {number} now
   * @returns {Level}
   */
  level(now) {
    const age = this.age(now) ?? 0;
    const interval = this.#intervalMs ?? 0;
    if (age > Math.max(RED_MS, interval * RED_INTERVALS)) return 'red';
    if (age > Math.max(AMBER_MS, interval * AMBER_INTERVALS)) return 'amber';
    return 'ok';
  }
}
