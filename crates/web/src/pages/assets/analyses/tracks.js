// How both fencers moved, from the key points of a run. Pure.

/**
 * @typedef {[number, number][]} Track seconds and place along the piste, in the file's own unit
 * @typedef {{ left: Track, right: Track }} Tracks
 */

/** COCO's hips, whose middle is where a fencer stands. */
const HIPS = [11, 12];

/**
 * @param {any} file a `keypoints.json`: `fps`, `left` and `right`, of each frame 17 points or null
 * @returns {Tracks}
 */
export function tracksOf(file) {
  const fps = typeof file?.fps === 'number' && file.fps > 0 ? file.fps : 30;
  const times = Array.isArray(file?.time_secs) ? file.time_secs : null;
  /** @param {unknown} frames */
  const track = (frames) => {
    /** @type {Track} */
    const points = [];
    if (!Array.isArray(frames)) return points;
    frames.forEach((person, index) => {
      const x = placeOf(person);
      if (x !== null) points.push([times?.[index] ?? index / fps, x]);
    });
    return points;
  };
  return { left: track(file?.left), right: track(file?.right) };
}

/**
 * @param {unknown} person
 * @returns {number | null}
 */
function placeOf(person) {
  if (!Array.isArray(person)) return null;
  const found = HIPS.map((at) => person[at]?.[0]).filter((x) => typeof x === 'number' && Number.isFinite(x));
  return found.length === 0 ? null : found.reduce((sum, x) => sum + x, 0) / found.length;
}
