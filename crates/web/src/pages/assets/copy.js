// Copying to the clipboard, also on plain http where browsers offer no clipboard API.

import { el } from './dom.js';

const THANKS_MS = 1600;

/**
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export async function copyText(text) {
  try {
    if (window.isSecureContext && navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Permission refused: the old way may still work.
  }
  return copyBySelection(text);
}

/** @param {string} text */
function copyBySelection(text) {
  const area = el('textarea', { class: 'off-screen', 'aria-hidden': 'true', readonly: true });
  area.value = text;
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  let copied = false;
  try {
    copied = document.execCommand('copy');
  } catch {
    copied = false;
  }
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return copied;
}

/**
 * A row with a label, the text to copy, and the button that copies it.
 * @param {string} label
 * @param {string} text
 * @param {string} key for `data-copy`, by which tests find it
 */
export function copyRow(label, text, key) {
  const button = el('button', { type: 'button', class: 'copy', 'aria-label': `Copy ${label}` }, 'Copy');
  button.addEventListener('click', async () => {
    const copied = await copyText(text);
    button.textContent = copied ? 'Copied' : 'Select it';
    button.dataset.done = String(copied);
    window.setTimeout(() => {
      button.textContent = 'Copy';
      delete button.dataset.done;
    }, THANKS_MS);
  });
  return el('div', { class: 'copy-row', 'data-copy': key },
    el('div', { class: 'copy-head' }, el('span', { class: 'copy-label' }, label), button),
    el('pre', { tabindex: '0' }, el('code', {}, text)));
}
