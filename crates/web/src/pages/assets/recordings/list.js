// The list of recordings, newest first, in pages, and what can be done with each.

import { byId, el, setAttribute, setText } from '../dom.js';
import * as format from '../format.js';
import { downloadAddress, isRunning, key, list, startOf } from './shelf.js';

/** @import { Recording, StreamSummary } from './shelf.js' */

const PAGE = 30;
const RUNNING = 'It is being recorded; stop the recording first.';

/** @type {[string, string, (recording: Recording) => string][]} */
const COLUMNS = [
  ['stream', 'Stream', (one) => one.stream_name],
  ['time', 'Time', (one) => `${format.day(startOf(one))}, ${format.timeOfDay(startOf(one))}`],
  ['duration', 'Duration', (one) => format.duration(one.duration_seconds)],
  ['size', 'Size', (one) => format.bytes(one.size_bytes)],
  ['frames', 'Frames', (one) => format.count(one.total_frames)],
  ['fps', 'Fps', (one) => format.fps(one.average_fps)],
  ['codec', 'Codec', (one) => one.codec],
  ['status', 'Status', statusOf],
  ['lost', 'Lost', (one) => (one.frames_lost ? format.count(one.frames_lost) : '0')],
];

const ICONS = {
  play: 'M5 3.2v9.6L12.8 8Z',
  download: 'M8 2.5v8M4.8 7.6 8 10.8l3.2-3.2M3 13.5h10',
  remove: 'M3 4.5h10M6.2 4.5V3h3.6v1.5M4.4 4.5l.6 9h6l.6-9M6.8 7v4M9.2 7v4',
};

export class List {
  /** The rows, by their recording. @type {Map<string, { row: HTMLTableRowElement, recording: Recording }>} */
  #rows = new Map();
  /** @type {string | null} */
  #cursor = null;
  /** Answers to an earlier filter are dropped. */
  #round = 0;
  #playing = '';

  /**
   * @param {object} events
   * @param {(recording: Recording) => void} events.play
   * @param {(recording: Recording) => void} events.remove
   * @param {(stream: string) => void} events.filtered
   */
  constructor(events) {
    this.events = events;
    this.body = byId('recordings', HTMLTableSectionElement);
    this.filter = byId('stream-filter', HTMLSelectElement);
    this.more = byId('more', HTMLButtonElement);
    this.note = byId('list-note', HTMLElement);
    this.filter.addEventListener('change', () => events.filtered(this.filter.value));
    this.more.addEventListener('click', () => void this.#next());
  }

  /** @param {StreamSummary[]} streams */
  offer(streams) {
    const names = ['', ...streams.map((stream) => stream.name)];
    const chosen = this.filter.value;
    if (names.join() === [...this.filter.options].map((option) => option.value).join()) return;
    this.filter.replaceChildren(...names.map((name) => el('option', { value: name, selected: name === chosen }, name || 'All streams')));
    this.filter.value = names.includes(chosen) ? chosen : '';
  }

  /** Lists one stream's recordings, or with '' all. @param {string} stream */
  async show(stream) {
    if (stream && ![...this.filter.options].some((option) => option.value === stream)) this.filter.append(el('option', { value: stream }, stream));
    this.filter.value = stream;
    this.#round += 1;
    this.#rows.clear();
    this.#cursor = null;
    await this.#next();
  }

  /**
   * Brings rows up to date, and puts recordings that are new on top.
   * @param {Recording[]} recordings
   */
  update(recordings) {
    for (const recording of recordings) {
      const newest = Math.max(0, ...[...this.#rows.values()].map((row) => startOf(row.recording)));
      const matches = this.filter.value === '' || this.filter.value === recording.stream_name;
      // What is older than the last row comes with its page.
      if (this.#rows.has(key(recording)) || (matches && startOf(recording) > newest)) this.#put(recording);
    }
    this.#arrange();
  }

  /** @param {Recording} recording */
  remove(recording) {
    const row = this.#rows.get(key(recording))?.row;
    const neighbour = row?.nextElementSibling ?? row?.previousElementSibling;
    this.#rows.delete(key(recording));
    this.#arrange();
    // The keyboard's place was in the row that is gone.
    neighbour?.querySelector('button')?.focus();
  }

  /** @param {Recording | null} recording */
  mark(recording) {
    const playing = recording ? key(recording) : '';
    if (playing === this.#playing) return;
    for (const id of [this.#playing, playing]) {
      const row = this.#rows.get(id)?.row;
      if (row) setAttribute(row, 'aria-current', id === playing ? 'true' : null);
    }
    this.#playing = playing;
  }

  async #next() {
    const round = this.#round;
    this.more.disabled = true;
    try {
      const page = await list({ stream: this.filter.value, limit: PAGE, cursor: this.#cursor });
      if (round !== this.#round) return;
      for (const recording of page.recordings) this.#put(recording);
      this.#cursor = page.next;
      this.#arrange();
      setText(this.note, page.total === 0 ? 'No recordings of this stream.' : '');
    } catch (error) {
      if (round === this.#round) setText(this.note, error instanceof Error ? error.message : String(error));
    }
    this.more.disabled = false;
    this.more.hidden = this.#cursor === null;
  }

  #arrange() {
    const sorted = [...this.#rows.values()].sort((a, b) => startOf(b.recording) - startOf(a.recording)).map(({ row }) => row);
    // Moving rows that have not moved would take a person's selection away.
    if (sorted.length === this.body.rows.length && sorted.every((row, i) => this.body.rows[i] === row)) return;
    this.body.replaceChildren(...sorted);
  }

  /** @param {Recording} recording */
  #put(recording) {
    const row = this.#rows.get(key(recording))?.row ?? this.#newRow(recording);
    this.#rows.set(key(recording), { row, recording });
    COLUMNS.forEach(([, , show], i) => {
      const cell = row.cells[i]?.firstElementChild;
      if (cell) setText(cell, show(recording));
    });
    setAttribute(row, 'data-status', recording.status);
    setAttribute(row, 'data-kind', recording.kind);
    setAttribute(row, 'data-lost', recording.frames_lost ? 'some' : null);
    const remove = row.querySelector('button.remove');
    if (remove instanceof HTMLButtonElement) {
      setAttribute(remove, 'aria-disabled', isRunning(recording) ? 'true' : null);
      setAttribute(remove, 'title', isRunning(recording) ? RUNNING : 'Delete');
    }
  }

  /** @param {Recording} recording */
  #newRow(recording) {
    const id = key(recording);
    const current = () => this.#rows.get(id)?.recording ?? recording;
    const play = action('play', `Play ${recording.file}`, 'Play');
    play.addEventListener('click', () => this.events.play(current()));
    const remove = action('remove', `Delete ${recording.file}`, 'Delete');
    remove.addEventListener('click', () => this.events.remove(current()));
    const download = el('a', { class: 'button quiet icon', href: downloadAddress(recording), download: recording.file, 'aria-label': `Download ${recording.file}`, title: 'Download' });
    download.append(icon('download'));
    const cells = COLUMNS.map(([name, label]) => el('td', { 'data-column': name, 'data-label': label }, el('span')));
    return el('tr', { 'data-recording': id, title: recording.file, 'aria-current': id === this.#playing ? 'true' : false }, ...cells, el('td', { class: 'actions' }, play, download, remove));
  }
}

/** @param {Recording} recording */
function statusOf(recording) {
  if (isRunning(recording)) return 'Recording';
  const word = recording.kind === 'clip' ? 'Clip' : 'Complete';
  return recording.status === 'healed' ? `${word}, repaired` : word;
}

/**
 * @param {'play' | 'remove'} name
 * @param {string} label
 * @param {string} title
 */
function action(name, label, title) {
  const button = el('button', { type: 'button', class: `button quiet icon ${name}`, 'aria-label': label, title });
  button.append(icon(name));
  return button;
}

/** @param {keyof typeof ICONS} name */
function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}
