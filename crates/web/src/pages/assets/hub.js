// The page's one connection to the hub: a WebSocket that carries every watched stream.
//
// Browsers allow six HTTP/1.1 connections to a host, so a wall of <img> freezes at the seventh.
// This module dials, dials again with backoff, sends the set of watched streams, takes frames
// apart and acknowledges them. Where no WebSocket opens, or none lasts, although the hub answers HTTP
// (a proxy that does not pass upgrades), the pictures come by `fallback.js` while it keeps trying.

import { ask, Refusal } from './ask.js';
import { backoffMs } from './backoff.js';
import { Fallback } from './fallback.js';
import { at, socketAt } from './paths.js';
import { patient } from './patience.js';

/** @import { Picture } from './painter.js' */

/**
 * A stream as the hub lists it; every field but the name may be missing.
 * @typedef {object} StreamInfo
 * @property {string} name
 * @property {number} [current_fps]
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [frame_bytes]
 * @property {number} [bytes_per_second]
 * @property {number} [viewer_count]
 * @property {number} [inactive_seconds]
 * @property {number} [uptime_seconds]
 * @property {number} [total_frames]
 * @property {boolean} [recording]
 * @property {boolean} [on_demand] its source makes pictures only while it is watched
 */

/**
 * Where the connection stands. `denied` waits for a key; `mjpeg` and `snapshots` work without a
 * WebSocket, the latter at the price of smoothness.
 * @typedef {object} Link
 * @property {'connecting' | 'open' | 'waiting' | 'mjpeg' | 'snapshots' | 'denied'} phase
 * @property {string} reason why it is not open, for people; empty when it is
 * @property {number | null} retryAt on the `performance.now()` clock
 */

/**
 * @typedef {object} HubEvents
 * @property {(streams: StreamInfo[], byDefault: string | null) => void} streams the whole list, every second or two
 * @property {(picture: Picture) => void} picture to be given back with `shown`
 * @property {(stream: string, message: string) => void} gone a watched stream ended
 * @property {(message: string) => void} trouble something to tell, while the connection stays
 * @property {(link: Link) => void} link
 */

/** @typedef {{ fps?: number, overlay?: string }} Wish */
/** @typedef {Record<string, Wish>} WatchSet */

/** The hub speaks every second; after this silence the connection is dead, whatever TCP believes. */
const SILENCE_MS = 8000;
/** It speaks first as well: a WebSocket that carries nothing so long after it was dialled never will. */
const FIRST_WORD_MS = 4000;
/** A WebSocket that breaks off sooner than this is a failure too, unless the hub said farewell. */
const STEADY_MS = 10_000;
/** Failures in a row, with HTTP answering, before the page stops waiting for a WebSocket. */
const FAILURES_BEFORE_FALLBACK = 2;
/** While the fallback works the WebSocket is tried again, less and less often… */
const RETRY_FALLBACK_MS = 30_000;
const MOST_RETRY_FALLBACK_MS = 600_000;
/** …and while a key is missing. */
const RETRY_DENIED_MS = 10_000;
/** Close codes with which a hub says that it goes away. */
const FAREWELLS = [1001, 1012];
/** The wall protocol's limit on one `watch` message. */
const MOST_WATCHED = 256;

export class Hub {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Link} */
  #link = { phase: 'connecting', reason: '', retryAt: null };
  #attempt = 0;
  #failures = 0;
  #spoken = false;
  #dialledAt = 0;
  #heardAt = 0;
  /** What is wrong with WebSockets here, for people. */
  #flaw = '';
  #retryTimer = 0;
  /** @type {WatchSet} */
  #watch = {};
  #sentWatch = '';

  /** @param {HubEvents} events */
  constructor(events) {
    this.events = events;
    this.fallback = new Fallback({
      picture: events.picture,
      streams: events.streams,
      changed: () => { if (this.#onFallback()) this.#setLink(this.fallback.way, this.#whyFallback(), this.#link.retryAt); },
      failed: (reason) => { if (this.#onFallback()) this.#setLink(this.#link.phase, reason, this.#link.retryAt); },
    });
    setInterval(() => this.#checkSilence(), patient(1000));
    window.addEventListener('online', () => this.retryNow());
  }

  get link() {
    return this.#link;
  }

  connect() {
    window.clearTimeout(this.#retryTimer);
    this.#setLink(this.#onFallback() ? this.#link.phase : 'connecting', this.#link.reason, null);
    const socket = new WebSocket(socketAt('api/wall'));
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#spoken = false;
    this.#dialledAt = performance.now();
    this.#heardAt = this.#dialledAt;
    socket.onmessage = (event) => this.#hear(event.data);
    socket.onclose = (event) => {
      if (this.#socket === socket) void this.#lost(event.code, event.reason);
    };
  }

  /** A person does not want to wait for the countdown. */
  retryNow() {
    if (this.#link.retryAt !== null) this.connect();
  }

  /**
   * Replaces the set of watched streams.
   * @param {WatchSet} streams
   */
  watch(streams) {
    this.#watch = Object.fromEntries(Object.entries(streams).slice(0, MOST_WATCHED));
    this.fallback.watch(Object.fromEntries(Object.entries(this.#watch).map(([name, wish]) => [name, withoutOverlay(wish)])));
    this.#sendWatch();
  }

  /**
   * Sends the set again although it did not change: a stream that ended has come back.
   */
  watchAgain() {
    this.#sentWatch = '';
    this.#sendWatch();
  }

  /**
   * The picture is on the screen, or was passed over for a newer one: the hub may send the next.
   * @param {Picture} picture
   */
  shown({ stream, seq }) {
    if (this.#isOpen()) this.#send({ type: 'shown', stream, seq });
  }

  #isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** @param {object} message */
  #send(message) {
    this.#socket?.send(JSON.stringify(message));
  }

  #sendWatch() {
    if (!this.#isOpen() || !this.#spoken) return;
    const streams = JSON.stringify(this.#watch);
    if (streams === this.#sentWatch) return;
    this.#sentWatch = streams;
    this.#send({ type: 'watch', streams: this.#watch });
  }

  /** @param {unknown} data */
  #hear(data) {
    this.#heardAt = performance.now();
    if (!this.#spoken) this.#opened();
    if (data instanceof ArrayBuffer) {
      const picture = takeApart(data, this.#heardAt);
      if (picture) this.events.picture(picture);
      return;
    }
    if (typeof data === 'string') this.#hearText(data);
  }

  /** The first message proves more than the handshake did: proxies accept what they cannot carry. */
  #opened() {
    this.#spoken = true;
    this.#attempt = 0;
    this.fallback.stop();
    this.#setLink('open', '', null);
    this.#sentWatch = '';
    this.#sendWatch();
  }

  /** @param {string} text */
  #hearText(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    switch (message.type) {
      case 'streams':
        this.events.streams(message.streams ?? [], message.default ?? null);
        return;
      case 'gone':
        this.events.gone(String(message.stream), String(message.message ?? ''));
        return;
      case 'error':
        this.events.trouble(String(message.message ?? 'The hub reports an error without a message.'));
        return;
      default: // A newer hub may say more than this page knows.
    }
  }

  #checkSilence() {
    const silentMs = performance.now() - this.#heardAt;
    const limitMs = this.#spoken ? SILENCE_MS : FIRST_WORD_MS;
    if (!this.#socket || silentMs < patient(limitMs)) return;
    const socket = this.#socket;
    this.#socket = null;
    socket.onmessage = null;
    socket.close();
    void this.#lost(0, `No answer from the hub for ${limitMs / 1000} seconds.`);
  }

  /**
   * @param {number} code of the close frame; 1006 when there was none
   * @param {string} said
   */
  async #lost(code, said) {
    this.#socket = null;
    const spoke = this.#spoken;
    const steady = spoke && performance.now() - this.#dialledAt > patient(STEADY_MS);
    this.#spoken = false;
    if (spoke) this.#setLink('waiting', closeReason(code, said), null);
    const refusal = await this.#probe();
    if (this.#socket) return; // Someone dialled meanwhile.
    this.#failures = refusal || steady || FAREWELLS.includes(code) ? 0 : this.#failures + 1;
    if (refusal?.needsKey) {
      this.fallback.stop();
      this.#retryIn('denied', refusal.message, RETRY_DENIED_MS);
      return;
    }
    if (refusal) {
      this.fallback.stop();
      this.#retryIn('waiting', spoke && said ? closeReason(code, said) : refusal.message, backoffMs(this.#attempt));
      return;
    }
    if (this.#failures >= FAILURES_BEFORE_FALLBACK) {
      this.#flaw = spoke ? 'WebSockets close soon after they open here' : 'WebSockets are blocked here';
      this.fallback.start();
      this.#retryIn(this.fallback.way, this.#whyFallback(), this.#fallbackMs());
      return;
    }
    this.#retryIn('waiting', spoke ? closeReason(code, said) : 'The hub answers, but no WebSocket opens.', patient(backoffMs(this.#attempt)));
  }

  #onFallback() {
    return this.#link.phase === 'mjpeg' || this.#link.phase === 'snapshots';
  }

  #whyFallback() {
    if (this.fallback.way === 'mjpeg') return `${this.#flaw}; pictures come as MJPEG.`;
    if (this.fallback.held) return `${this.#flaw}, and MJPEG is held back on its way; pictures are fetched one by one.`;
    return `${this.#flaw}; pictures are fetched one by one.`;
  }

  /** How long to leave the WebSocket alone, while pictures come without it. */
  #fallbackMs() {
    const step = RETRY_FALLBACK_MS * 2 ** Math.min(8, this.#failures - FAILURES_BEFORE_FALLBACK);
    return patient(Math.min(MOST_RETRY_FALLBACK_MS, step) * (0.8 + Math.random() * 0.4));
  }

  /**
   * A failed WebSocket tells a page nothing; plain HTTP to the same hub does.
   * @returns {Promise<Refusal | null>} null when the hub answers
   */
  async #probe() {
    try {
      await ask(at('api/streams'), AbortSignal.timeout(4000));
      return null;
    } catch (error) {
      return error instanceof Refusal ? error : new Refusal(0, String(error));
    }
  }

  /**
   * @param {Link['phase']} phase
   * @param {string} reason
   * @param {number} millis
   */
  #retryIn(phase, reason, millis) {
    this.#attempt += 1;
    window.clearTimeout(this.#retryTimer);
    this.#retryTimer = window.setTimeout(() => this.connect(), millis);
    this.#setLink(phase, reason, performance.now() + millis);
  }

  /**
   * @param {Link['phase']} phase
   * @param {string} reason
   * @param {number | null} retryAt
   */
  #setLink(phase, reason, retryAt) {
    this.#link = { phase, reason, retryAt };
    this.events.link(this.#link);
  }
}

/**
 * What was found in a picture comes over the WebSocket alone.
 * @param {Wish} wish
 * @returns {Record<string, number>}
 */
function withoutOverlay({ overlay: _overlay, ...rest }) {
  return rest;
}

/**
 * @param {number} code
 * @param {string} said
 */
function closeReason(code, said) {
  if (said) return said.replace(/^./, (first) => first.toUpperCase()).replace(/([^.!?])$/, '$1.');
  if (code === 1001 || code === 1012) return 'The hub is restarting or shutting down.';
  return 'The connection to the hub broke.';
}

/**
 * `u16 big-endian N | N bytes of JSON header | JPEG`
 * @param {ArrayBuffer} message
 * @param {number} arrived
 * @returns {Picture | null} null for what is not a frame
 */
function takeApart(message, arrived) {
  if (message.byteLength < 2) return null;
  const headerBytes = new DataView(message).getUint16(0);
  if (message.byteLength < 2 + headerBytes) return null;
  try {
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 2, headerBytes)));
    return {
      stream: header.stream,
      seq: header.seq,
      jpeg: new Blob([new Uint8Array(message, 2 + headerBytes)], { type: 'image/jpeg' }),
      born: arrived - (header.age_ms ?? 0),
      skipped: header.skipped ?? 0,
      metadata: header.metadata,
    };
  } catch {
    return null;
  }
}
