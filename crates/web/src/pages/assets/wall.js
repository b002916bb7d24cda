// The wall: one tile for each live stream, laid out to fill the window, and the knowledge of which
// tiles can be seen.

import { byName } from './format.js';
import { Tile } from './tile.js';

/** @import { StreamInfo, WatchSet } from './hub.js' */
/** @import { Picture } from './painter.js' */

/** An ended stream's tile stays this long, so that people see what happened. */
const FAREWELL_MS = 5000;
/** Below this width a tile says too little; the wall scrolls instead. */
const LEAST_TILE_PX = 272;
/** The line of text under a picture, as style.css sets it. */
const CAPTION_PX = 60;
const GAP_PX = 14;
/** Pictures a second that the wall asks for in all: past it no eye gains, and laptops get warm. */
const FRAMES_PER_SECOND = 360;
const LEAST_FPS = 5;
/** The shapes a tile may take; other pictures get bars. */
const WIDEST = 16 / 9;
const NARROWEST = 1;

export class Wall {
  /** @type {Map<string, Tile>} */
  tiles = new Map();
  #filter = '';
  /** @type {Map<Element, Tile>} */
  #byLink = new Map();
  /** Width to height of every tile's picture. */
  #ratio = WIDEST;

  /**
   * @param {HTMLElement} list
   * @param {object} events
   * @param {(picture: Picture) => void} events.shown
   * @param {() => void} events.visibility which tiles are on screen has changed
   */
  constructor(list, { shown, visibility }) {
    this.list = list;
    this.shown = shown;
    this.observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const tile = this.#byLink.get(entry.target);
        if (tile) tile.visible = entry.isIntersecting;
      }
      visibility();
    });
    new ResizeObserver(() => this.layout()).observe(document.documentElement);
  }

  /** @param {StreamInfo[]} streams the hub's whole list */
  update(streams) {
    this.#chooseRatio(streams);
    const known = new Set();
    for (const info of streams) {
      known.add(info.name);
      const tile = this.tiles.get(info.name) ?? this.#add(info.name);
      tile.update(info);
    }
    for (const tile of this.tiles.values()) {
      if (!known.has(tile.name) && !tile.ended) this.end(tile.name, '');
    }
  }

  /**
   * @param {string} name
   * @param {string} message
   */
  end(name, message) {
    const tile = this.tiles.get(name);
    if (!tile) return;
    tile.end(message);
    window.setTimeout(() => {
      if (tile.ended && this.tiles.get(name) === tile) this.#remove(tile);
    }, FAREWELL_MS);
  }

  /** @param {string} text tiles whose name does not contain it are hidden */
  set filter(text) {
    this.#filter = text.trim().toLowerCase();
    for (const tile of this.tiles.values()) this.#applyFilter(tile);
    this.layout();
  }

  /** The page is looked at again, after a while in another tab. */
  resume() {
    for (const tile of this.tiles.values()) tile.resume();
  }

  /** How many tiles the filter lets through. */
  get matching() {
    return [...this.tiles.values()].filter((tile) => !tile.element.hidden).length;
  }

  /** @param {number} now */
  tick(now) {
    for (const tile of this.tiles.values()) tile.tick(now);
  }

  /** @returns {WatchSet} the streams on screen, each asked for no more often than all can be painted */
  watchSet() {
    const seen = [...this.tiles.values()].filter((tile) => tile.visible && !tile.ended && !tile.element.hidden);
    const fair = Math.max(LEAST_FPS, Math.floor(FRAMES_PER_SECOND / Math.max(1, seen.length)));
    return Object.fromEntries(seen.map((tile) => [tile.name, fair < 60 ? { fps: fair } : {}]));
  }

  /** The names in the order of the tiles, for stepping from one to the next. */
  names() {
    return [...this.tiles.values()].filter((tile) => !tile.ended).map((tile) => tile.name).sort(byName);
  }

  /**
   * Chooses the tile width: the largest with which all tiles fit the window, else the largest
   * number of columns that keeps them readable.
   */
  layout() {
    const tiles = this.matching;
    const { width, top } = this.list.getBoundingClientRect();
    if (tiles === 0 || width === 0) return;
    const height = window.innerHeight - (top + window.scrollY) - GAP_PX;
    let best = { tile: 0, columns: 1 };
    for (let columns = 1; columns <= tiles; columns += 1) {
      const rows = Math.ceil(tiles / columns);
      const byHeight = ((height - GAP_PX * (rows - 1)) / rows - CAPTION_PX) * this.#ratio;
      const tile = Math.min(share(width, columns), byHeight);
      if (tile > best.tile) best = { tile, columns };
    }
    if (best.tile < LEAST_TILE_PX) {
      const columns = Math.max(1, Math.floor((width + GAP_PX) / (LEAST_TILE_PX + GAP_PX)));
      best = { tile: share(width, columns), columns };
    }
    const { style } = this.list;
    style.setProperty('--tile', `${Math.floor(best.tile)}px`);
    style.setProperty('--columns', String(best.columns));
    style.setProperty('--ratio', String(this.#ratio));
  }

  /** The shape that most of the pictures have: fewest black bars. @param {StreamInfo[]} streams */
  #chooseRatio(streams) {
    /** @type {Map<number, { votes: number, ratio: number }>} */
    const shapes = new Map();
    for (const { width, height } of streams) {
      if (!width || !height) continue;
      const ratio = Math.min(WIDEST, Math.max(NARROWEST, width / height));
      // 848×480 and 1280×720 are one shape to the eye.
      const key = Math.round(ratio * 10);
      const shape = shapes.get(key) ?? { votes: 0, ratio };
      shape.votes += 1;
      shape.ratio = Math.max(shape.ratio, ratio);
      shapes.set(key, shape);
    }
    const [winner] = [...shapes.values()].sort((a, b) => b.votes - a.votes || b.ratio - a.ratio);
    const ratio = winner?.ratio ?? WIDEST;
    if (ratio === this.#ratio) return;
    this.#ratio = ratio;
    this.layout();
  }

  /** @param {string} name */
  #add(name) {
    const tile = new Tile(name, this.shown);
    const next = [...this.tiles.values()].filter((other) => byName(other.name, name) > 0).sort((a, b) => byName(a.name, b.name))[0];
    this.tiles.set(name, tile);
    this.#byLink.set(tile.link, tile);
    this.#applyFilter(tile);
    this.list.insertBefore(tile.element, next?.element ?? null);
    this.observer.observe(tile.link);
    this.layout();
    return tile;
  }

  /** @param {Tile} tile */
  #remove(tile) {
    this.observer.unobserve(tile.link);
    this.tiles.delete(tile.name);
    this.#byLink.delete(tile.link);
    tile.element.remove();
    this.layout();
  }

  /** @param {Tile} tile */
  #applyFilter(tile) {
    tile.element.hidden = !tile.name.toLowerCase().includes(this.#filter);
  }
}

/**
 * @param {number} width
 * @param {number} columns
 * @returns {number} what each of the columns gets of the width
 */
function share(width, columns) {
  return (width - GAP_PX * (columns - 1)) / columns;
}
