// An MJPEG answer, picture by picture. An <img> would play it too, but says neither which frame it
// shows, nor that the stream has ended, nor why it was refused.

import { ask, Refusal } from './ask.js';

/**
 * @typedef {object} Part
 * @property {Blob} jpeg
 * @property {number | null} timestamp when it was taken, in seconds since 1970
 * @property {number} seq
 */

/** No header block of the hub's is longer; more is not what we asked for. */
const MOST_HEADER_BYTES = 16_384;
const HEADER_END = [13, 10, 13, 10];

/**
 * Reads only as fast as it is asked to, so that a slow page slows the hub down and queues nothing.
 * @param {string} url with `advance_headers=0`, so that each part says its length
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<Part, void>} until the hub says that this was all
 * @throws {Refusal} when it is refused, or breaks off
 */
export async function* parts(url, signal) {
  const response = await ask(url, signal);
  const reader = response.body?.getReader();
  if (!reader) return;
  const bytes = new ByteQueue(reader);
  try {
    for (;;) {
      const head = await bytes.through(HEADER_END);
      if (head === null) return;
      const length = Number(header(head, 'Content-Length'));
      if (!(length > 0)) throw new Refusal(0, 'This is not MJPEG with a length for each picture; does a proxy rewrite it?');
      const jpeg = new Blob([await bytes.take(length)], { type: 'image/jpeg' });
      const timestamp = Number.parseFloat(header(head, 'X-Timestamp'));
      yield { jpeg, timestamp: Number.isFinite(timestamp) ? timestamp : null, seq: Number(header(head, 'X-Frame-Seq')) || 0 };
    }
  } finally {
    reader.cancel().catch(() => {}); // A reader that stops does not care how the connection ends.
  }
}

/**
 * @param {string} head
 * @param {string} name
 */
function header(head, name) {
  return new RegExp(`^${name}: *(.*?)\r$`, 'im').exec(head)?.[1] ?? '';
}

/** What came from the network and was not taken yet. */
class ByteQueue {
  /** @type {Uint8Array<ArrayBuffer>} */
  #bytes = new Uint8Array(0);

  /** @param {ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>} reader */
  constructor(reader) {
    this.reader = reader;
  }

  /**
   * @param {number[]} end
   * @returns {Promise<string | null>} the text up to and with `end`; null after the closing boundary
   */
  async through(end) {
    let from = 0;
    for (;;) {
      const found = indexOf(this.#bytes, end, from);
      if (found >= 0) return new TextDecoder('latin1').decode(this.#cut(found + end.length));
      from = Math.max(0, this.#bytes.length - end.length);
      if (this.#bytes.length > MOST_HEADER_BYTES) throw new Refusal(0, 'This is not MJPEG; is something else listening at this address?');
      if (await this.#more()) continue;
      const rest = new TextDecoder('latin1').decode(this.#bytes);
      if (/(?:^|\n)--\S+--\s*$/.test(rest)) return null;
      throw new Refusal(0, 'The connection to the hub broke.');
    }
  }

  /**
   * @param {number} length
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async take(length) {
    const taken = new Uint8Array(length);
    let filled = 0;
    for (;;) {
      const piece = this.#cut(Math.min(this.#bytes.length, length - filled));
      taken.set(piece, filled);
      filled += piece.length;
      if (filled === length) return taken;
      if (!(await this.#more())) throw new Refusal(0, 'The connection to the hub broke.');
    }
  }

  /** @param {number} length */
  #cut(length) {
    const piece = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return piece;
  }

  async #more() {
    let chunk;
    try {
      chunk = await this.reader.read();
    } catch {
      throw new Refusal(0, 'The connection to the hub broke.');
    }
    if (!chunk.value) return false;
    if (this.#bytes.length === 0) {
      this.#bytes = chunk.value;
      return true;
    }
    const joined = new Uint8Array(this.#bytes.length + chunk.value.length);
    joined.set(this.#bytes);
    joined.set(chunk.value, this.#bytes.length);
    this.#bytes = joined;
    return true;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number[]} wanted
 * @param {number} from
 */
function indexOf(bytes, wanted, from) {
  for (let i = from; i + wanted.length <= bytes.length; i += 1) {
    if (wanted.every((byte, k) => bytes[i + k] === byte)) return i;
  }
  return -1;
}
