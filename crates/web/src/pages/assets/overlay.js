// People and their skeletons, drawn over the very picture that they were found in: the result of the
// analysis `pose`, which rides in the picture's own metadata.

/**
 * As the hub has it, in pixels of the picture as published.
 * @typedef {object} Pose
 * @property {number} width of the picture
 * @property {number} height
 * @property {Person[]} persons
 */

/**
 * @typedef {object} Person
 * @property {[number, number, number, number]} box left, top, right, bottom
 * @property {number} score 0 to 1
 * @property {[number, number, number][]} key_points x, y and score of each of COCO's 17
 */

/** Limbs between COCO's key points. */
const LIMBS = /** @type {const} */ ([
  [0, 1], [0, 2], [1, 3], [2, 4], [5, 6], [5, 7], [7, 9], [6, 8], [8, 10],
  [5, 11], [6, 12], [11, 12], [11, 13], [13, 15], [12, 14], [14, 16],
]);
/** Key points that the model is less sure of are left out: they are guessed. */
const SURE = 0.3;
/** In this order; colour-blind people can distinguish them, too. */
const COLOURS = ['#ffd23f', '#3bceac', '#ff8c61', '#7aa5ff', '#f28ab2'];

export class Overlay {
  /** What is drawn. @type {Pose | null} */
  #pose = null;

  /**
   * @param {HTMLCanvasElement} canvas over that of the picture
   * @param {HTMLCanvasElement} picture
   */
  constructor(canvas, picture) {
    this.canvas = canvas;
    this.picture = picture;
    new ResizeObserver(() => this.#draw()).observe(picture);
  }

  /**
   * Draws what was found in the picture that was painted just now.
   * @param {unknown} metadata the picture's
   * @param {number} seq
   */
  show(metadata, seq) {
    this.#pose = poseIn(metadata);
    this.canvas.hidden = this.#pose === null;
    this.canvas.dataset.seq = String(seq);
    this.canvas.dataset.persons = String(this.#pose?.persons.length ?? 0);
    this.#draw();
  }

  clear() {
    this.#pose = null;
    this.canvas.hidden = true;
    delete this.canvas.dataset.seq;
    delete this.canvas.dataset.persons;
  }

  #draw() {
    const pose = this.#pose;
    const context = this.canvas.getContext('2d');
    if (!pose || !context) return;
    const { clientWidth, clientHeight } = this.picture;
    const density = window.devicePixelRatio || 1;
    // Assigning a size clears the canvas.
    this.canvas.width = Math.max(1, Math.round(clientWidth * density));
    this.canvas.height = Math.max(1, Math.round(clientHeight * density));
    place(context, this.canvas, pose, this.picture.style.objectFit === 'fill');
    const broad = Math.max(1, pose.width / 400);
    context.lineCap = 'round';
    pose.persons.forEach((person, index) => drawPerson(context, person, COLOURS[index % COLOURS.length] ?? '', broad));
  }
}

/**
 * From the picture's pixels to those of the canvas, as the picture lies on its own.
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLCanvasElement} canvas
 * @param {Pose} pose
 * @param {boolean} fills
 */
function place(context, canvas, pose, fills) {
  const across = canvas.width / pose.width;
  const down = canvas.height / pose.height;
  if (fills) {
    context.setTransform(across, 0, 0, down, 0, 0);
    return;
  }
  const scale = Math.min(across, down);
  const left = (canvas.width - pose.width * scale) / 2;
  const top = (canvas.height - pose.height * scale) / 2;
  context.setTransform(scale, 0, 0, scale, left, top);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Person} person
 * @param {string} colour
 * @param {number} broad of a line, in pixels of the picture
 */
function drawPerson(context, person, colour, broad) {
  const [left, top, right, bottom] = person.box;
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = broad;
  context.strokeRect(left, top, right - left, bottom - top);
  context.lineWidth = broad * 1.6;
  for (const [from, to] of LIMBS) {
    const [a, b] = [person.key_points[from], person.key_points[to]];
    if (!a || !b || a[2] < SURE || b[2] < SURE) continue;
    context.beginPath();
    context.moveTo(a[0], a[1]);
    context.lineTo(b[0], b[1]);
    context.stroke();
  }
  for (const [x, y, score] of person.key_points) {
    if (score < SURE) continue;
    context.beginPath();
    context.arc(x, y, broad * 2, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * @param {unknown} metadata
 * @returns {Pose | null} null where it holds none
 */
function poseIn(metadata) {
  const pose = typeof metadata === 'object' && metadata !== null && 'pose' in metadata ? metadata.pose : null;
  if (typeof pose !== 'object' || pose === null) return null;
  const { width, height, persons } = /** @type {Partial<Pose>} */ (pose);
  if (!width || !height || !Array.isArray(persons)) return null;
  return { width, height, persons };
}
