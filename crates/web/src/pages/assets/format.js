// Numbers as people read them. Pure functions; a missing number is shown as an en dash, never as
// 'NaN' or 'undefined'.

export const NONE = '–';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const calendar = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** Names in the order people count: cam2 before cam10. */
export const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' }).compare;

/**
 * @param {unknown} value
 * @returns {value is number}
 */
export function isNumber(value) {
  return typeof value === 'number' && Number.isFinite(value);
}

/** @param {unknown} value */
export function count(value) {
  return isNumber(value) ? whole.format(value) : NONE;
}

/** @param {unknown} value frames per second */
export function fps(value) {
  if (!isNumber(value)) return NONE;
  return value >= 9.95 || value === 0 ? value.toFixed(0) : value.toFixed(1);
}

/**
 * @param {unknown} width
 * @param {unknown} height
 */
export function size(width, height) {
  return isNumber(width) && isNumber(height) && width > 0 ? `${width}×${height}` : NONE;
}

/** @param {unknown} value bytes, decimal units as networks count them */
export function bytes(value) {
  if (!isNumber(value)) return NONE;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${rest < 9.95 && unit > 0 ? rest.toFixed(1) : rest.toFixed(0)} ${units[unit]}`;
}

/** @param {unknown} value bytes per second */
export function rate(value) {
  return isNumber(value) ? `${bytes(value)}/s` : NONE;
}

/**
 * Age of a picture: tenths while they matter, then ever coarser.
 * @param {unknown} millis
 */
export function age(millis) {
  if (!isNumber(millis)) return NONE;
  const secs = Math.max(0, millis / 1000);
  if (secs < 9.95) return `${secs.toFixed(1)} s`;
  if (secs < 59.5) return `${secs.toFixed(0)} s`;
  return duration(secs);
}

/** @param {unknown} secs */
export function duration(secs) {
  if (!isNumber(secs)) return NONE;
  const total = Math.max(0, Math.round(secs));
  if (total < 60) return `${total} s`;
  const minutes = Math.floor(total / 60);
  if (minutes < 60) return total < 600 ? `${minutes} min ${total % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/**
 * A position in a recording, as players show it.
 * @param {number} secs
 */
export function position(secs) {
  const tenths = Math.max(0, Math.round(secs * 10));
  const [hours, minutes] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60];
  const rest = `${two(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** @param {number} millis Unix time, shown as this device's time of day */
export function timeOfDay(millis) {
  return clock.format(millis);
}

/** @param {number} millis Unix time, shown as this device's date */
export function day(millis) {
  return calendar.format(millis);
}

/** @param {number} n */
export function two(n) {
  return String(n).padStart(2, '0');
}

/**
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 */
export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}
