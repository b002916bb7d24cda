// One stream on the wall: its picture, and under it the name, the rates and the picture's age.

import { el, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { Freshness } from './freshness.js';
import { Painter } from './painter.js';

/** @import { StreamInfo } from './hub.js' */
/** @import { Picture } from './painter.js' */

export class Tile {
  #visible = false;
  #freshness = new Freshness();
  #ended = '';
  #broken = false;
  /** @type {StreamInfo} */
  #info;
  /** Natural size of the last picture, where the list does not say. */
  #size = { width: 0, height: 0 };

  /**
   * @param {string} name
   * @param {(picture: Picture) => void} shown
   */
  constructor(name, shown) {
    this.name = name;
    this.#info = { name };
    this.canvas = el('canvas', { 'aria-hidden': 'true' });
    this.note = el('p', { class: 'tile-note' }, 'Waiting for a picture');
    this.ageText = el('span', { class: 'age' }, format.NONE);
    this.spoken = el('span', { class: 'off-screen' });
    this.facts = el('span', { class: 'tile-facts' });
    this.link = el('a', { class: 'tile', href: `#${name}`, 'data-stream': name, 'data-state': 'connecting' },
      el('span', { class: 'tile-picture' }, this.canvas, this.note),
      el('span', { class: 'tile-line' }, el('span', { class: 'tile-name', title: name }, name), this.spoken, this.ageText),
      this.facts);
    this.element = el('li', {}, this.link);
    this.painter = new Painter(this.canvas, {
      painted: (picture, width, height) => this.#painted(picture, width, height),
      broken: () => { this.#broken = true; },
      done: shown,
    });
  }

  get visible() {
    return this.#visible;
  }

  /** Whether any of it is on screen, so that its pictures come. */
  set visible(visible) {
    if (visible && !this.#visible) this.resume();
    this.#visible = visible;
  }

  /** Its pictures, not asked for until now, are asked for again. */
  resume() {
    this.#freshness.resume();
  }

  get ended() {
    return this.#ended !== '';
  }

  /** The stream's own rate, as far as known, for pictures that are not visible. */
  get fps() {
    return this.#info.current_fps;
  }

  /** @param {StreamInfo} info */
  update(info) {
    this.#info = info;
    if (this.#ended) {
      this.#ended = '';
      this.#freshness.reset();
    }
    const width = info.width || this.#size.width;
    const height = info.height || this.#size.height;
    const viewers = info.viewer_count;
    const facts = [`${format.fps(info.current_fps)} fps`, format.size(width, height)];
    if (format.isNumber(viewers)) facts.push(format.plural(viewers, 'viewer'));
    setText(this.facts, facts.join(' · '));
  }

  /** @param {string} message */
  end(message) {
    this.#ended = message || 'This stream has ended.';
  }

  /** @param {number} now */
  tick(now) {
    const level = this.#freshness.level(now);
    setText(this.ageText, format.age(this.#freshness.age(now)));
    setAttribute(this.ageText, 'data-level', level);
    const state = this.#state(level, now);
    setAttribute(this.link, 'data-state', state);
    setText(this.note, this.#noteFor(state));
    setText(this.spoken, `, ${SPOKEN[state]}, `);
  }

  /**
   * @param {import('./freshness.js').Level} level
   * @param {number} now
   * @returns {'live' | 'stale' | 'ended' | 'connecting'}
   */
  #state(level, now) {
    if (this.#ended) return 'ended';
    if (this.#freshness.awaited(now)) return 'connecting';
    return level === 'ok' ? 'live' : 'stale';
  }

  /** @param {string} state */
  #noteFor(state) {
    if (state === 'ended') return this.#ended;
    if (this.#broken) return 'This picture cannot be decoded.';
    return state === 'connecting' && this.painter.last === null ? 'Waiting for a picture' : '';
  }

  /**
   * @param {Picture} picture
   * @param {number} width
   * @param {number} height
   */
  #painted(picture, width, height) {
    this.#broken = false;
    this.#size = { width, height };
    this.#freshness.note(picture.born, picture.seq);
    this.link.dataset.seq = String(picture.seq);
    if (this.link.dataset.state === 'connecting') this.tick(performance.now());
  }
}

/** What the colours say, for those who hear the page. */
const SPOKEN = { live: 'live', stale: 'no new picture', ended: 'ended', connecting: 'waiting for a picture' };
