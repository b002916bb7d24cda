// From JPEG to pixels: decodes the newest picture of one stream and draws it on one canvas.
//
// Nothing queues here. While a picture is being decoded at most one more waits, and a newer one
// replaces it. Every picture handed in is given back exactly once through `done`, painted or not:
// that is what the hub's window counts.

/**
 * @typedef {object} Picture
 * @property {string} stream
 * @property {number} seq
 * @property {Blob} jpeg
 * @property {number} born when the hub received it, on this page's `performance.now()` clock
 * @property {number} skipped frames the hub left out before this one
 * @property {unknown} [metadata]
 */

/**
 * @typedef {object} PainterEvents
 * @property {(picture: Picture, width: number, height: number) => void} painted with its natural size
 * @property {(picture: Picture) => void} broken its bytes could not be decoded
 * @property {(picture: Picture) => void} done decoded, broken or replaced by a newer one
 */

/** A picture this close to its canvas's shape fills it: hairline bars are uglier than an invisible stretch. */
const ALMOST = 0.01;

export class Painter {
  /** @type {Picture | null} */
  #waiting = null;
  #busy = false;
  /** The picture on the canvas: kept as JPEG, a decoded one costs megabytes. @type {Picture | null} */
  #last = null;
  /** Counts `clear`: what was decoded for an earlier stream is not drawn. */
  #epoch = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {PainterEvents} events
   */
  constructor(canvas, events) {
    this.canvas = canvas;
    this.events = events;
    this.context = canvas.getContext('2d', { alpha: false });
    new ResizeObserver(() => this.#redraw()).observe(canvas);
  }

  get last() {
    return this.#last;
  }

  /** @param {Picture} picture */
  offer(picture) {
    if (this.#busy) {
      if (this.#waiting) this.events.done(this.#waiting);
      this.#waiting = picture;
      return;
    }
    void this.#run(picture);
  }

  /**
   * Draws a picture that was given back long ago; no event tells of it.
   * @param {Picture} picture
   */
  preview(picture) {
    this.#last = picture;
    this.#redraw();
  }

  /** Forgets the picture, for a canvas that is to show another stream. */
  clear() {
    this.#epoch += 1;
    if (this.#waiting) this.events.done(this.#waiting);
    this.#waiting = null;
    this.#last = null;
    this.context?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** @param {Picture} first */
  async #run(first) {
    this.#busy = true;
    /** @type {Picture | null} */
    let picture = first;
    while (picture) {
      await this.#show(picture);
      this.events.done(picture);
      picture = this.#waiting;
      this.#waiting = null;
    }
    this.#busy = false;
  }

  /** @param {Picture} picture */
  async #show(picture) {
    const epoch = this.#epoch;
    let image;
    try {
      image = await decode(picture.jpeg);
    } catch {
      if (epoch === this.#epoch) this.events.broken(picture);
      return;
    }
    const { width, height } = image;
    if (epoch === this.#epoch) this.#draw(image);
    if (image instanceof ImageBitmap) image.close();
    if (epoch !== this.#epoch) return;
    this.#last = picture;
    this.events.painted(picture, width, height);
  }

  /** @param {ImageBitmap | HTMLImageElement} image */
  #draw(image) {
    const { canvas, context } = this;
    if (!context) return;
    const [width, height] = this.#target(image.width, image.height);
    // Assigning a size clears the canvas even when it is the same.
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const room = canvas.clientWidth / canvas.clientHeight;
    canvas.style.objectFit = Math.abs(image.width / image.height / room - 1) < ALMOST ? 'fill' : 'contain';
    context.imageSmoothingQuality = 'medium';
    context.drawImage(image, 0, 0, width, height);
  }

  /**
   * Device pixels to draw: as many as the canvas covers on screen, never more than the picture has.
   * @param {number} width
   * @param {number} height
   * @returns {[number, number]}
   */
  #target(width, height) {
    const density = window.devicePixelRatio || 1;
    const room = { width: this.canvas.clientWidth * density, height: this.canvas.clientHeight * density };
    if (room.width < 1 || room.height < 1) return [width, height];
    const scale = Math.min(1, Math.max(room.width / width, 1 / width), Math.max(room.height / height, 1 / height));
    return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  }

  /** A stalled stream is drawn afresh when its canvas grows, else it would stay coarse. */
  #redraw() {
    const picture = this.#last;
    if (!picture || this.#busy || this.canvas.clientWidth < 1) return;
    this.#busy = true;
    void this.#redrawLast(picture);
  }

  /** @param {Picture} picture */
  async #redrawLast(picture) {
    try {
      const image = await decode(picture.jpeg);
      if (this.#last === picture) this.#draw(image);
      if (image instanceof ImageBitmap) image.close();
    } catch {
      // It was drawn once already; the next picture comes by itself.
    }
    this.#busy = false;
    const next = this.#waiting;
    this.#waiting = null;
    if (next) void this.#run(next);
  }
}

/**
 * @param {Blob} jpeg
 * @returns {Promise<ImageBitmap | HTMLImageElement>}
 */
async function decode(jpeg) {
  if (typeof createImageBitmap === 'function') return createImageBitmap(jpeg);
  const url = URL.createObjectURL(jpeg);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(url);
  }
}
