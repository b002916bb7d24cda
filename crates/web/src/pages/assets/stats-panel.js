// The statistics panel beside a stream: the hub's own counters, asked for every two seconds.

import { askJson, Refusal } from './ask.js';
import { setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { at } from './paths.js';

const EVERY_MS = 2000;

/**
 * Whose counters: the hub's own, which are its default stream's; one stream's; none, while
 * there is no such stream; or unknown, while the hub has not said which streams there are.
 * @typedef {'hub' | 'stream' | 'none' | 'unknown'} Source
 */

/** @type {Record<string, (value: unknown) => string>} */
const SHOW = {
  frames_received: format.count,
  frames_served: format.count,
  frames_dropped: format.count,
  clients_connected: format.count,
  uptime_seconds: format.duration,
  current_fps: format.fps,
  server_running: (value) => (value === true ? 'Running' : value === false ? 'Stopped' : format.NONE),
};

export class StatsPanel {
  /** Statistics asked for by a stream that was left do not land on the next one. */
  #round = 0;
  #timer = 0;

  /**
   * @param {HTMLElement} panel with one `data-key` element a statistic
   * @param {HTMLElement} note
   */
  constructor(panel, note) {
    this.panel = panel;
    this.note = note;
  }

  /**
   * @param {string} name
   * @param {() => Source} source asked each time, for streams come and go
   */
  start(name, source) {
    this.stop();
    this.#show({});
    setText(this.note, '');
    void this.#ask(this.#round, name, source);
  }

  stop() {
    this.#round += 1;
    window.clearTimeout(this.#timer);
  }

  /**
   * @param {number} round
   * @param {string} name
   * @param {() => Source} source
   */
  async #ask(round, name, source) {
    if (!document.hidden) await this.#refresh(round, name, source());
    if (round !== this.#round) return;
    this.#timer = window.setTimeout(() => this.#ask(round, name, source), EVERY_MS);
  }

  /**
   * @param {number} round
   * @param {string} name
   * @param {Source} source
   */
  async #refresh(round, name, source) {
    if (source === 'none' || source === 'unknown') {
      setText(this.note, source === 'none' ? 'No such stream at the moment' : '');
      return;
    }
    const isDefault = source === 'hub';
    try {
      const path = isDefault ? 'stats' : `api/streams/${encodeURIComponent(name)}/stats`;
      const answer = await askJson(at(path));
      if (round !== this.#round) return;
      this.#show(isDefault ? answer : ofStream(answer));
      setText(this.note, isDefault ? 'Default stream' : '');
    } catch (error) {
      if (round !== this.#round || !(error instanceof Refusal)) return;
      if (error.status === 0) this.#mark('server_running', 'No answer');
      setText(this.note, error.status === 404 ? 'No such stream at the moment' : error.message);
    }
  }

  /** @param {Record<string, unknown>} statistics */
  #show(statistics) {
    for (const [key, show] of Object.entries(SHOW)) {
      this.#mark(key, show(statistics[key]), statistics[key]);
    }
  }

  /**
   * @param {string} key
   * @param {string} text
   * @param {unknown} [value] as it came, for `data-value`
   */
  #mark(key, text, value) {
    const cell = this.panel.querySelector(`[data-key="${key}"]`);
    if (!cell) return;
    setText(cell, text);
    setAttribute(cell, 'data-value', value === undefined ? null : String(value));
  }
}

/**
 * One stream's statistics in the words of the hub's own.
 * @param {Record<string, unknown>} stream
 */
function ofStream(stream) {
  return {
    ...stream,
    frames_received: stream.frames_received ?? stream.total_frames,
    clients_connected: stream.clients_connected ?? stream.viewer_count,
    server_running: stream.server_running ?? true,
  };
}
