// The movement of both fencers over time, with the signal's events and the moment that the video shows. A click winds
// the video there.

import * as format from '../format.js';
import { el } from '../dom.js';

/**
 * @import { Event } from './signal-log.js'
 * @import { Track, Tracks } from './tracks.js'
 */

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 1000;
const HEIGHT = 300;
/** Of the height, above and below the tracks. */
const MARGIN = 0.06;

export class Chart {
  /** @type {SVGLineElement} */
  #head = line('head');
  #seconds;

  /**
   * @param {HTMLElement} place
   * @param {Tracks} tracks
   * @param {Event[]} events
   * @param {(secs: number) => void} chosen
   */
  constructor(place, tracks, events, chosen) {
    const all = [...tracks.left, ...tracks.right];
    this.#seconds = Math.max(0.001, ...all.map(([secs]) => secs), ...events.map((event) => event.secs));
    const places = all.map(([, x]) => x);
    const [low, high] = [Math.min(...places), Math.max(...places)];
    const scale = (/** @type {number} */ x) => (MARGIN + (1 - 2 * MARGIN) * (high > low ? (high - x) / (high - low) : 0.5)) * HEIGHT;

    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', 'Where both fencers stood over time');
    for (const event of events) svg.append(this.#mark(event));
    for (const side of /** @type {const} */ (['left', 'right'])) svg.append(this.#track(side, tracks[side], scale));
    svg.append(this.#head);
    svg.addEventListener('click', (click) => {
      const box = svg.getBoundingClientRect();
      chosen(((click.clientX - box.left) / box.width) * this.#seconds);
    });
    place.replaceChildren(svg, el('p', { class: 'chart-axis' }, el('span', {}, '0.0 s'), el('span', {}, format.position(this.#seconds))));
    this.show(0);
  }

  /** @param {number} secs the moment that the video shows */
  show(secs) {
    upright(this.#head, this.#x(secs));
  }

  /** @param {number} secs */
  #x(secs) {
    return (Math.min(secs, this.#seconds) / this.#seconds) * WIDTH;
  }

  /** @param {Event} event */
  #mark(event) {
    const mark = line('event');
    upright(mark, this.#x(event.secs));
    const title = document.createElementNS(SVG, 'title');
    title.textContent = `${event.secs.toFixed(3)} s: ${event.text}`;
    mark.append(title);
    return mark;
  }

  /**
   * @param {'left' | 'right'} side
   * @param {Track} track
   * @param {(x: number) => number} scale
   */
  #track(side, track, scale) {
    const path = document.createElementNS(SVG, 'polyline');
    path.setAttribute('class', 'track');
    path.setAttribute('data-side', side);
    path.setAttribute('points', track.map(([secs, x]) => `${this.#x(secs).toFixed(1)},${scale(x).toFixed(1)}`).join(' '));
    return path;
  }
}

/** @param {string} name */
function line(name) {
  const made = document.createElementNS(SVG, 'line');
  made.setAttribute('class', name);
  made.setAttribute('y1', '0');
  made.setAttribute('y2', String(HEIGHT));
  return made;
}

/**
 * @param {SVGLineElement} mark
 * @param {number} x
 */
function upright(mark, x) {
  mark.setAttribute('x1', x.toFixed(1));
  mark.setAttribute('x2', x.toFixed(1));
}
