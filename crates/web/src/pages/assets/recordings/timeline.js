// The timeline: a lane for each stream over one stretch of wall time, which can be zoomed and moved,
// and on which one points at the moment one wants to see.

import { byId, el, setAttribute } from '../dom.js';
import { Lane, percent } from './lane.js';
import { around, DAY, HOUR, marks, moved, upTo, zoomed } from './window.js';

/** @import { Collection } from './collection.js' */
/** @import { Window } from './window.js' */

/** @type {Record<string, number>} */
const SPANS = { hour: HOUR, 'six-hours': 6 * HOUR, day: DAY, week: 7 * DAY };
/** A mark's text needs this much room. */
const MARK_PX = 84;
/** One notch of a mouse wheel. */
const WHEEL_ZOOM = 0.0022;
const BUTTON_ZOOM = 0.5;
const BUTTON_STEP = 0.5;

export class Timeline {
  /** @type {Map<string, Lane>} */
  #lanes = new Map();
  /** Which of the buttons set the window; '' after zooming or moving by hand. */
  #chosen = 'day';
  /** @type {Window} */
  #window = upTo(DAY, Date.now());
  #drawing = 0;
  /** What is played. @type {{ stream: string, time: number } | null} */
  #head = null;

  /**
   * @param {Collection} collection
   * @param {object} events
   * @param {() => void} events.looked another stretch of time is looked at
   * @param {(stream: string, time: number) => void} events.scrubbed the pointer is down and moves
   * @param {(stream: string, time: number) => void} events.released
   * @param {(stream: string) => void} events.chosen
   */
  constructor(collection, events) {
    this.collection = collection;
    this.events = events;
    this.box = byId('lanes', HTMLElement);
    this.ruler = byId('ruler', HTMLElement);
    this.list = byId('lane-list', HTMLElement);
    this.nowLine = byId('now-line', HTMLElement);
    this.#wireButtons();
    this.#wireRuler();
    this.box.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  get window() {
    return this.#window;
  }

  /** Chooses the shortest stretch in which there is something to see. */
  begin() {
    const { streams } = this.collection;
    const now = Date.now();
    const newest = now - Math.max(...streams.map((stream) => Date.parse(stream.last_time)));
    const oldest = now - Math.min(...streams.map((stream) => Date.parse(stream.first_time)));
    const wanted = Math.max(newest * 1.2, Math.min(oldest, DAY));
    this.#chosen = Object.keys(SPANS).find((id) => (SPANS[id] ?? 0) >= wanted) ?? 'all';
    this.tick();
  }

  /** The window moves with the clock, as long as one of the buttons holds it. */
  tick() {
    const now = Date.now();
    if (this.#chosen in SPANS) this.#window = upTo(SPANS[this.#chosen] ?? DAY, now);
    else if (this.#chosen === 'all') this.#window = this.#everything(now);
    this.draw();
  }

  /**
   * @param {string} stream
   * @param {number} time
   */
  showHead(stream, time) {
    this.#head = { stream, time };
    for (const lane of this.#lanes.values()) lane.showHead(lane.name === stream ? time : null, this.#window);
  }

  hideHead() {
    this.#head = null;
    for (const lane of this.#lanes.values()) lane.showHead(null, this.#window);
  }

  /** Moves the window so that a time is inside. @param {number} time @param {number} span to be seen around it */
  reveal(time, span) {
    if (time >= this.#window.from && time <= this.#window.to) return;
    this.#look(around(time - span / 2, time + span / 2), '');
  }

  draw() {
    const { from, to } = this.#window;
    for (const [id] of Object.entries({ ...SPANS, all: 0 })) setAttribute(byId(`zoom-${id}`, HTMLButtonElement), 'aria-pressed', String(id === this.#chosen));
    this.#drawRuler();
    this.#placeLanes();
    const now = (Date.now() - from) / (to - from);
    this.nowLine.hidden = now < 0 || now > 1;
    this.nowLine.style.setProperty('--at', String(now));
    for (const lane of this.#lanes.values()) {
      lane.draw(this.collection.of(lane.name), this.#window);
      lane.showHead(this.#head?.stream === lane.name ? this.#head.time : null, this.#window);
    }
  }

  #drawRuler() {
    const { from, to } = this.#window;
    const width = Math.max(1, this.ruler.clientWidth);
    const found = marks(this.#window, Math.max(2, Math.floor(width / MARK_PX)));
    this.ruler.replaceChildren(...found.map(({ at, text, strong }) => {
      // Where 'now' stands, there is no room for another word.
      const px = ((Date.now() - at) / (to - from)) * width;
      const tick = el('span', { class: 'tick', 'data-strong': strong && 'true' }, px > 0 && px < MARK_PX ? '' : text);
      tick.style.left = percent((at - from) / (to - from));
      return tick;
    }));
  }

  #placeLanes() {
    const names = this.collection.streams.map((stream) => stream.name);
    for (const [name, lane] of this.#lanes) {
      if (names.includes(name)) continue;
      lane.element.remove();
      this.#lanes.delete(name);
    }
    for (const summary of this.collection.streams) {
      const lane = this.#lanes.get(summary.name) ?? this.#add(summary.name);
      lane.describe(summary);
    }
    const wanted = names.map((name) => this.#lanes.get(name)?.element);
    if (wanted.some((element, i) => this.list.children[i] !== element)) this.list.append(...wanted.filter((element) => element !== undefined));
  }

  /** @param {string} name */
  #add(name) {
    const lane = new Lane(name, this.events.chosen);
    this.#lanes.set(name, lane);
    this.#wireLane(lane);
    return lane;
  }

  /** @param {Lane} lane */
  #wireLane(lane) {
    const { track } = lane;
    let down = false;
    track.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      down = true;
      track.setPointerCapture(event.pointerId);
      this.events.scrubbed(lane.name, lane.timeAt(event.clientX, this.#window));
    });
    track.addEventListener('pointermove', (event) => {
      const time = lane.timeAt(event.clientX, this.#window);
      if (down || event.pointerType === 'mouse') lane.showHover(time, this.#window);
      if (down) this.events.scrubbed(lane.name, time);
    });
    track.addEventListener('pointerup', (event) => {
      if (!down) return;
      down = false;
      if (event.pointerType !== 'mouse') lane.showHover(null, this.#window);
      this.events.released(lane.name, lane.timeAt(event.clientX, this.#window));
    });
    track.addEventListener('pointercancel', () => {
      down = false;
      lane.showHover(null, this.#window);
    });
    track.addEventListener('pointerleave', () => { if (!down) lane.showHover(null, this.#window); });
    track.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || lane.newest === null) return;
      this.events.released(lane.name, lane.newest);
    });
  }

  #wireButtons() {
    for (const [id, span] of Object.entries(SPANS)) byId(`zoom-${id}`, HTMLButtonElement).addEventListener('click', () => this.#look(upTo(span, Date.now()), id));
    byId('zoom-all', HTMLButtonElement).addEventListener('click', () => this.#look(this.#everything(Date.now()), 'all'));
    const middle = () => (this.#window.from + this.#window.to) / 2;
    // What is played is what one wants to see closer.
    const centre = () => (this.#head && this.#head.time > this.#window.from && this.#head.time < this.#window.to ? this.#head.time : middle());
    const step = () => (this.#window.to - this.#window.from) * BUTTON_STEP;
    /** @type {[string, () => Window][]} */
    const buttons = [
      ['zoom-in', () => zoomed(this.#window, BUTTON_ZOOM, centre())],
      ['zoom-out', () => zoomed(this.#window, 1 / BUTTON_ZOOM, centre())],
      ['earlier', () => moved(this.#window, -step())],
      ['later', () => moved(this.#window, step())],
    ];
    for (const [id, act] of buttons) byId(id, HTMLButtonElement).addEventListener('click', () => this.#look(act(), ''));
  }

  /** The ruler is what one takes hold of to move the window. */
  #wireRuler() {
    /** @type {{ x: number, window: Window } | null} */
    let grip = null;
    this.ruler.addEventListener('pointerdown', (event) => {
      grip = { x: event.clientX, window: this.#window };
      this.ruler.setPointerCapture(event.pointerId);
    });
    this.ruler.addEventListener('pointermove', (event) => {
      if (!grip) return;
      const millis = ((grip.x - event.clientX) / Math.max(1, this.ruler.clientWidth)) * (grip.window.to - grip.window.from);
      this.#look(moved(grip.window, millis), '');
    });
    for (const end of ['pointerup', 'pointercancel']) this.ruler.addEventListener(end, () => { grip = null; });
  }

  /**
   * Sideways moves, with Ctrl (or two fingers) it zooms; everything else scrolls the page.
   * @param {WheelEvent} event
   */
  #wheel(event) {
    const { left, width } = this.ruler.getBoundingClientRect();
    const span = this.#window.to - this.#window.from;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const at = this.#window.from + (Math.min(width, Math.max(0, event.clientX - left)) / Math.max(1, width)) * span;
      this.#look(zoomed(this.#window, Math.exp(event.deltaY * WHEEL_ZOOM), at), '');
      return;
    }
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (sideways === 0 || Math.abs(sideways) < Math.abs(event.deltaY) && !event.shiftKey) return;
    event.preventDefault();
    this.#look(moved(this.#window, (sideways / Math.max(1, width)) * span), '');
  }

  /** @param {number} now */
  #everything(now) {
    const { streams } = this.collection;
    const first = Math.min(now - HOUR, ...streams.map((stream) => Date.parse(stream.first_time)));
    return upTo((now - first) * 1.06, now);
  }

  /**
   * @param {Window} window
   * @param {string} chosen
   */
  #look(window, chosen) {
    this.#window = window;
    this.#chosen = chosen;
    cancelAnimationFrame(this.#drawing);
    this.#drawing = requestAnimationFrame(() => this.draw());
    this.events.looked();
  }
}
