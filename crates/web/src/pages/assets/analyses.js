// The list of analyses, the newest first, and above it the uploads that are under way.

import { askJson, Refusal } from './ask.js';
import { byId, el, setText } from './dom.js';
import * as format from './format.js';
import { at, shown } from './paths.js';

const PAGE = 50;
const EVERY_MS = 2000;

/** @typedef {{ id: string, finished: string, status: string, winner?: string, reason?: string, confidence?: number, error?: string }} Summary */

let limit = PAGE;
let drawn = '';

for (const id of ['brand', 'wall-link', 'recordings-link']) byId(id, HTMLAnchorElement).search = location.search;
setText(byId('example', HTMLElement), `framehub analyze ${shown('').replace(/\/$/, '')} --video phrase.avi --signal phrase.txt`);
byId('more', HTMLButtonElement).addEventListener('click', () => { limit += PAGE; void refresh(); });
void start();

async function start() {
  for (;;) {
    if (!document.hidden) await refresh();
    await new Promise((resolve) => { window.setTimeout(resolve, EVERY_MS); });
  }
}

async function refresh() {
  try {
    const [list, uploads] = await Promise.all([askJson(at('api/analyses', { limit })), askJson(at('streaming/stats'))]);
    byId('running', HTMLElement).replaceChildren(...Object.values(uploads.sessions).map(underWay));
    show(list);
    byId('trouble', HTMLElement).hidden = true;
  } catch (error) {
    byId('trouble', HTMLElement).hidden = drawn !== '';
    setText(byId('trouble-reason', HTMLElement), error instanceof Refusal ? error.message : String(error));
  }
}

/** @param {{ total: number, analyses: Summary[] }} list */
function show(list) {
  const now = JSON.stringify(list);
  if (now === drawn) return;
  drawn = now;
  setText(byId('total', HTMLElement), list.total === 0 ? '' : format.plural(list.total, 'analysis', 'analyses'));
  byId('analyses', HTMLElement).replaceChildren(...list.analyses.map(row));
  byId('more', HTMLElement).hidden = list.analyses.length >= list.total;
  byId('empty', HTMLElement).hidden = list.total > 0;
}

/** @param {Summary} run */
function row(run) {
  const winner = run.status === 'failed' ? 'failed' : run.winner ?? '';
  const finished = Date.parse(run.finished);
  const time = Number.isNaN(finished) ? '' : `${format.day(finished)}, ${format.timeOfDay(finished)}`;
  const link = el('a', { class: 'run', href: at(`analyses/${encodeURIComponent(run.id)}`) },
    el('span', { class: 'run-winner', 'data-winner': winner }, winner),
    el('span', { class: 'run-id' }, run.id),
    el('time', { class: 'run-time' }, time),
    el('span', { class: 'run-reason' }, run.reason ?? run.error ?? ''));
  return el('li', { 'data-analysis': run.id }, link);
}

/** @param {any} session of `/streaming/stats` */
function underWay(session) {
  const { analysis } = session;
  const state = session.state === 'processing' ? `${analysis.stage ?? 'waiting'}` : 'uploading';
  const words = `${format.plural(session.frames_received, 'frame')} received, ${format.count(analysis.frames_analysed)} analysed`;
  const share = session.state === 'processing' ? analysis.progress ?? 0 : analysis.frames_analysed / Math.max(1, session.frames_received);
  return el('li', { class: 'run', 'data-session': session.session_id },
    el('span', { class: 'run-winner' }, state),
    el('span', { class: 'run-id' }, session.session_id),
    el('time', { class: 'run-time' }, format.duration(session.duration_seconds)),
    el('span', { class: 'run-reason' }, words),
    el('progress', { value: String(share), max: '1', 'aria-label': 'Analysed' }));
}
