// The recordings page: joins the timeline, the player and the list, and keeps them up to date. The
// address says what is open: `#stream` or `#stream/file.mp4`, and after an `@` the second.

import { askJson, Refusal } from './ask.js';
import { byId, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { at } from './paths.js';
import { recordingAt } from './recordings/bars.js';
import { Collection } from './recordings/collection.js';
import { DeleteDialog } from './recordings/delete-dialog.js';
import { List } from './recordings/list.js';
import { Player } from './recordings/player.js';
import { endOf, find, isRunning, key, startOf } from './recordings/shelf.js';
import { Timeline } from './recordings/timeline.js';
import { Transport } from './recordings/transport.js';
import { publishRows } from './share.js';

/** @import { Recording } from './recordings/shelf.js' */

/** What grows is looked at this often; everything else, for what retention deletes, every so many times. */
const EVERY_MS = 3000;
const WHOLE_EVERY = 10;
/** Recordings that ended no longer ago are asked for again, for their last words. */
const RECENT_MS = 30_000;
const SETTLE_MS = 150;
const TOAST_MS = 6000;
const PLACE = /^#([A-Za-z0-9_-]{1,64})(?:\/([^/@]+\.mp4)(?:@(\d+(?:\.\d+)?))?)?$/;

let settleTimer = 0;
let toastTimer = 0;
let round = 0;
/** The recording that is shown without anybody's having chosen it: not for the address. */
let greeted = '';

const collection = new Collection();
const player = new Player(changed);
const transport = new Transport(player);
const timeline = new Timeline(collection, { looked, scrubbed, released, chosen: filter });
const list = new List({ play, remove, filtered: filter });
const dialog = new DeleteDialog(deleted);

for (const id of ['brand', 'wall-link', 'stats-link', 'empty-wall']) byId(id, HTMLAnchorElement).search = location.search;
window.addEventListener('hashchange', () => void goToPlace());
document.addEventListener('visibilitychange', () => { if (!document.hidden) timeline.tick(); });
void start();

async function start() {
  await refresh();
  await goToPlace();
  for (;;) {
    await new Promise((resolve) => { window.setTimeout(resolve, EVERY_MS); });
    if (!document.hidden) await refresh();
  }
}

async function refresh() {
  try {
    const whole = round % WHOLE_EVERY === 0;
    if (whole || collection.streams.length === 0) await collection.overview();
    if (round === 0) timeline.begin();
    const recent = await collection.look(Date.now() - RECENT_MS, Date.now() + RECENT_MS);
    if (whole) await collection.look(timeline.window.from, timeline.window.to);
    round += 1;
    if (recent.some((one) => !collection.streams.some((stream) => stream.name === one.stream_name))) await collection.overview();
    list.update(recent);
    showLink(null);
    const { recording } = player.state;
    const latest = recording ? collection.latest(recording) : undefined;
    if (latest) player.update(latest);
  } catch (error) {
    showLink(error instanceof Refusal ? error : new Refusal(0, String(error)));
  }
  showAll();
}

function showAll() {
  list.offer(collection.streams);
  timeline.tick();
  const parts = collection.total === 0 ? [] : [format.plural(collection.total, 'recording'), format.bytes(collection.totalBytes)];
  setText(byId('total', HTMLElement), parts.join(', '));
  const { disk } = collection;
  setText(byId('free', HTMLElement), disk ? `${format.bytes(disk.free_bytes)} free of ${format.bytes(disk.total_bytes)}` : '');
  const known = round > 0;
  showEmpty(known && collection.streams.length === 0);
  byId('shelf', HTMLElement).hidden = !known || collection.streams.length === 0;
}

/** Another stretch of time: what lies in it is fetched once the hand rests. */
function looked() {
  window.clearTimeout(settleTimer);
  settleTimer = window.setTimeout(async () => {
    try {
      await collection.look(timeline.window.from, timeline.window.to);
    } catch (error) {
      if (error instanceof Refusal) showLink(error);
    }
    timeline.draw();
  }, SETTLE_MS);
}

/**
 * @param {string} stream
 * @param {number} time
 */
function scrubbed(stream, time) {
  const found = recordingAt(collection.of(stream), time);
  if (found) player.show(found.recording, found.t);
}

/**
 * @param {string} stream
 * @param {number} time
 */
function released(stream, time) {
  const found = recordingAt(collection.of(stream), time);
  if (found) player.play(found.recording, found.t);
}

/** @param {Recording} recording */
function play(recording) {
  timeline.reveal(startOf(recording), Math.max(3_600_000, recording.duration_seconds * 4000));
  // A recording that is being made is watched from where it is now.
  player.play(recording, isRunning(recording) ? Math.max(0, recording.duration_seconds - 10) : 0);
  byId('player', HTMLElement).scrollIntoView({ block: 'nearest' });
}

/** @param {Recording} recording */
function remove(recording) {
  if (isRunning(recording)) tell('This recording is still being written. Stop it on its stream\'s live page, then delete it.');
  else dialog.open(recording);
}

/**
 * @param {Recording} recording
 * @param {number} freed bytes
 */
function deleted(recording, freed) {
  if (player.shows(recording)) player.close();
  collection.forget(recording);
  list.remove(recording);
  tell(`${recording.file} was deleted; ${format.bytes(freed)} are free again.`);
  void collection.overview().then(showAll, () => {});
}

/** The player shows something else, or something new of the same. */
function changed() {
  const { recording, position, playing } = player.state;
  transport.show();
  list.mark(recording);
  if (!recording) {
    timeline.hideHead();
    return;
  }
  timeline.showHead(recording.stream_name, startOf(recording) + position * 1000);
  if (key(recording) === greeted && !playing) return;
  greeted = '';
  setPlace(`#${key(recording)}`);
}

/** @param {string} stream '' for all */
function filter(stream) {
  setPlace(stream ? `#${stream}` : '');
  void list.show(stream);
}

/** @param {string} place */
function setPlace(place) {
  if (location.hash.split('@')[0] === place) return;
  history.replaceState(history.state, '', location.pathname + location.search + place);
}

/** Opens what the address names. */
async function goToPlace() {
  const [, stream = '', file, second] = PLACE.exec(location.hash) ?? [];
  await list.show(file ? '' : stream);
  if (!file) {
    if (player.state.recording === null) greet(stream);
    return;
  }
  try {
    const recording = await find(stream, file);
    timeline.reveal(startOf(recording), Math.max(3_600_000, (endOf(recording) - startOf(recording)) * 4));
    if (second === undefined) player.show(recording, 0);
    else player.play(recording, Number(second));
  } catch (error) {
    tell(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Before anything was chosen, the newest picture is better than none.
 * @param {string} stream '' for any
 */
function greet(stream) {
  const newest = collection.streams.filter((one) => stream === '' || one.name === stream).sort((a, b) => Date.parse(b.last_time) - Date.parse(a.last_time))[0];
  const recording = newest && collection.of(newest.name).filter((one) => one.kind !== 'clip').at(-1);
  if (!recording) return;
  greeted = key(recording);
  player.show(recording, recording.duration_seconds);
}

/** @param {boolean} empty */
function showEmpty(empty) {
  const section = byId('empty', HTMLElement);
  if (section.hidden !== empty) return;
  section.hidden = !empty;
  if (empty) void explain();
}

/** What is missing for a first recording depends on how the hub is configured. */
async function explain() {
  const enabled = await askJson(at('health')).then((health) => health.recording_enabled === true, () => false);
  byId('empty-on', HTMLElement).hidden = !enabled;
  byId('empty-off', HTMLElement).hidden = enabled;
  byId('empty-publish', HTMLElement).replaceChildren(...(enabled ? publishRows('camera1') : []));
}

/** @param {Refusal | null} refusal */
function showLink(refusal) {
  const phase = refusal === null ? 'open' : refusal.needsKey ? 'denied' : 'waiting';
  setAttribute(byId('link', HTMLElement), 'data-phase', phase);
  const words = refusal === null ? 'Connected' : refusal.needsKey ? 'Key needed' : refusal.status > 0 ? 'Trouble' : 'Not connected';
  setText(byId('link-text', HTMLElement), words);
  const reason = refusal?.message.replace(/^./, (first) => first.toUpperCase()) ?? '';
  const nothing = round === 0;
  byId('trouble', HTMLElement).hidden = refusal === null || !nothing;
  setText(byId('trouble-reason', HTMLElement), reason);
  const banner = byId('banner', HTMLElement);
  banner.hidden = refusal === null || nothing;
  setAttribute(banner, 'data-phase', phase);
  setText(byId('banner-reason', HTMLElement), reason);
}

/** @param {string} message */
function tell(message) {
  const toast = byId('toast', HTMLElement);
  setText(toast, message);
  toast.hidden = false;
  window.clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => { toast.hidden = true; }, TOAST_MS);
}
