// What one tells others about a stream: its addresses, and the commands that publish to it.

import { copyRow } from './copy.js';
import { shown, streamPath } from './paths.js';

/**
 * @param {string} name
 * @param {number} width of the picture, for the iframe
 * @param {number} height
 */
export function addressRows(name, width, height) {
  const mjpeg = shown(streamPath(name));
  const embed = `<iframe src="${mjpeg}/embed" title="${name}" width="${width}" height="${height}" style="border:0" allow="fullscreen"></iframe>`;
  return [
    copyRow('MJPEG, for an <img>, OpenCV, ffmpeg, VLC', mjpeg, 'mjpeg'),
    copyRow('Snapshot, the newest frame', `${mjpeg}/snapshot.jpg`, 'snapshot'),
    copyRow('Embed in a page', embed, 'embed'),
    copyRow('WebSocket, a JPEG per message', `${mjpeg.replace(/^http/, 'ws')}?format=binary`, 'websocket'),
  ];
}

/** @param {string} name */
export function publishRows(name) {
  const url = shown(`publish/${encodeURIComponent(name)}`);
  const python = [
    'import requests',
    'with open("picture.jpg", "rb") as f:',
    `    print(requests.post("${url}", files={"frame": f}).json())`,
  ].join('\n');
  return [
    copyRow('One picture, with curl', `curl -F frame=@picture.jpg ${url}`, 'curl'),
    copyRow('A video file, with framehub', `framehub publish video.mp4 --to ${url}`, 'framehub'),
    copyRow('A video file, with ffmpeg', `ffmpeg -re -i video.mp4 -f mpjpeg -method POST ${url}`, 'ffmpeg'),
    copyRow('From Python', python, 'python'),
  ];
}
