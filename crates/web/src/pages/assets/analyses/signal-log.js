// The scoring apparatus's log as a list of events. Pure.

/** @typedef {{ secs: number, text: string }} Event */

/**
 * @param {string} log
 * @returns {Event[]} lines such as `20.448s | HIT: Left scores on Right!`
 */
export function eventsOf(log) {
  const events = [];
  for (const line of log.split(/\r?\n/)) {
    const [, secs, text] = /^\s*(\d+(?:\.\d+)?)\s*s\s*\|\s*(\S.*?)\s*$/.exec(line) ?? [];
    if (secs !== undefined && text !== undefined) events.push({ secs: Number(secs), text });
  }
  return events;
}
