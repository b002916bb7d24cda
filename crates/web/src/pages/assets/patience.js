// How long this page waits before it gives a way of transport up, and before it tries it again.

/** `?patience=0.3` shortens every such wait, for those who try what happens then; 1 is right for people. */
const asked = Number(new URLSearchParams(location.search).get('patience'));
const FACTOR = asked > 0 ? Math.min(10, Math.max(0.05, asked)) : 1;

/**
 * @param {number} millis
 * @returns {number} milliseconds
 */
export function patient(millis) {
  return millis * FACTOR;
}
