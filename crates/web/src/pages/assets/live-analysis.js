// The analysis of the stream that is shown large: whether it runs, switching it on and off, and
// whether what it finds is drawn over the picture.

import { askJson, postJson } from './ask.js';
import { byId, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { at } from './paths.js';

/**
 * @typedef {object} AnalysisState
 * @property {boolean} running
 * @property {string | null} pipeline
 * @property {number} frames_analyzed
 * @property {number} current_fps
 * @property {number} analysis_ms
 * @property {number} frame_errors
 * @property {string | null} last_error
 * @property {{ name: string, ready: boolean }[]} pipelines
 */

/** The one whose results this page can draw. */
const POSE = 'pose';
const EVERY_MS = 3000;

export class Analysis {
  #name = '';
  #timer = 0;
  /** Answers about a stream that was left are dropped. */
  #round = 0;
  #running = false;
  #wanted = false;

  /**
   * @param {object} events
   * @param {() => void} events.changed pictures with results are wanted, or no longer
   */
  constructor({ changed }) {
    this.changed = changed;
    this.panel = byId('analysis', HTMLElement);
    this.words = byId('analysis-state', HTMLElement);
    this.note = byId('analysis-note', HTMLElement);
    this.runButton = byId('analyse', HTMLButtonElement);
    this.showButton = byId('show-poses', HTMLButtonElement);
    this.runButton.addEventListener('click', () => void this.#toggle());
    this.showButton.addEventListener('click', () => this.#want(!this.#wanted));
  }

  /** The analysis whose results are to come with the pictures; '' for none. */
  get overlay() {
    return this.#running && this.#wanted ? POSE : '';
  }

  /** @param {string} name */
  open(name) {
    this.close();
    this.#name = name;
    void this.#poll(this.#round);
  }

  close() {
    this.#round += 1;
    window.clearTimeout(this.#timer);
    this.panel.hidden = true;
    this.#running = false;
    this.#wanted = false;
    setText(this.note, '');
  }

  /** @param {number} round */
  async #poll(round) {
    if (!document.hidden) await this.#refresh(round);
    if (round === this.#round) this.#timer = window.setTimeout(() => this.#poll(round), EVERY_MS);
  }

  /** @param {number} round */
  async #refresh(round) {
    try {
      const state = await askJson(this.#address());
      if (round === this.#round) this.#show(state);
    } catch {
      // No such stream yet, or no hub: the page says so elsewhere.
    }
  }

  /** @param {AnalysisState} state */
  #show(state) {
    const before = this.overlay;
    const isReady = state.pipelines.some((pipeline) => pipeline.name === POSE && pipeline.ready);
    this.#running = state.running && state.pipeline === POSE;
    this.panel.hidden = !isReady && !state.running;
    setText(this.words, this.#running ? paceOf(state) : 'Not analysed');
    if (state.frame_errors > 0 && state.last_error) setText(this.note, `${format.plural(state.frame_errors, 'picture')} left out: ${state.last_error}`);
    setText(this.runButton, this.#running ? 'Stop' : 'Find people');
    this.showButton.disabled = !this.#running;
    setAttribute(this.showButton, 'aria-pressed', String(this.overlay !== ''));
    if (this.overlay !== before) this.changed();
  }

  /** @param {boolean} wanted */
  #want(wanted) {
    this.#wanted = wanted;
    setAttribute(this.showButton, 'aria-pressed', String(this.overlay !== ''));
    this.changed();
  }

  async #toggle() {
    const name = this.#name;
    const start = !this.#running;
    this.runButton.disabled = true;
    try {
      const state = await postJson(this.#address(), { pipeline: start ? POSE : null });
      if (name !== this.#name) return;
      setText(this.note, '');
      // A person who starts it wants to see what it finds.
      if (start) this.#wanted = true;
      this.#show(state);
    } catch (error) {
      if (name === this.#name) setText(this.note, error instanceof Error ? error.message : String(error));
    } finally {
      this.runButton.disabled = false;
    }
  }

  #address() {
    return at(`api/streams/${encodeURIComponent(this.#name)}/analysis`);
  }
}

/** @param {AnalysisState} state */
function paceOf(state) {
  if (state.frames_analyzed === 0) return 'Analysing the first frame';
  return `Analysing ${format.fps(state.current_fps)} fps (${state.analysis_ms.toFixed(0)} ms per frame)`;
}
