// The JSON object that travels with a frame, as a table beside the picture.

import { el, setText } from './dom.js';

/** A person reads no faster, and a table that flickers cannot be read at all. */
const EVERY_MS = 200;
const MOST_ROWS = 60;
const MOST_CHARACTERS = 160;
const DIGITS = 6;

export class MetadataTable {
  #shownAt = 0;
  /** Shows the newest numbers that came too soon after the last ones; 0 for none. */
  #later = 0;
  /** @type {Map<string, HTMLElement>} */
  #cells = new Map();

  /**
   * @param {HTMLElement} panel
   * @param {HTMLElement} list
   * @param {HTMLElement} note
   */
  constructor(panel, list, note) {
    this.panel = panel;
    this.list = list;
    this.note = note;
  }

  clear() {
    this.panel.hidden = true;
    this.#cells.clear();
    this.list.replaceChildren();
    this.#shownAt = 0;
    this.#forget();
  }

  #forget() {
    clearTimeout(this.#later);
    this.#later = 0;
  }

  /**
   * @param {unknown} metadata
   * @param {number} seq
   * @param {number} now
   */
  show(metadata, seq, now) {
    if (typeof metadata !== 'object' || metadata === null) {
      if (!this.panel.hidden) this.clear();
      return;
    }
    this.#forget();
    const wait = this.#shownAt + EVERY_MS - now;
    if (wait > 0) {
      // It may be the last frame for long: its numbers must not stay behind its picture.
      this.#later = setTimeout(() => this.show(metadata, seq, now + wait), wait);
      return;
    }
    this.#shownAt = now;
    const rows = flatten(metadata);
    this.panel.hidden = rows.length === 0;
    setText(this.note, `frame ${seq}`);
    if (rows.length !== this.#cells.size || rows.some(([key]) => !this.#cells.has(key))) this.#build(rows);
    for (const [key, value] of rows) {
      const cell = this.#cells.get(key);
      if (cell) setText(cell, value);
    }
  }

  /** @param {[string, string][]} rows */
  #build(rows) {
    this.#cells.clear();
    this.list.replaceChildren(...rows.map(([key]) => {
      const cell = el('dd', { 'data-meta': key });
      this.#cells.set(key, cell);
      return el('div', {}, el('dt', { title: key }, key), cell);
    }));
  }
}

/**
 * Nested objects become dotted keys; arrays stay on one line.
 * @param {object} metadata
 * @returns {[string, string][]}
 */
export function flatten(metadata) {
  /** @type {[string, string][]} */
  const rows = [];
  /** @type {(value: object, prefix: string) => void} */
  const walk = (value, prefix) => {
    for (const [key, inner] of Object.entries(value)) {
      if (rows.length >= MOST_ROWS) return;
      const path = prefix + key;
      if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) walk(inner, `${path}.`);
      else rows.push([path, plain(inner)]);
    }
  };
  walk(metadata, '');
  return rows;
}

/** @param {unknown} value */
function plain(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, (_, inner) => rounded(inner))?.replaceAll(',', ', ') ?? '';
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

/** @param {unknown} value */
function rounded(value) {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
}
