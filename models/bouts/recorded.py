"""The movement of real fencers, from folders of `*.keypoints.json` as Framehub writes them.

Such a file has 17 key points a fencer and frame, seen from the side, in quarters of the distance between the front feet at
the start, about a metre each. Depth is not in it; it is added from how a fencer stands.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .skeleton import ANKLE_HEIGHT, ANKLES, EARS, ELBOWS, EYES, HIPS, KNEES, NOSE, SHOULDERS, WRISTS

NOSE_METRES = 1.46
"""How high a fencer's nose is en garde."""
SMOOTH_FRAMES = 3
"""Key points of a model tremble; their mean over so many frames does less."""

_DEPTHS = ((SHOULDERS, 0.11, -0.11), (ELBOWS, 0.20, -0.12), (WRISTS, 0.16, -0.10), (HIPS, 0.07, -0.07))
_DEPTHS += ((KNEES, 0.05, -0.18), (ANKLES, 0.02, -0.04), (EYES, 0.02, -0.02), (EARS, 0.06, -0.06))
"""Metres of the armed and the other side towards where the armed side is."""


@dataclass
class Piece:
    """A fencer in consecutive frames."""

    fps: float
    facing: int
    points: np.ndarray
    """Metres, shape (frames, 17, 3): forward is towards the opponent, who is at greater x * facing."""


def pairs(folder: Path) -> list[tuple[Piece, Piece]]:
    """The left and the right fencer of each phrase, those left out whose key points are torn."""
    found = []
    for path in sorted(folder.glob("*.keypoints.json")):
        phrase = json.loads(path.read_text())
        both = [_piece(phrase, side, facing) for side, facing in (("left", 1), ("right", -1))]
        if all(both):
            found.append(tuple(both))
    return found


def _piece(phrase: dict, side: str, facing: int) -> Piece | None:
    frames = phrase[side]
    if len(frames) < 8 or any(frame is None or len(frame) != 17 for frame in frames):
        return None
    flat = np.array([[point[:2] for point in frame] for frame in frames], float)
    flat[..., 0] *= facing
    if not np.isfinite(flat).all() or not _is_right_handed(flat):
        return None
    _untwist(flat)
    flat = _calm(flat)
    ground = np.percentile(flat[:, ANKLES, 1], 90)
    up = ground - flat[..., 1]
    up *= NOSE_METRES / max(float(np.median(up[:, NOSE])), 0.5)
    forward = flat[..., 0] - np.median(flat[0, ANKLES, 0])
    points = np.stack([forward * facing, up + ANKLE_HEIGHT, _depths(facing, len(flat))], axis=-1)
    return Piece(float(phrase["fps"]), facing, points)


def _is_right_handed(flat: np.ndarray) -> bool:
    """Whether the right wrist is in front for most of the time."""
    return float(np.mean(flat[:, WRISTS[1], 0] > flat[:, WRISTS[0], 0])) > 0.7


def _untwist(flat: np.ndarray) -> None:
    """Where a model took one leg or arm for the other, they are changed back: the armed side is in front."""
    for parts in ((HIPS, KNEES, ANKLES), (SHOULDERS,), (ELBOWS, WRISTS)):
        left, right = parts[-1]
        twisted = flat[:, left, 0] > flat[:, right, 0] + 0.05
        for left, right in parts:
            flat[twisted, left], flat[twisted, right] = flat[twisted, right], flat[twisted, left]


def _calm(flat: np.ndarray) -> np.ndarray:
    half = SMOOTH_FRAMES // 2
    padded = np.pad(flat, ((half, half), (0, 0), (0, 0)), mode="edge")
    return np.mean([padded[n : n + len(flat)] for n in range(SMOOTH_FRAMES)], axis=0)


def _depths(facing: int, frames: int) -> np.ndarray:
    """Of a right-handed fencer, whose armed side is the camera's on the left."""
    depths = np.zeros((frames, 17))
    for (left, right), armed, other in _DEPTHS:
        depths[:, right], depths[:, left] = facing * armed, facing * other
    return depths
