// One analysis: the verdict, the video with what was seen in it, how both fencers moved, and the files.

import { ask, askJson, Refusal } from './ask.js';
import { Chart } from './analyses/chart.js';
import { eventsOf } from './analyses/signal-log.js';
import { tracksOf } from './analyses/tracks.js';
import { byId, el, setText } from './dom.js';
import * as format from './format.js';
import { at } from './paths.js';

/** @import { Event } from './analyses/signal-log.js' */

const PATIENCE_MS = 20_000;
/** The first of these that is there is shown. */
const VIDEOS = ['overlay', 'corrected_video', 'video'];

const VERDICTS = new Map([['left', 'Left scores'], ['right', 'Right scores'], ['abstain', 'No verdict']]);

const id = decodeURIComponent(location.pathname.replace(/\/$/, '').split('/').at(-1) ?? '');
const video = byId('video', HTMLVideoElement);

for (const link of ['brand', 'wall-link', 'recordings-link', 'analyses-link']) byId(link, HTMLAnchorElement).search = location.search;
void start();

async function start() {
  try {
    await show(await askJson(at(path())));
  } catch (error) {
    byId('trouble', HTMLElement).hidden = false;
    setText(byId('trouble-reason', HTMLElement), error instanceof Refusal ? error.message : String(error));
  }
}

/** @param {string} [file] */
function path(file) {
  const folder = `api/analyses/${encodeURIComponent(id)}`;
  return file === undefined ? folder : `${folder}/${encodeURIComponent(file)}`;
}

/** @param {any} result */
async function show(result) {
  document.title = `${id} – Framehub`;
  showVerdict(result);
  const artifacts = result.artifacts ?? {};
  const film = VIDEOS.map((name) => artifacts[name]).find((name) => typeof name === 'string');
  if (film !== undefined) {
    video.src = at(path(film));
    byId('stage', HTMLElement).hidden = false;
  }
  byId('files', HTMLElement).replaceChildren(...result.files.map((/** @type {string} */ name) => el('li', {}, el('a', { class: 'button', href: at(path(name)), download: name }, name))));
  byId('analysis', HTMLElement).hidden = false;
  const events = artifacts.signal ? eventsOf(await textOf(artifacts.signal)) : [];
  showEvents(events);
  if (artifacts.keypoints) showMovement(JSON.parse(await textOf(artifacts.keypoints)), events);
}

/** @param {any} result */
function showVerdict({ decision, error, pipeline, wall_time_seconds: wait, frames_analyzed: frames }) {
  const winner = decision?.winner;
  const title = byId('title', HTMLElement);
  setText(title, error ? 'The analysis failed' : VERDICTS.get(winner) ?? 'Analysed');
  title.dataset.winner = error ? 'failed' : winner ?? '';
  setText(byId('reason', HTMLElement), decision?.reason ?? error ?? '');
  const facts = [
    format.isNumber(decision?.confidence) && decision.confidence > 0 ? `${Math.round(decision.confidence * 100)} % sure` : '',
    format.isNumber(frames) ? `${format.plural(frames, 'frame')}` : '',
    format.isNumber(wait) ? `decided ${wait.toFixed(1)} s after the signal` : '',
    pipeline ? `pipeline ${pipeline}` : '',
    id,
  ];
  setText(byId('facts', HTMLElement), facts.filter((fact) => fact !== '').join(' · '));
}

/** @param {string} file */
async function textOf(file) {
  return (await ask(at(path(file)), AbortSignal.timeout(PATIENCE_MS))).text();
}

/** @param {Event[]} events */
function showEvents(events) {
  byId('signals', HTMLElement).hidden = events.length === 0;
  byId('events', HTMLElement).replaceChildren(...events.map((event) => {
    const button = el('button', { type: 'button' }, el('time', {}, `${event.secs.toFixed(3)} s`), el('span', {}, event.text));
    button.addEventListener('click', () => wind(event.secs));
    return el('li', {}, button);
  }));
}

/**
 * @param {unknown} keyPoints
 * @param {Event[]} events
 */
function showMovement(keyPoints, events) {
  const tracks = tracksOf(keyPoints);
  if (tracks.left.length + tracks.right.length === 0) return;
  byId('movement', HTMLElement).hidden = false;
  const chart = new Chart(byId('chart', HTMLElement), tracks, events, wind);
  video.addEventListener('timeupdate', () => chart.show(video.currentTime));
  video.addEventListener('seeking', () => chart.show(video.currentTime));
}

/** @param {number} secs */
function wind(secs) {
  video.currentTime = secs;
}
