// When to try again: exponential, capped, jittered, so that a restarted hub is not met by all of
// its pages in the same instant.

const FIRST_MS = 500;
const CAP_MS = 15_000;

/**
 * @param {number} attempt 0 for the first retry
 * @returns {number} milliseconds to wait, between half of the step and the whole step
 */
export function backoffMs(attempt) {
  const step = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return step * (0.5 + Math.random() / 2);
}
