// What the hub has recorded: the shape of its answers, and the requests for them.

import { askJson } from '../ask.js';
import { at } from '../paths.js';

/**
 * @typedef {object} Gap frames that the disk did not keep
 * @property {string} at RFC 3339
 * @property {number} seconds
 * @property {number} frames
 */

/**
 * @typedef {object} Recording
 * @property {string} stream_name
 * @property {string} file
 * @property {string} start_time RFC 3339
 * @property {string} end_time
 * @property {number} duration_seconds
 * @property {number} total_frames
 * @property {number} average_fps
 * @property {string} codec
 * @property {'recording' | 'finished' | 'healed'} status
 * @property {'segment' | 'clip'} kind
 * @property {number} size_bytes
 * @property {number} width
 * @property {number} height
 * @property {number} frames_lost
 * @property {Gap[]} gaps
 * @property {boolean} [plays_in_browser] as a file, in a <video>
 */

/**
 * @typedef {object} StreamSummary
 * @property {string} name
 * @property {number} count
 * @property {number} total_bytes
 * @property {string} first_time
 * @property {string} last_time
 */

/**
 * @typedef {object} Page
 * @property {number} count
 * @property {number} total
 * @property {number} total_bytes
 * @property {string | null} next
 * @property {StreamSummary[]} [streams]
 * @property {Recording[]} recordings
 * @property {{ free_bytes: number, total_bytes: number }} [disk]
 */

/**
 * @param {{ stream?: string, from?: number, to?: number, limit?: number, cursor?: string | null, order?: 'newest' | 'oldest' }} query times in Unix milliseconds
 * @returns {Promise<Page>}
 */
export function list(query) {
  /** @type {Record<string, string>} */
  const words = {};
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') continue;
    words[name] = name === 'from' || name === 'to' ? new Date(value).toISOString() : String(value);
  }
  return askJson(at('api/recordings', words));
}

/**
 * @param {string} stream
 * @param {string} file
 * @returns {Promise<Recording>}
 */
export function find(stream, file) {
  return askJson(at(path(stream, file).replace(/\.mp4$/, '.json')));
}

/**
 * The recording of the same stream that begins next after this one; clips have none.
 * @param {Recording} recording
 */
export async function following(recording) {
  if (recording.kind === 'clip') return null;
  const page = await list({ stream: recording.stream_name, from: endOf(recording), order: 'oldest', limit: 20 });
  return page.recordings.find((other) => other.kind !== 'clip' && startOf(other) > startOf(recording)) ?? null;
}

/**
 * @param {Recording} recording
 * @returns {Promise<{ message?: string, freed_bytes?: number }>}
 */
export function remove(recording) {
  return askJson(at(path(recording.stream_name, recording.file)), { method: 'DELETE' });
}

/** @param {Recording} recording */
export function fileAddress(recording) {
  return at(path(recording.stream_name, recording.file));
}

/** @param {Recording} recording */
export function downloadAddress(recording) {
  return at(path(recording.stream_name, recording.file), { download: '1' });
}

/**
 * @param {Recording} recording
 * @param {number} t seconds from its start
 */
export function snapshotAddress(recording, t) {
  return at(path(recording.stream_name, recording.file, '/snapshot.jpg'), { t: t.toFixed(3) });
}

/** Screens show no more pictures a second than this, however fast the replay. */
const SHOWN_FPS = '30';

/**
 * @param {Recording} recording
 * @param {number} t seconds from its start
 * @param {number} speed
 */
export function replayAddress(recording, t, speed) {
  /** @type {Record<string, string>} */
  const thinned = speed > 1 ? { fps: SHOWN_FPS } : {};
  return at(path(recording.stream_name, recording.file, '/mjpeg'), { ...thinned, t: t.toFixed(3), speed: String(speed), advance_headers: '0' });
}

/**
 * @param {string} stream
 * @param {string} file
 * @param {string} [rest]
 */
function path(stream, file, rest = '') {
  return `api/recordings/${encodeURIComponent(stream)}/${encodeURIComponent(file)}${rest}`;
}

/** @param {Recording} recording */
export function key(recording) {
  return `${recording.stream_name}/${recording.file}`;
}

/** @param {Recording} recording @returns {number} Unix milliseconds */
export function startOf(recording) {
  return Date.parse(recording.start_time);
}

/** @param {Recording} recording @returns {number} Unix milliseconds; of a running one, as of the hub's last word */
export function endOf(recording) {
  return startOf(recording) + recording.duration_seconds * 1000;
}

/** @param {Recording} recording */
export function isRunning(recording) {
  return recording.status === 'recording';
}
