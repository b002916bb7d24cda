// What is drawn on a stream's lane: recordings as bars, merged where no pixel lies between them, so
// that a year of files costs no more elements than a lane has pixels. Pure functions.

import { endOf, isRunning, startOf } from './shelf.js';

/** @import { Recording } from './shelf.js' */
/** @import { Window } from './window.js' */

/**
 * @typedef {object} Bar
 * @property {number} left part of the lane's width, 0 to 1
 * @property {number} width likewise
 * @property {'segment' | 'clip' | 'live' | 'lost'} kind
 * @property {string} title
 */

/** A bar of a second in a window of a week can be seen and hit all the same. */
const LEAST_PX = 2;

/**
 * @param {Recording[]} recordings of one stream, oldest first
 * @param {Window} window
 * @param {number} pixels the lane's width
 * @returns {Bar[]} in the order of painting
 */
export function bars(recordings, window, pixels) {
  const segments = recordings.filter((one) => one.kind !== 'clip');
  return [
    ...merged(segments.filter((one) => !isRunning(one)), 'segment', window, pixels),
    ...merged(segments.filter(isRunning), 'live', window, pixels),
    ...lost(segments, window, pixels),
    ...merged(recordings.filter((one) => one.kind === 'clip'), 'clip', window, pixels),
  ];
}

/**
 * @param {Recording[]} recordings
 * @param {Bar['kind']} kind
 * @param {Window} window
 * @param {number} pixels
 */
function merged(recordings, kind, window, pixels) {
  const pixel = (window.to - window.from) / pixels;
  /** @type {{ from: number, to: number, count: number }[]} */
  const stretches = [];
  for (const recording of recordings) {
    const [from, to] = [startOf(recording), endOf(recording)];
    if (to < window.from || from > window.to) continue;
    const last = stretches.at(-1);
    if (last && from - last.to < pixel) {
      last.to = Math.max(last.to, to);
      last.count += 1;
    } else {
      stretches.push({ from, to, count: 1 });
    }
  }
  const word = { segment: 'recorded', live: 'being recorded', clip: 'saved clip', lost: '' }[kind];
  return stretches.map(({ from, to, count }) => place(from, to, kind, count > 1 ? `${word}, ${count} files` : word, window, pixels));
}

/**
 * @param {Recording[]} segments
 * @param {Window} window
 * @param {number} pixels
 */
function lost(segments, window, pixels) {
  const found = [];
  for (const { gaps } of segments) {
    for (const gap of gaps ?? []) {
      const from = Date.parse(gap.at);
      const to = from + gap.seconds * 1000;
      if (to < window.from || from > window.to) continue;
      found.push(place(from, to, 'lost', `${gap.frames} frames lost, ${gap.seconds.toFixed(1)} s`, window, pixels));
    }
  }
  return found;
}

/**
 * @param {number} from
 * @param {number} to
 * @param {Bar['kind']} kind
 * @param {string} title
 * @param {Window} window
 * @param {number} pixels
 * @returns {Bar}
 */
function place(from, to, kind, title, window, pixels) {
  const span = window.to - window.from;
  const left = Math.max(0, (from - window.from) / span);
  const right = Math.min(1, (to - window.from) / span);
  return { left, width: Math.max(right - left, LEAST_PX / pixels), kind, title };
}

/**
 * What to show for a moment: the recording that holds it, else the beginning of the next one, else
 * the end of the last.
 * @param {Recording[]} recordings of one stream, oldest first
 * @param {number} time
 * @returns {{ recording: Recording, t: number } | null} t: seconds from the recording's start
 */
export function recordingAt(recordings, time) {
  const segments = recordings.filter((one) => one.kind !== 'clip');
  const recording = segments.find((one) => time < endOf(one)) ?? segments.at(-1);
  if (!recording) return null;
  const t = (time - startOf(recording)) / 1000;
  return { recording, t: Math.min(Math.max(0, t), recording.duration_seconds) };
}
