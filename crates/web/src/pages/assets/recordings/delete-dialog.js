// Asks before a recording is deleted, and says why when it could not be.

import { byId, setText } from '../dom.js';
import * as format from '../format.js';
import { remove, startOf } from './shelf.js';

/** @import { Recording } from './shelf.js' */

export class DeleteDialog {
  /** @type {Recording | null} */
  #recording = null;

  /** @param {(recording: Recording, freedBytes: number) => void} deleted */
  constructor(deleted) {
    this.deleted = deleted;
    this.dialog = byId('delete-dialog', HTMLDialogElement);
    this.trouble = byId('delete-trouble', HTMLElement);
    this.confirm = byId('delete-confirm', HTMLButtonElement);
    byId('delete-cancel', HTMLButtonElement).addEventListener('click', () => this.dialog.close());
    this.confirm.addEventListener('click', () => void this.#delete());
    // A click beside the dialog lands on the dialog itself, its backdrop.
    this.dialog.addEventListener('click', (event) => { if (event.target === this.dialog) this.dialog.close(); });
  }

  /** @param {Recording} recording */
  open(recording) {
    this.#recording = recording;
    const start = startOf(recording);
    setText(byId('delete-file', HTMLElement), recording.file);
    setText(byId('delete-facts', HTMLElement), `${recording.stream_name}, ${format.day(start)}, ${format.timeOfDay(start)}: ${format.duration(recording.duration_seconds)}, ${format.bytes(recording.size_bytes)}.`);
    setText(this.trouble, '');
    this.confirm.disabled = false;
    this.dialog.showModal();
  }

  async #delete() {
    const recording = this.#recording;
    if (!recording) return;
    this.confirm.disabled = true;
    try {
      const answer = await remove(recording);
      this.dialog.close();
      this.deleted(recording, answer.freed_bytes ?? recording.size_bytes);
    } catch (error) {
      setText(this.trouble, `Not deleted: ${error instanceof Error ? error.message : String(error)}`);
      this.confirm.disabled = false;
    }
  }
}
