// One stream for an iframe: the picture fills the frame, and the page looks after its connection
// by itself. A WebSocket brings a JPEG a message; where none gets through, `fallback.js` does.

import { ask, askJson, Refusal } from './ask.js';
import { backoffMs } from './backoff.js';
import { byId, setAttribute, setText } from './dom.js';
import { Fallback } from './fallback.js';
import { age, isNumber } from './format.js';
import { Painter } from './painter.js';
import { at, socketAt, streamPath } from './paths.js';
import { patient } from './patience.js';

/** @import { Picture } from './painter.js' */

/** After this long without a new picture the status line says so. */
const STALE_MS = 3000;
/** Failures in a row before the fallback takes over; the WebSocket is tried again meanwhile. */
const FAILURES_BEFORE_FALLBACK = 2;
const RETRY_BESIDE_FALLBACK_MS = 60_000;
/** A connection that is silent this long may be dead without having said so. */
const SILENCE_MS = 30_000;
/** The hub speaks first: a WebSocket that carries nothing so long after it was dialled never will. */
const FIRST_WORD_MS = 4000;
/** A WebSocket that breaks off sooner than this is a failure too. */
const STEADY_MS = 10_000;
/** Out of sight this long (scrolled away, another tab), the page stops costing bandwidth. */
const OUT_OF_SIGHT_MS = 3000;

const name = decodeURIComponent(/\/stream\/([^/]+)\/embed\/?$/.exec(location.pathname)?.[1] ?? '');
/** What the iframe's author asked for, such as `?fps=5`, is asked of the stream. */
const wishes = Object.fromEntries(new URLSearchParams(location.search));
const canvas = byId('picture', HTMLCanvasElement);
const statusText = byId('status-text', HTMLElement);

/** @type {WebSocket | null} */
let socket = null;
let failures = 0;
let attempt = 0;
let heard = false;
let dialledAt = 0;
let heardAt = 0;
let arrived = 0;
/** The first picture of this connection is as old as the stream had been idle by then. */
let firstSeq = 0;
let idleMs = 0;
let painted = 0;
/** The picture on the canvas. @type {Picture | null} */
let last = null;
/** @type {number | null} */
let retryAt = null;
let retryTimer = 0;
let sightTimer = 0;
let inView = true;
let sleeping = false;
/** Whether the pictures come without a WebSocket. */
let onFallback = false;
/** What the hub said last about the stream, shown while there is no picture. */
let said = '';

const painter = new Painter(canvas, {
  painted: (picture) => {
    painted += 1;
    last = picture;
    document.body.dataset.seq = String(painted);
    show();
  },
  broken: () => { said = 'This picture cannot be decoded'; },
  done: () => {},
});

const fallback = new Fallback({
  picture: tookOtherwise,
  streams: () => {},
  changed: show,
  failed: (reason) => { said = reason.replace(/\.$/, ''); },
});
fallback.watch({ [name]: wishes });

document.title = `${name} – live`;
document.body.dataset.stream = name;
canvas.setAttribute('aria-label', `Live picture of ${name}`);
document.addEventListener('visibilitychange', sightChanged);
window.addEventListener('online', () => { if (retryAt !== null) connect(); });
new IntersectionObserver(([entry]) => {
  inView = entry?.isIntersecting ?? true;
  sightChanged();
}).observe(canvas);
setInterval(() => {
  const silentMs = performance.now() - heardAt;
  if (socket && heard && silentMs > SILENCE_MS) connect();
  else if (socket && !heard && silentMs > patient(FIRST_WORD_MS)) silent();
  show();
}, 250);
connect();

function connect() {
  window.clearTimeout(retryTimer);
  retryAt = null;
  if (socket) socket.onmessage = null;
  socket?.close();
  heard = false;
  dialledAt = performance.now();
  heardAt = dialledAt;
  firstSeq = 0;
  idleMs = 0;
  const dialled = new WebSocket(socketAt(streamPath(name), { ...wishes, format: 'binary', relay: '0' }));
  dialled.binaryType = 'blob';
  socket = dialled;
  dialled.onmessage = (event) => hear(event.data);
  dialled.onclose = () => { if (socket === dialled) void lost(); };
  show();
}

/** @param {unknown} data */
function hear(data) {
  heard = true;
  heardAt = performance.now();
  attempt = 0;
  if (onFallback) endFallback();
  if (data instanceof Blob) {
    said = '';
    arrived += 1;
    if (firstSeq === 0) {
      firstSeq = arrived;
      void askIdle(firstSeq);
    }
    painter.offer({ stream: name, seq: arrived, jpeg: data, born: heardAt, skipped: 0 });
    return;
  }
  try {
    const message = JSON.parse(String(data));
    if (message.type === 'status' || message.type === 'error') said = String(message.message ?? '');
  } catch {
    // Signalling that is not for this page.
  }
  show();
}

/** @param {Picture} picture that came without the WebSocket */
function tookOtherwise(picture) {
  said = '';
  firstSeq = 0;
  painter.offer(picture);
}

/** Neither a word nor a close: to be treated as lost. */
function silent() {
  const dead = socket;
  socket = null;
  if (dead) dead.onmessage = null;
  dead?.close();
  void lost();
}

/**
 * The newest picture is sent on connect, however old it is: the hub says how long that was ago.
 * @param {number} seq of that picture
 */
async function askIdle(seq) {
  try {
    const statistics = await askJson(at(`api/streams/${encodeURIComponent(name)}/stats`));
    if (seq === firstSeq && isNumber(statistics.inactive_seconds)) idleMs = statistics.inactive_seconds * 1000;
  } catch {
    // Then it is taken to be as young as its arrival.
  }
  show();
}

async function lost() {
  socket = null;
  const steady = heard && performance.now() - dialledAt > patient(STEADY_MS);
  heard = false;
  const reason = await whyNot();
  if (socket || sleeping) return;
  failures = reason !== '' || steady ? 0 : failures + 1;
  said = reason;
  if (reason !== '') endFallback();
  else if (failures >= FAILURES_BEFORE_FALLBACK && !onFallback) startFallback();
  retryIn(onFallback ? patient(RETRY_BESIDE_FALLBACK_MS) : patient(backoffMs(attempt)));
}

/** @returns {Promise<string>} why there is no stream; '' when the hub says that there is one */
async function whyNot() {
  try {
    await ask(at(`api/streams/${encodeURIComponent(name)}/stats`), AbortSignal.timeout(4000));
    return '';
  } catch (error) {
    if (!(error instanceof Refusal)) return '';
    return error.status === 404 ? 'Waiting for the stream' : error.message.replace(/\.$/, '');
  }
}

/** @param {number} millis */
function retryIn(millis) {
  attempt += 1;
  retryAt = performance.now() + millis;
  retryTimer = window.setTimeout(connect, millis);
  show();
}

function startFallback() {
  onFallback = true;
  fallback.start();
}

function endFallback() {
  onFallback = false;
  fallback.stop();
}

/** An iframe that is not visible closes its connection, and opens it again when it is. */
function sightChanged() {
  window.clearTimeout(sightTimer);
  if (!document.hidden && inView) {
    if (sleeping) {
      sleeping = false;
      connect();
    }
    return;
  }
  sightTimer = window.setTimeout(() => {
    sleeping = true;
    window.clearTimeout(retryTimer);
    retryAt = null;
    const dialled = socket;
    socket = null;
    dialled?.close();
    endFallback();
  }, OUT_OF_SIGHT_MS);
}

function show() {
  const now = performance.now();
  const [state, text] = look(now);
  setAttribute(document.body, 'data-state', state);
  setText(statusText, text);
}

/**
 * @param {number} now
 * @returns {['live' | 'stale' | 'connecting', string]}
 */
function look(now) {
  const before = last !== null;
  const ageMs = last === null ? 0 : now - last.born + (last.seq === firstSeq ? idleMs : 0);
  if (onFallback && before && ageMs <= STALE_MS) return ['live', `Live (${fallback.way === 'mjpeg' ? 'MJPEG' : 'snapshots'}: WebSockets are blocked)`];
  if (isNumber(retryAt) && !onFallback) {
    const why = said ? `${said}. ` : '';
    return [before ? 'stale' : 'connecting', `${why}Reconnecting in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`];
  }
  if (!heard && !onFallback) return [before ? 'stale' : 'connecting', 'Connecting'];
  if (!before) return ['connecting', said || 'Waiting for a picture'];
  if (ageMs > STALE_MS) return ['stale', `${said || 'Waiting for a picture'} (last ${age(ageMs)} ago)`];
  return ['live', 'Live'];
}
