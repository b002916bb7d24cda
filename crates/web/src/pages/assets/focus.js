// One stream, large: its picture, how fresh it is, its statistics and metadata, and how to watch
// or publish it from elsewhere.

import { Analysis } from './live-analysis.js';
import { byId, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { Freshness } from './freshness.js';
import { MetadataTable } from './metadata.js';
import { Overlay } from './overlay.js';
import { Painter } from './painter.js';
import { at, streamPath } from './paths.js';
import { Recorder } from './recorder.js';
import { Rewind } from './rewind.js';
import { addressRows, publishRows } from './share.js';
import { saveSnapshot } from './snapshot.js';
import { StatsPanel } from './stats-panel.js';

/** @import { StreamInfo } from './hub.js' */
/** @import { Picture } from './painter.js' */

/** The rate shown is that of the pictures painted within this time. */
const RATE_WINDOW_MS = 2000;

export class Focus {
  /** The stream shown, '' while the view is closed. */
  name = '';
  #freshness = new Freshness();
  /** @type {StreamInfo | null} */
  #info = null;
  #ended = '';
  /** Whether the hub has listed its streams since this view opened, and this stream among them. */
  #listKnown = false;
  #listed = false;
  #broken = false;
  /** When the last pictures were painted. @type {number[]} */
  #paints = [];
  #skipped = 0;
  #delayMs = 0;
  #size = { width: 0, height: 0 };
  #sharedSize = '';

  /**
   * @param {object} events
   * @param {(picture: Picture) => void} events.shown
   * @param {() => string | null} events.defaultStream
   * @param {(message: string) => void} events.tell
   * @param {() => void} events.wished other pictures are wanted: live ones or not, with or without what was found in them
   */
  constructor({ shown, defaultStream, tell, wished }) {
    this.defaultStream = defaultStream;
    this.tell = tell;
    this.wished = wished;
    this.view = byId('focus', HTMLElement);
    this.stage = byId('stage', HTMLElement);
    this.canvas = byId('focus-canvas', HTMLCanvasElement);
    this.note = byId('stage-note', HTMLElement);
    this.ageText = byId('focus-age', HTMLElement);
    this.stageAge = byId('stage-age', HTMLElement);
    this.stats = new StatsPanel(byId('stats-panel', HTMLElement), byId('stats-note', HTMLElement));
    this.metadata = new MetadataTable(byId('metadata', HTMLElement), byId('metadata-list', HTMLElement), byId('metadata-seq', HTMLElement));
    this.painter = new Painter(this.canvas, {
      painted: (picture, width, height) => this.#painted(picture, width, height),
      broken: () => { this.#broken = true; },
      done: (picture) => { if (!this.rewind.done(picture)) shown(picture); },
    });
    this.overlay = new Overlay(byId('focus-overlay', HTMLCanvasElement), this.canvas);
    this.analysis = new Analysis({ changed: () => this.#overlaid() });
    this.recorder = new Recorder();
    this.rewind = new Rewind(this.painter, { changed: () => this.#rewound(), failed: (message) => this.recorder.say(message) });
    this.#wireTools();
  }

  get open() {
    return this.name !== '';
  }

  /** How its pictures are wished for. @returns {import('./hub.js').Wish} */
  get wish() {
    const overlay = this.analysis.overlay;
    return overlay ? { overlay } : {};
  }

  /** Whether what is shown is not live. */
  get rewound() {
    return this.rewind.behind > 0;
  }

  /**
   * @param {string} name
   * @param {Picture | null} already the picture the wall has, to start from
   */
  show(name, already) {
    this.#reset();
    this.name = name;
    this.view.hidden = false;
    this.view.dataset.stream = name;
    delete this.view.dataset.seq;
    setText(byId('focus-name', HTMLElement), name);
    setText(byId('stage-name', HTMLElement), name);
    byId('embed-link', HTMLAnchorElement).href = at(streamPath(name, '/embed'));
    byId('publish', HTMLElement).replaceChildren(...publishRows(name));
    this.#share(1280, 720);
    this.rewind.open(name);
    this.recorder.open(name);
    this.analysis.open(name);
    this.resume();
    this.#startStats();
    if (already) {
      this.painter.preview(already);
      this.#freshness.note(already.born, already.seq);
      this.resume();
    }
    this.tick(performance.now());
  }

  hide() {
    if (!this.open) return;
    if (document.fullscreenElement) void document.exitFullscreen();
    this.#reset();
    this.name = '';
    this.stats.stop();
    this.recorder.close();
    this.analysis.close();
    this.view.hidden = true;
    delete this.view.dataset.stream;
    delete this.view.dataset.seq;
  }

  /**
   * @param {StreamInfo[]} streams the hub's whole list
   */
  update(streams) {
    const info = streams.find((stream) => stream.name === this.name);
    this.#listKnown = true;
    if (info) {
      const isNew = !this.#listed || this.#ended !== '';
      if (this.#ended) this.#freshness.reset();
      this.#ended = '';
      this.#listed = true;
      this.#info = info;
      if (isNew) this.#startStats();
      this.recorder.update(info);
    } else if (this.#listed && !this.#ended) {
      this.end('');
    }
  }

  /** @param {string} message */
  end(message) {
    this.#ended = message || 'This stream has ended.';
  }

  /** Its pictures, not asked for until now, are asked for again. */
  resume() {
    this.#freshness.resume();
  }

  /** @param {number} now */
  tick(now) {
    if (!this.open) return;
    const age = this.rewound ? this.rewind.behind * 1000 : this.#freshness.age(now);
    const level = this.rewound ? 'ok' : this.#freshness.level(now);
    const state = this.#state(level, now);
    setAttribute(this.view, 'data-state', state);
    setText(this.ageText, format.age(age));
    setText(this.stageAge, format.age(age));
    for (const text of [this.ageText, this.stageAge]) setAttribute(text, 'data-level', level);
    setText(this.note, this.#noteFor(state));
    this.#readout(now);
  }

  /**
   * @param {import('./freshness.js').Level} level
   * @param {number} now
   * @returns {'live' | 'stale' | 'ended' | 'connecting' | 'rewound'}
   */
  #state(level, now) {
    if (this.rewound) return 'rewound';
    if (this.#ended) return 'ended';
    if (this.#freshness.awaited(now)) return 'connecting';
    return level === 'ok' ? 'live' : 'stale';
  }

  /** @param {string} state */
  #noteFor(state) {
    if (state === 'ended') return this.#ended;
    if (this.#broken) return 'This picture cannot be decoded.';
    if (state !== 'connecting' || this.painter.last !== null) return '';
    return this.#listed ? 'Waiting for a picture' : 'No such stream yet. It appears here with its first picture.';
  }

  #startStats() {
    this.stats.start(this.name, () => this.#statsSource());
  }

  /** @returns {import('./stats-panel.js').Source} */
  #statsSource() {
    if (!this.#listKnown) return 'unknown';
    if (this.defaultStream() === this.name) return 'hub';
    return this.#listed && !this.#ended ? 'stream' : 'none';
  }

  /** @param {number} now */
  #readout(now) {
    this.#paints = this.#paints.filter((at) => now - at < RATE_WINDOW_MS);
    const info = this.#info;
    const width = info?.width || this.#size.width;
    const height = info?.height || this.#size.height;
    const spanMs = (this.#paints.at(-1) ?? 0) - (this.#paints[0] ?? 0);
    const shown = spanMs > 0 ? ((this.#paints.length - 1) * 1000) / spanMs : 0;
    const cell = byId('focus-shown', HTMLElement);
    setText(cell, `${format.fps(shown)} fps`);
    setAttribute(cell, 'title', `Painted on this screen, ${this.#delayMs.toFixed(0)} ms old. ${format.plural(this.#skipped, 'frame')} left out so that the picture stays fresh.`);
    setText(byId('focus-size', HTMLElement), format.size(width, height));
    setText(byId('focus-rate', HTMLElement), format.rate(info?.bytes_per_second));
    if (width && height) {
      this.stage.style.setProperty('--ratio', `${width} / ${height}`);
      this.#share(width, height);
    }
  }

  /**
   * The iframe's snippet carries the picture's size; it is rebuilt only when that changes.
   * @param {number} width
   * @param {number} height
   */
  #share(width, height) {
    const key = `${this.name} ${width} ${height}`;
    if (key === this.#sharedSize) return;
    this.#sharedSize = key;
    byId('addresses', HTMLElement).replaceChildren(...addressRows(this.name, width, height));
  }

  /**
   * @param {Picture} picture
   * @param {number} width
   * @param {number} height
   */
  #painted(picture, width, height) {
    if (picture.stream !== this.name) return;
    const now = performance.now();
    this.#broken = false;
    this.#size = { width, height };
    this.#paints.push(now);
    this.view.dataset.seq = String(picture.seq);
    if (this.rewind.holds(picture)) return;
    this.#showMetadata(picture, now);
    this.#freshness.note(picture.born, picture.seq);
    this.#skipped += picture.skipped;
    this.#delayMs = now - picture.born;
    if (this.view.dataset.state === 'connecting') this.tick(now);
  }

  /**
   * What is drawn over the picture needs no table.
   * @param {Picture} picture
   * @param {number} now
   */
  #showMetadata(picture, now) {
    if (!this.analysis.overlay) {
      this.metadata.show(picture.metadata, picture.seq, now);
      return;
    }
    const { [this.analysis.overlay]: _drawn, ...rest } = /** @type {Record<string, unknown>} */ (picture.metadata ?? {});
    this.overlay.show(picture.metadata, picture.seq);
    this.metadata.show(rest, picture.seq, now);
  }

  /** What was found is to be drawn, or no longer. */
  #overlaid() {
    this.overlay.clear();
    this.wished();
  }

  #reset() {
    this.rewind.open('');
    this.painter.clear();
    this.metadata.clear();
    this.overlay.clear();
    this.#freshness.reset();
    this.#info = null;
    this.#ended = '';
    this.#listKnown = false;
    this.#listed = false;
    this.#broken = false;
    this.#paints = [];
    this.#skipped = 0;
    this.#size = { width: 0, height: 0 };
    this.stage.style.removeProperty('--ratio');
  }

  /** Away from the live pictures, or back to them. */
  #rewound() {
    this.recorder.say('');
    this.metadata.clear();
    this.overlay.clear();
    if (!this.rewound) {
      this.#freshness.reset();
      this.resume();
    }
    this.wished();
    this.tick(performance.now());
  }

  #wireTools() {
    byId('focus-snapshot', HTMLButtonElement).addEventListener('click', () => void saveSnapshot(this.name, this.tell));
    const full = byId('focus-full', HTMLButtonElement);
    full.hidden = !document.fullscreenEnabled;
    full.addEventListener('click', () => this.#toggleFull());
    this.stage.addEventListener('dblclick', () => this.#toggleFull());
  }

  #toggleFull() {
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (document.fullscreenEnabled) void this.stage.requestFullscreen();
  }
}
