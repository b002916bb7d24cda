// The statistics page: the hub's health, its default stream's counters and every stream, in one
// look, asked for every two seconds.

import { askJson, Refusal } from './ask.js';
import { byId, el, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { flatten } from './metadata.js';
import { at } from './paths.js';

/** @import { StreamInfo } from './hub.js' */

const EVERY_MS = 2000;
/** From when on a stream's last frame is old: as on the wall. */
const AMBER_SECS = 2;
const RED_SECS = 10;

/** Of the health answer, what the cards at the top say already. */
const ON_CARDS = ['status', 'active_streams', 'max_streams', 'timestamp'];

/** @type {[string, (stream: StreamInfo) => string][]} */
const COLUMNS = [
  ['Last frame', lastFrame],
  ['Fps', (stream) => format.fps(stream.current_fps)],
  ['Size', (stream) => format.size(stream.width, stream.height)],
  ['Frame', (stream) => format.bytes(stream.frame_bytes)],
  ['Data in', (stream) => format.rate(stream.bytes_per_second)],
  ['Viewers', (stream) => format.count(stream.viewer_count)],
  ['Frames', (stream) => format.count(stream.total_frames)],
  ['Uptime', (stream) => format.duration(stream.uptime_seconds)],
];

const body = byId('streams', HTMLTableSectionElement);
/** @type {Map<string, HTMLTableRowElement>} */
const rows = new Map();

for (const id of ['brand', 'wall-link', 'recordings-link']) byId(id, HTMLAnchorElement).search = location.search;
void refresh();

async function refresh() {
  if (!document.hidden) await ask();
  window.setTimeout(refresh, EVERY_MS);
}

async function ask() {
  const [health, statistics, list] = await Promise.allSettled([askJson(at('health')), askJson(at('stats')), askJson(at('api/streams'))]);
  const refusal = [list, statistics, health].find((answer) => answer.status === 'rejected')?.reason;
  showLink(refusal instanceof Refusal ? refusal : null);
  const streams = list.status === 'fulfilled' ? /** @type {StreamInfo[]} */ (list.value.streams ?? []) : null;
  if (streams) showStreams(streams);
  if (health.status === 'fulfilled') showHealth(health.value);
  if (statistics.status === 'fulfilled') showStatistics(statistics.value);
  if (streams) showSums(streams);
}

/** @param {Refusal | null} refusal */
function showLink(refusal) {
  const phase = refusal === null ? 'open' : refusal.needsKey ? 'denied' : 'waiting';
  setAttribute(byId('link', HTMLElement), 'data-phase', phase);
  setText(byId('link-text', HTMLElement), refusal === null ? 'Connected' : refusal.needsKey ? 'Key needed' : 'Not connected');
  const banner = byId('banner', HTMLElement);
  banner.hidden = refusal === null;
  setAttribute(banner, 'data-phase', phase);
  setText(byId('banner-reason', HTMLElement), refusal === null ? '' : `${refusal.message} The numbers shown are the last ones.`);
  if (refusal?.status === 0) mark('status', 'No answer');
}

/** @param {Record<string, unknown>} health */
function showHealth(health) {
  const status = String(health.status ?? format.NONE);
  mark('status', status.charAt(0).toUpperCase() + status.slice(1), health.status);
  const limit = format.isNumber(health.max_streams) ? ` / ${format.count(health.max_streams)}` : '';
  mark('active_streams', format.count(health.active_streams) + limit, health.active_streams);
  const facts = flatten(health).filter(([key, value]) => value !== 'null' && !ON_CARDS.includes(key));
  byId('health', HTMLElement).replaceChildren(...facts.map(([key, value]) => el('div', {}, el('dt', {}, key.replace(/^config\./, '').replaceAll('_', ' ')), el('dd', { 'data-health': key }, value === 'true' ? 'yes' : value === 'false' ? 'no' : value))));
}

/** @param {Record<string, unknown>} statistics */
function showStatistics(statistics) {
  for (const key of ['frames_received', 'frames_served', 'frames_dropped', 'clients_connected']) {
    mark(key, format.count(statistics[key]), statistics[key]);
  }
  mark('current_fps', format.fps(statistics.current_fps), statistics.current_fps);
  mark('uptime_seconds', format.duration(statistics.uptime_seconds), statistics.uptime_seconds);
  const running = statistics.server_running;
  mark('server_running', running === true ? 'Running' : running === false ? 'Stopped' : format.NONE, running);
}

/** @param {StreamInfo[]} streams */
function showSums(streams) {
  /** @type {(key: 'viewer_count' | 'current_fps' | 'bytes_per_second') => number | undefined} */
  const sum = (key) => (streams.some((stream) => format.isNumber(stream[key])) || streams.length === 0 ? streams.reduce((total, stream) => total + (stream[key] ?? 0), 0) : undefined);
  mark('viewers', format.count(sum('viewer_count')), sum('viewer_count'));
  const fps = sum('current_fps');
  mark('total_fps', fps === undefined ? format.NONE : `${format.fps(fps)} fps`, fps);
  mark('bytes_per_second', format.rate(sum('bytes_per_second')), sum('bytes_per_second'));
}

/** @param {StreamInfo[]} streams */
function showStreams(streams) {
  const sorted = [...streams].sort((a, b) => format.byName(a.name, b.name));
  const known = new Set(sorted.map((stream) => stream.name));
  for (const name of rows.keys()) if (!known.has(name)) rows.delete(name);
  const current = sorted.map((stream) => rowOf(stream));
  // Moving rows that have not moved would take a person's selection away.
  if (current.length !== body.rows.length || current.some((row, i) => body.rows[i] !== row)) body.replaceChildren(...current);
  if (sorted.length === 0) {
    body.replaceChildren(el('tr', {}, el('td', { class: 'none', colspan: String(COLUMNS.length + 1) }, 'No streams yet.')));
  }
}

/** @param {StreamInfo} stream */
function rowOf(stream) {
  const row = rows.get(stream.name) ?? newRow(stream.name);
  COLUMNS.forEach(([, show], i) => {
    const cell = row.cells[i + 1]?.firstElementChild;
    if (cell) setText(cell, show(stream));
  });
  const secs = rests(stream) ? 0 : (stream.inactive_seconds ?? 0);
  const ageCell = row.cells[1]?.firstElementChild;
  if (ageCell) setAttribute(ageCell, 'data-level', secs > RED_SECS ? 'red' : secs > AMBER_SECS ? 'amber' : 'ok');
  return row;
}

/**
 * A source that works on demand makes no pictures while it is not watched: nothing is wrong with it.
 * @param {StreamInfo} stream
 */
function rests(stream) {
  return stream.on_demand === true && stream.viewer_count === 0;
}

/** @param {StreamInfo} stream */
function lastFrame(stream) {
  if (rests(stream)) return 'on demand';
  return format.isNumber(stream.inactive_seconds) ? format.age(stream.inactive_seconds * 1000) : format.NONE;
}

/** @param {string} name */
function newRow(name) {
  const link = el('a', { href: `./${location.search}#${name}` }, name);
  const cells = COLUMNS.map(([label], i) => el('td', { 'data-label': label }, el('span', i === 0 ? { class: 'age' } : {})));
  const row = el('tr', { 'data-stream': name }, el('td', {}, link), ...cells);
  rows.set(name, row);
  return row;
}

/**
 * @param {string} key
 * @param {string} text
 * @param {unknown} [value]
 */
function mark(key, text, value) {
  const cell = document.querySelector(`[data-key="${key}"]`);
  if (!cell) return;
  setText(cell, text);
  setAttribute(cell, 'data-value', value === undefined ? null : String(value));
}
