// One stream for an iframe: the picture fills the frame, and the page looks after its connection
// by itself. A WebSocket brings a JPEG a message; where none gets through, MJPEG in an <img>.

import { ask, askJson, Refusal } from './ask.js';
import { backoffMs } from './backoff.js';
import { byId, setAttribute, setText } from './dom.js';
import { age, isNumber } from './format.js';
import { Painter } from './painter.js';
import { at, socketAt, streamPath } from './paths.js';

/** @import { Picture } from './painter.js' */

/** After this long without a new picture the status line says so. */
const STALE_MS = 3000;
/** Failures to open in a row before MJPEG takes over; the WebSocket is tried again meanwhile. */
const FAILURES_BEFORE_MJPEG = 2;
const RETRY_BESIDE_MJPEG_MS = 60_000;
/** A connection that is silent this long may be dead without having said so. */
const SILENCE_MS = 30_000;
/** Out of sight this long (scrolled away, another tab), the page stops costing bandwidth. */
const OUT_OF_SIGHT_MS = 3000;

const name = decodeURIComponent(/\/stream\/([^/]+)\/embed\/?$/.exec(location.pathname)?.[1] ?? '');
/** What the iframe's author asked for, such as `?fps=5`, is asked of the stream. */
const wishes = Object.fromEntries(new URLSearchParams(location.search));
const canvas = byId('picture', HTMLCanvasElement);
const image = byId('image', HTMLImageElement);
const statusText = byId('status-text', HTMLElement);

/** @type {WebSocket | null} */
let socket = null;
let failures = 0;
let attempt = 0;
let heard = false;
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

document.title = `${name} – live`;
document.body.dataset.stream = name;
canvas.setAttribute('aria-label', `Live picture of ${name}`);
image.addEventListener('error', () => void mjpegBroke());
image.addEventListener('load', show);
document.addEventListener('visibilitychange', sightChanged);
window.addEventListener('online', () => { if (retryAt !== null) connect(); });
new IntersectionObserver(([entry]) => {
  inView = entry?.isIntersecting ?? true;
  sightChanged();
}).observe(canvas);
setInterval(() => {
  if (socket && performance.now() - heardAt > SILENCE_MS) connect();
  show();
}, 250);
connect();

function connect() {
  window.clearTimeout(retryTimer);
  retryAt = null;
  if (socket) socket.onmessage = null;
  socket?.close();
  heard = false;
  heardAt = performance.now();
  firstSeq = 0;
  idleMs = 0;
  const dialled = new WebSocket(socketAt(streamPath(name), { ...wishes, format: 'binary' }));
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
  failures = 0;
  attempt = 0;
  if (data instanceof Blob) {
    said = '';
    arrived += 1;
    if (firstSeq === 0) {
      firstSeq = arrived;
      void askIdle(firstSeq);
    }
    if (!image.hidden) stopMjpeg();
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
  if (!heard) failures += 1;
  const reason = await whyNot();
  if (socket || sleeping) return;
  said = reason;
  const mjpegPlays = !image.hidden;
  if (reason === '' && failures >= FAILURES_BEFORE_MJPEG && !mjpegPlays) startMjpeg();
  retryIn(image.hidden ? backoffMs(attempt) : RETRY_BESIDE_MJPEG_MS);
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

function startMjpeg() {
  canvas.hidden = true;
  image.hidden = false;
  image.src = at(streamPath(name, '/mjpeg'), { ...wishes, again: String(attempt) });
}

function stopMjpeg() {
  image.hidden = true;
  canvas.hidden = false;
  // Only without its address does a browser close the connection.
  image.removeAttribute('src');
}

async function mjpegBroke() {
  if (image.hidden) return;
  stopMjpeg();
  window.clearTimeout(retryTimer);
  said = await whyNot();
  retryIn(backoffMs(attempt));
}

/** An iframe that nobody can see lets go of its connection, and takes it up when seen again. */
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
    if (!image.hidden) stopMjpeg();
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
  if (!image.hidden) return image.naturalWidth > 0 ? ['live', 'Live (MJPEG)'] : ['connecting', 'Connecting'];
  if (isNumber(retryAt)) {
    const why = said ? `${said}. ` : '';
    return [before ? 'stale' : 'connecting', `${why}Reconnecting in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`];
  }
  if (!heard) return [before ? 'stale' : 'connecting', 'Connecting'];
  if (!before) return ['connecting', said || 'Waiting for a picture'];
  if (ageMs > STALE_MS) return ['stale', `${said || 'Waiting for a picture'} (last ${age(ageMs)} ago)`];
  return ['live', 'Live'];
}
