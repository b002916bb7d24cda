// The player: shows one moment of a recording, or plays it from there, and goes on with the
// stream's next recording. Which engine plays is decided here; the buttons are transport.js's.

import { byId, setAttribute, setText } from '../dom.js';
import { Painter } from '../painter.js';
import { Replay } from './replay.js';
import { Scrubber } from './scrubber.js';
import { following, isRunning, key } from './shelf.js';
import { Video } from './video.js';

/** @import { Recording } from './shelf.js' */

/**
 * @typedef {object} PlayerState
 * @property {Recording | null} recording
 * @property {number} position seconds from its start
 * @property {boolean} playing
 * @property {number} speed
 */

export class Player {
  /** @type {PlayerState} */
  state = { recording: null, position: 0, playing: false, speed: 1 };
  /** Files that this browser's <video> did not play; they are replayed as MJPEG. @type {Set<string>} */
  #notByVideo = new Set();
  /** Settles the promise of the picture that is being painted. */
  #painted = () => {};

  /** @param {() => void} changed the state is another */
  constructor(changed) {
    this.changed = changed;
    this.canvas = byId('player-canvas', HTMLCanvasElement);
    this.note = byId('player-note', HTMLElement);
    this.stage = byId('player-stage', HTMLElement);
    this.painter = new Painter(this.canvas, {
      painted: (_, width, height) => this.#shape(width, height),
      broken: () => this.#say('This picture cannot be decoded.'),
      done: () => this.#painted(),
    });
    this.scrubber = new Scrubber({
      picture: (jpeg) => { void this.#paint(jpeg, 0); },
      failed: (message) => this.#say(message),
    });
    const engine = {
      moved: (/** @type {number} */ t) => this.#moved(t),
      ended: () => void this.#goOn(),
    };
    this.replay = new Replay((jpeg, seq) => this.#paint(jpeg, seq), { ...engine, failed: (message) => this.#stopped(message) });
    this.video = new Video(byId('player-video', HTMLVideoElement), {
      ...engine,
      failed: () => this.#videoFailed(),
      shown: () => { this.video.visible = true; this.canvas.hidden = true; this.#say(''); },
      toggled: (playing) => { this.state.playing = playing; this.changed(); },
    });
  }

  /**
   * Shows the picture at a moment, and stands still.
   * @param {Recording} recording
   * @param {number} t
   */
  show(recording, t) {
    this.#halt();
    this.#load(recording, t);
    this.#showCanvas();
    this.scrubber.ask(recording, this.state.position);
    this.changed();
  }

  /**
   * @param {Recording} recording
   * @param {number} t
   */
  play(recording, t) {
    this.#halt();
    this.#load(recording, t);
    this.state.playing = true;
    if (this.#byVideo(recording)) {
      this.video.play(recording, this.state.position, this.state.speed);
    } else {
      this.video.close();
      this.#showCanvas();
      this.replay.play(recording, this.state.position, this.state.speed);
    }
    this.changed();
  }

  pause() {
    this.#halt();
    this.changed();
  }

  toggle() {
    const { recording, position, playing } = this.state;
    if (playing) this.pause();
    else if (recording) this.play(recording, !isRunning(recording) && position >= recording.duration_seconds - 0.05 ? 0 : position);
  }

  /** @param {number} t seconds from the recording's start; plays on from there if it plays */
  seek(t) {
    const { recording, playing } = this.state;
    if (!recording) return;
    if (playing) this.play(recording, t);
    else this.show(recording, t);
  }

  /** @param {number} secs */
  skip(secs) {
    this.seek(this.state.position + secs);
  }

  /** Shows a neighbouring frame, by the recording's mean rate. @param {1 | -1} direction */
  step(direction) {
    const { recording, position } = this.state;
    if (recording) this.show(recording, position + direction / (recording.average_fps || 1));
  }

  /** @param {number} speed */
  setSpeed(speed) {
    const { recording, position, playing } = this.state;
    this.state.speed = speed;
    if (recording && playing && this.#byVideo(recording)) this.video.speed = speed;
    else if (recording && playing) this.play(recording, position);
    this.changed();
  }

  /** The recording has grown, or has come to its end. @param {Recording} recording */
  update(recording) {
    if (!this.shows(recording)) return;
    this.state.recording = recording;
    this.changed();
  }

  /** @param {Recording} recording */
  shows(recording) {
    return this.state.recording !== null && key(this.state.recording) === key(recording);
  }

  close() {
    this.#halt();
    this.video.close();
    this.painter.clear();
    this.#showCanvas();
    this.state = { ...this.state, recording: null, position: 0 };
    this.changed();
  }

  /** @param {Recording} recording */
  #byVideo(recording) {
    return (recording.plays_in_browser ?? recording.codec === 'h264') && !isRunning(recording) && !this.#notByVideo.has(key(recording));
  }

  #halt() {
    this.state.playing = false;
    this.replay.pause();
    this.video.pause();
    this.scrubber.cancel();
    this.#say('');
  }

  /**
   * @param {Recording} recording
   * @param {number} t
   */
  #load(recording, t) {
    this.state.recording = recording;
    this.state.position = Math.min(Math.max(0, t), Math.max(0, recording.duration_seconds));
  }

  #showCanvas() {
    this.video.visible = false;
    this.canvas.hidden = false;
  }

  /** @param {number} t */
  #moved(t) {
    this.state.position = t;
    this.#say('');
    this.changed();
  }

  /** At the end of a recording: the stream's next one, or what there is to say. */
  async #goOn() {
    const { recording } = this.state;
    if (!recording) return;
    try {
      const next = await following(recording);
      if (!this.shows(recording) || !this.state.playing) return;
      if (next) this.play(next, 0);
      else this.#stopped(recording.kind === 'clip' ? '' : 'This was the newest recording.');
    } catch (error) {
      if (this.shows(recording)) this.#stopped(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} message */
  #stopped(message) {
    this.#halt();
    this.#say(message);
    this.changed();
  }

  #videoFailed() {
    const { recording, position } = this.state;
    if (!recording) return;
    this.#notByVideo.add(key(recording));
    this.play(recording, position);
  }

  /** @param {string} message */
  #say(message) {
    setText(this.note, message);
  }

  /**
   * @param {Blob} jpeg
   * @param {number} seq
   * @returns {Promise<void>}
   */
  #paint(jpeg, seq) {
    return new Promise((resolve) => {
      this.#painted = resolve;
      this.painter.offer({ stream: this.state.recording?.stream_name ?? '', seq, jpeg, born: performance.now(), skipped: 0 });
    });
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #shape(width, height) {
    if (width && height) this.stage.style.setProperty('--ratio', `${width} / ${height}`);
    setAttribute(this.stage, 'data-empty', null);
  }
}
