// The viewer page: joins the connection, the wall and the single view. The address decides which
// of the two is shown (`#name`), and what can be seen decides what is watched.

import { byId, setAttribute, setText } from './dom.js';
import { Focus } from './focus.js';
import { plural } from './format.js';
import { Hub } from './hub.js';
import { publishRows } from './share.js';
import { Wall } from './wall.js';

/** @import { Link, StreamInfo } from './hub.js' */
/** @import { Picture } from './painter.js' */

/** Ages are read to a tenth of a second, but eyes follow four changes a second at most. */
const TICK_MS = 250;
/** Scrolling past tiles does not order them. */
const SETTLE_MS = 80;
const TOAST_MS = 6000;
/** With this many streams or fewer there is nothing to filter. */
const NO_FILTER_UP_TO = 8;
/** A stream is counted live when its last frame is no older. */
const LIVE_SECS = 10;
/** The stream that an empty hub suggests to publish. */
const FIRST_NAME = 'camera1';
/** What the hub takes for a name; other addresses lead to the wall. */
const STREAM_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** @type {StreamInfo[] | null} */
let streams = null;
/** @type {string | null} */
let defaultStream = null;
let settleTimer = 0;
let toastTimer = 0;
let wallScroll = 0;
/** What the banner says is known and needs no repeating, as long as the connection stays like this. */
let hiddenPhase = '';

const tilesList = byId('tiles', HTMLUListElement);
const wallView = byId('wall', HTMLElement);
const filterInput = byId('filter', HTMLInputElement);
const title = document.title;

const hub = new Hub({ streams: updateStreams, picture: place, gone, trouble: tell, link: showLink });
const wall = new Wall(tilesList, { shown, visibility: settleWatch });
const focus = new Focus({ shown, defaultStream: () => defaultStream, tell, wished: watchWhatIsSeen });

for (const id of ['recordings-link', 'analyses-link', 'stats-link']) byId(id, HTMLAnchorElement).search = location.search;
wireKeysAndLinks();
route();
hub.connect();
setInterval(tick, TICK_MS);

/** @param {Picture} picture */
function shown(picture) {
  hub.shown(picture);
}

/**
 * @param {StreamInfo[]} list
 * @param {string | null} byDefault
 */
function updateStreams(list, byDefault) {
  const back = list.some((stream) => wall.tiles.get(stream.name)?.ended);
  streams = list;
  defaultStream = byDefault;
  wall.update(list);
  if (focus.open) {
    focus.update(list);
    linkNeighbours(focus.name);
  }
  if (back) hub.watchAgain();
  settleWatch();
  showCounts();
}

/** @param {Picture} picture */
function place(picture) {
  if (focus.open) {
    if (picture.stream === focus.name && !focus.rewound) focus.painter.offer(picture);
    else shown(picture);
    return;
  }
  const tile = wall.tiles.get(picture.stream);
  if (tile) tile.painter.offer(picture);
  else shown(picture);
}

/**
 * @param {string} name
 * @param {string} message
 */
function gone(name, message) {
  wall.end(name, message);
  if (focus.name === name) focus.end(message);
}

/** Sends what is to be watched, once the view has settled. */
function settleWatch() {
  window.clearTimeout(settleTimer);
  settleTimer = window.setTimeout(watchWhatIsSeen, SETTLE_MS);
}

function watchWhatIsSeen() {
  if (document.hidden) hub.watch({});
  else if (!focus.open) hub.watch(wall.watchSet());
  else if (focus.rewound) hub.watch({});
  else hub.watch(streams?.some((stream) => stream.name === focus.name) ? { [focus.name]: focus.wish } : {});
}

/** Shows what the address says. */
function route() {
  const wanted = location.hash.slice(1);
  const name = STREAM_NAME.test(wanted) ? wanted : '';
  if (name === focus.name) return;
  if (!focus.open) wallScroll = window.scrollY;
  const before = focus.name;
  focus.hide();
  wallView.hidden = name !== '';
  if (name) openFocus(name);
  else backOnWall(before);
  document.title = name ? `${name} – ${title}` : title;
  showCounts();
  if (name) watchWhatIsSeen();
  else settleWatch(); // Which tiles can be seen is not known before the wall is laid out.
}

/** @param {string} name */
function openFocus(name) {
  focus.show(name, wall.tiles.get(name)?.painter.last ?? null);
  if (streams) focus.update(streams);
  window.scrollTo(0, 0);
  byId('focus-name', HTMLElement).focus({ preventScroll: true });
  linkNeighbours(name);
}

/** @param {string} name the stream whose neighbours on the wall are one step away */
function linkNeighbours(name) {
  const names = wall.names();
  const here = names.indexOf(name);
  for (const [id, step] of /** @type {const} */ ([['focus-previous', -1], ['focus-next', 1]])) {
    const neighbour = names.length > 1 ? names.at((here + step) % names.length) : undefined;
    const link = byId(id, HTMLAnchorElement);
    link.hidden = neighbour === undefined;
    if (neighbour !== undefined) setAttribute(link, 'href', `#${neighbour}`);
  }
}

/** @param {string} name the stream that was large, where the keyboard's place is restored */
function backOnWall(name) {
  wall.layout();
  window.scrollTo(0, wallScroll);
  wall.tiles.get(name)?.link.focus({ preventScroll: true });
}

/** @param {string} name */
function goToStream(name) {
  history.pushState({ fromWall: true }, '', `#${name}`);
  route();
}

function goToWall() {
  if (!focus.open) return;
  if (history.state?.fromWall) {
    history.back();
    return;
  }
  history.pushState(null, '', location.pathname + location.search);
  route();
}

/**
 * Stepping to a neighbour replaces the address, so that one 'back' leads to the wall.
 * @param {'focus-previous' | 'focus-next'} id
 */
function step(id) {
  const link = byId(id, HTMLAnchorElement);
  if (link.hidden) return;
  history.replaceState(history.state, '', link.hash);
  route();
}

function wireKeysAndLinks() {
  window.addEventListener('hashchange', route);
  window.addEventListener('popstate', route);
  document.addEventListener('visibilitychange', () => {
    watchWhatIsSeen();
    if (document.hidden) return;
    wall.resume();
    focus.resume();
    if (hub.link.phase === 'waiting') hub.retryNow();
  });
  filterInput.addEventListener('input', () => {
    wall.filter = filterInput.value;
    showCounts();
    settleWatch();
  });
  byId('banner-retry', HTMLButtonElement).addEventListener('click', () => hub.retryNow());
  byId('banner-hide', HTMLButtonElement).addEventListener('click', () => {
    hiddenPhase = hub.link.phase;
    byId('banner', HTMLElement).hidden = true;
  });
  tilesList.addEventListener('click', (event) => {
    const tile = event.target instanceof Element ? event.target.closest('a') : null;
    if (!tile?.dataset.stream || !isPlain(event)) return;
    event.preventDefault();
    goToStream(tile.dataset.stream);
  });
  for (const id of ['brand', 'focus-back']) onPlainClick(id, goToWall);
  onPlainClick('focus-previous', () => step('focus-previous'));
  onPlainClick('focus-next', () => step('focus-next'));
  document.addEventListener('keydown', onKey);
}

/**
 * @param {string} id
 * @param {() => void} act
 */
function onPlainClick(id, act) {
  byId(id, HTMLAnchorElement).addEventListener('click', (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    act();
  });
}

/** Clicks with a modifier open links in tabs of their own; those are the browser's. @param {MouseEvent} event */
function isPlain(event) {
  return event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const typing = event.target instanceof Element && event.target.closest('input, pre') !== null;
  if (event.key === 'Escape') {
    if (event.target === filterInput && filterInput.value) return; // The browser empties the box.
    if (!document.fullscreenElement) goToWall();
  } else if (typing) {
    return;
  } else if (focus.open && event.key === 'ArrowLeft') {
    step('focus-previous');
  } else if (focus.open && event.key === 'ArrowRight') {
    step('focus-next');
  } else if (!focus.open && event.key === '/' && !byId('filter-box', HTMLElement).hidden) {
    event.preventDefault();
    filterInput.focus();
  }
}

function tick() {
  const now = performance.now();
  showCountdown(now);
  if (document.hidden) return;
  if (focus.open) focus.tick(now);
  else wall.tick(now);
}

function showCounts() {
  const total = streams?.length ?? 0;
  const live = streams?.filter((stream) => (stream.inactive_seconds ?? 0) < LIVE_SECS).length ?? 0;
  const how = live < total ? `${live} live` : total === 1 ? 'live' : 'all live';
  setText(byId('summary', HTMLElement), streams === null ? '' : total === 0 ? 'No streams' : `${plural(total, 'stream')}, ${how}`);
  byId('filter-box', HTMLElement).hidden = focus.open || (total <= NO_FILTER_UP_TO && filterInput.value === '');
  showEmpty(streams !== null && wall.tiles.size === 0);
  const none = wall.tiles.size > 0 && wall.matching === 0;
  byId('no-match', HTMLElement).hidden = !none;
  if (none) setText(byId('no-match', HTMLElement), `No stream's name contains '${filterInput.value.trim()}'.`);
}

/** @param {boolean} empty whether there is nothing to watch, and so much to explain */
function showEmpty(empty) {
  const section = byId('empty', HTMLElement);
  if (section.hidden !== empty) return;
  section.hidden = !empty;
  byId('empty-publish', HTMLElement).replaceChildren(...(empty ? publishRows(FIRST_NAME) : []));
}

/** @param {Link} link */
function showLink(link) {
  const words = { connecting: 'Connecting', open: 'Connected', waiting: 'Not connected', mjpeg: 'MJPEG', snapshots: 'Snapshots', denied: 'Key needed' };
  // A retry that is under way keeps saying why there is one.
  const phase = link.phase === 'connecting' && link.reason ? 'waiting' : link.phase;
  const indicator = byId('link', HTMLElement);
  setAttribute(indicator, 'data-phase', phase);
  setAttribute(indicator, 'title', link.reason);
  setText(byId('link-text', HTMLElement), words[phase]);
  const banner = byId('banner', HTMLElement);
  setAttribute(banner, 'data-phase', phase);
  setText(byId('banner-reason', HTMLElement), link.reason);
  const deniedPage = phase === 'denied' && streams === null;
  if (phase !== hiddenPhase) hiddenPhase = '';
  banner.hidden = link.reason === '' || deniedPage || hiddenPhase !== '';
  byId('banner-hide', HTMLButtonElement).hidden = !worksWithout(phase);
  byId('denied', HTMLElement).hidden = !deniedPage;
  setText(byId('denied-reason', HTMLElement), deniedPage ? link.reason : '');
  showCountdown(performance.now());
  settleWatch();
}

/** Whether pictures come although there is no WebSocket. @param {Link['phase']} phase */
function worksWithout(phase) {
  return phase === 'mjpeg' || phase === 'snapshots';
}

/** @param {number} now */
function showCountdown(now) {
  const { retryAt, phase, reason } = hub.link;
  const secs = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1000));
  const what = worksWithout(phase) ? 'Trying again' : 'Reconnecting';
  setText(byId('banner-countdown', HTMLElement), reason === '' ? '' : retryAt === null ? `${what}…` : `${what} in ${secs} s.`);
}

/** @param {string} message */
function tell(message) {
  const toast = byId('toast', HTMLElement);
  setText(toast, message);
  toast.hidden = false;
  window.clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => { toast.hidden = true; }, TOAST_MS);
}
