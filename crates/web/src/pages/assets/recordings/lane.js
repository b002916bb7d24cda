// One stream's line on the timeline: its name, its recordings as bars, and where it is played.

import { el, setAttribute, setText } from '../dom.js';
import * as format from '../format.js';
import { bars } from './bars.js';
import { startOf } from './shelf.js';

/** @import { Recording, StreamSummary } from './shelf.js' */
/** @import { Window } from './window.js' */

export class Lane {
  /** @type {Recording[]} */
  #recordings = [];
  #drawn = '';

  /**
   * @param {string} name
   * @param {(name: string) => void} chosen its name was clicked
   */
  constructor(name, chosen) {
    this.name = name;
    this.title = el('button', { type: 'button', class: 'lane-name', title: `List the recordings of ${name}` }, name);
    this.title.addEventListener('click', () => chosen(name));
    this.facts = el('span', { class: 'lane-facts' });
    this.bars = el('div', { class: 'lane-bars' });
    this.head = el('div', { class: 'playhead', hidden: true });
    this.hoverText = el('span');
    this.hover = el('div', { class: 'lane-hover', hidden: true, 'aria-hidden': 'true' }, this.hoverText);
    this.track = el('div', { class: 'lane', role: 'slider', tabindex: '0', 'data-stream': name, 'aria-label': `Recordings of ${name}`, 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '0', 'aria-valuetext': 'not playing' }, this.bars, this.head, this.hover);
    this.element = el('div', { class: 'lane-row' }, el('div', { class: 'lane-label' }, this.title, this.facts), this.track);
  }

  /** @param {StreamSummary} summary */
  describe(summary) {
    setText(this.facts, format.bytes(summary.total_bytes));
    setAttribute(this.facts, 'title', `${format.plural(summary.count, 'recording')}, ${format.bytes(summary.total_bytes)}`);
  }

  /**
   * @param {Recording[]} recordings oldest first
   * @param {Window} window
   */
  draw(recordings, window) {
    this.#recordings = recordings;
    const found = bars(recordings, window, Math.max(1, this.track.clientWidth));
    const state = JSON.stringify(found);
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.bars.replaceChildren(...found.map(({ left, width, kind, title }) => {
      const bar = el('span', { class: 'bar', 'data-kind': kind, title });
      bar.style.left = percent(left);
      bar.style.width = percent(width);
      return bar;
    }));
  }

  /**
   * @param {number | null} time what is shown of this stream; null when another one is
   * @param {Window} window
   */
  showHead(time, window) {
    const share = time === null ? 0 : (time - window.from) / (window.to - window.from);
    this.head.hidden = time === null || share < 0 || share > 1;
    this.head.style.left = percent(share);
    setAttribute(this.track, 'aria-valuenow', String(Math.round(Math.min(1, Math.max(0, share)) * 100)));
    setAttribute(this.track, 'aria-valuetext', time === null ? 'not playing' : `${format.day(time)}, ${format.timeOfDay(time)}`);
  }

  /** Where a keyboard's Enter begins. */
  get newest() {
    const last = this.#recordings.filter((one) => one.kind !== 'clip').at(-1);
    return last ? startOf(last) : null;
  }

  /**
   * @param {number} x of the pointer
   * @param {Window} window
   * @returns {number} Unix milliseconds
   */
  timeAt(x, window) {
    const { left, width } = this.track.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (x - left) / Math.max(1, width)));
    return window.from + share * (window.to - window.from);
  }

  /**
   * @param {number | null} time under the pointer
   * @param {Window} window
   */
  showHover(time, window) {
    this.hover.hidden = time === null;
    if (time === null) return;
    const share = (time - window.from) / (window.to - window.from);
    this.hover.style.left = percent(share);
    setAttribute(this.hover, 'data-side', share > 0.5 ? 'left' : 'right');
    setText(this.hoverText, `${format.day(time)}, ${format.timeOfDay(time)}`);
  }
}

/** @param {number} share */
export function percent(share) {
  return `${(share * 100).toFixed(3)}%`;
}
