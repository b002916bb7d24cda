// Saves a stream's newest frame as a file, byte for byte as it was published.

import { ask, Refusal } from './ask.js';
import { two } from './format.js';
import { at, streamPath } from './paths.js';

/** A snapshot may be large and the line slow. */
const PATIENCE_MS = 20_000;

/**
 * @param {string} name
 * @param {(message: string) => void} tell
 */
export async function saveSnapshot(name, tell) {
  try {
    const response = await ask(at(streamPath(name, '/snapshot.jpg')), AbortSignal.timeout(PATIENCE_MS));
    const url = URL.createObjectURL(await response.blob());
    const link = document.createElement('a');
    link.href = url;
    link.download = `${name}_${stamp(new Date())}.jpg`;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
  } catch (error) {
    tell(`No snapshot: ${error instanceof Refusal ? error.message : 'the picture arrived incomplete.'}`);
  }
}

/** @param {Date} date local time, as file names of recordings have it */
function stamp(date) {
  return `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}_${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}
