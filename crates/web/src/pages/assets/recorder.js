// The recorder of the stream that is shown large: whether it records, switching it on and off, and
// saving what has just been seen.

import { askJson, postJson } from './ask.js';
import { byId, el, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { at, HUB } from './paths.js';

/** @import { StreamInfo } from './hub.js' */

/**
 * @typedef {object} RecorderState
 * @property {'recording' | 'waiting' | 'failed' | 'off'} state
 * @property {string | null} [error]
 * @property {number} [duration_seconds]
 * @property {number} [size_bytes]
 * @property {number} [frames_lost]
 */

const EVERY_MS = 3000;
const CLIP_SECS = 60;

export class Recorder {
  #name = '';
  #timer = 0;
  /** Answers about a stream that was left are dropped. */
  #round = 0;
  #recording = false;
  /** What the list of streams said last. @type {boolean | undefined} */
  #listed = undefined;

  constructor() {
    this.box = byId('recorder', HTMLElement);
    this.words = byId('recorder-state', HTMLElement);
    this.note = byId('recorder-note', HTMLElement);
    this.button = byId('record', HTMLButtonElement);
    this.clipButton = byId('clip', HTMLButtonElement);
    this.button.addEventListener('click', () => void this.#toggle());
    this.clipButton.addEventListener('click', () => void this.#clip());
  }

  /** @param {string} name */
  open(name) {
    this.close();
    this.#name = name;
    byId('its-recordings', HTMLAnchorElement).href = recordingsAddress(name);
    this.say('');
    this.#show({ state: 'off' });
    void this.#poll(this.#round);
  }

  close() {
    this.#round += 1;
    window.clearTimeout(this.#timer);
  }

  /** What the list of streams says comes sooner than the next answer. @param {StreamInfo} info */
  update(info) {
    if (info.recording === this.#listed) return;
    this.#listed = info.recording;
    this.#askAnew();
  }

  /** @param {...(Node | string)} what */
  say(...what) {
    this.note.replaceChildren(...what);
  }

  /** Now; what was asked before may be answered with what is no longer so. */
  #askAnew() {
    window.clearTimeout(this.#timer);
    this.#round += 1;
    void this.#poll(this.#round);
  }

  /** @param {number} round */
  async #poll(round) {
    if (!document.hidden) await this.#refresh(round);
    if (round === this.#round) this.#timer = window.setTimeout(() => this.#poll(round), EVERY_MS);
  }

  /** @param {number} round */
  async #refresh(round) {
    try {
      const state = await askJson(this.#address('recording'));
      if (round === this.#round) this.#show(state);
    } catch {
      // No such stream yet, or no hub: the page says so elsewhere.
      if (round === this.#round) this.#show({ state: 'off' });
    }
  }

  /** @param {RecorderState} recorder */
  #show(recorder) {
    const { state } = recorder;
    this.#recording = state === 'recording' || state === 'waiting';
    setAttribute(this.box, 'data-recorder', state);
    const lost = recorder.frames_lost ? `, ${format.plural(recorder.frames_lost, 'frame')} lost` : '';
    const words = {
      recording: `Recording for ${format.duration(recorder.duration_seconds)}, ${format.bytes(recorder.size_bytes)}${lost}`,
      waiting: 'Recording starts with the next picture',
      failed: `Recording failed: ${recorder.error ?? 'the hub does not say why'}`,
      off: 'Not recorded',
    };
    setText(this.words, words[state]);
    setText(byId('record-text', HTMLElement), this.#recording ? 'Stop' : 'Record');
  }

  async #toggle() {
    const action = this.#recording ? 'stop' : 'start';
    this.button.disabled = true;
    const name = this.#name;
    try {
      const state = await postJson(this.#address('recording'), { action });
      if (name !== this.#name) return;
      this.say('');
      this.#show(state);
      this.#askAnew();
    } catch (error) {
      if (name === this.#name) this.say(`${action === 'start' ? 'Not started' : 'Not stopped'}: ${wordsOf(error)}`);
    } finally {
      this.button.disabled = false;
    }
  }

  async #clip() {
    this.clipButton.disabled = true;
    const name = this.#name;
    this.say('Saving…');
    try {
      const { recording, seconds } = await postJson(this.#address('clip'), { seconds: CLIP_SECS });
      if (name !== this.#name) return;
      const link = el('a', { href: recordingsAddress(`${name}/${recording.file}@0`), title: recording.file }, 'Watch it');
      this.say(`${format.duration(seconds)} saved. `, link);
    } catch (error) {
      if (name === this.#name) this.say(`Not saved: ${wordsOf(error)}`);
    } finally {
      this.clipButton.disabled = false;
    }
  }

  /** @param {string} what */
  #address(what) {
    return at(`api/streams/${encodeURIComponent(this.#name)}/${what}`);
  }
}

/** @param {string} place of the recordings page */
function recordingsAddress(place) {
  const url = new URL('recordings', HUB);
  url.search = location.search;
  url.hash = place;
  return url.href;
}

/** @param {unknown} error */
function wordsOf(error) {
  return error instanceof Error ? error.message : String(error);
}
