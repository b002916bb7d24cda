// The stretch of wall time that the timeline shows, and the marks on its ruler. Pure arithmetic on
// Unix milliseconds.

/** @typedef {{ from: number, to: number }} Window */

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

const LEAST_SPAN = 10_000;
const MOST_SPAN = 400 * DAY;
/** What is to come, right of now: this part of the window. */
const AHEAD = 0.02;

/** The distances between marks that people can count in. */
const STEPS = [1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 56 * DAY];

/**
 * @param {number} span
 * @param {number} now
 * @returns {Window} the last `span` milliseconds
 */
export function upTo(span, now) {
  const kept = clampSpan(span);
  return { from: now - kept * (1 - AHEAD), to: now + kept * AHEAD };
}

/**
 * @param {number} from
 * @param {number} to
 * @returns {Window} all of it, with a margin
 */
export function around(from, to) {
  const span = clampSpan((to - from) * 1.04);
  const middle = (from + to) / 2;
  return { from: middle - span / 2, to: middle + span / 2 };
}

/**
 * @param {Window} window
 * @param {number} factor below 1 to see less, closer
 * @param {number} at the time that stays where it is
 * @returns {Window}
 */
export function zoomed(window, factor, at) {
  const span = clampSpan((window.to - window.from) * factor);
  const share = (at - window.from) / (window.to - window.from);
  return { from: at - span * share, to: at + span * (1 - share) };
}

/**
 * @param {Window} window
 * @param {number} millis
 * @returns {Window}
 */
export function moved(window, millis) {
  return { from: window.from + millis, to: window.to + millis };
}

/** @param {number} span */
function clampSpan(span) {
  return Math.min(MOST_SPAN, Math.max(LEAST_SPAN, span));
}

/**
 * Marks at round local times.
 * @param {Window} window
 * @param {number} most
 * @returns {{ at: number, text: string, strong: boolean }[]} `strong` where a day begins
 */
export function marks({ from, to }, most) {
  const step = STEPS.find((wide) => (to - from) / wide <= most) ?? 112 * DAY;
  // Local midnight is where people expect the marks to line up; across a change of clocks they shift with it.
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const found = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) {
    const strong = (at - shift) % DAY === 0;
    found.push({ at, text: strong ? date.format(at) : (step < 60_000 ? seconds : minutes).format(at), strong });
  }
  return found;
}

const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const minutes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
