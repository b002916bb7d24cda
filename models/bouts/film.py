"""A phrase as a video file with its log, and where its key points are in each frame."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from . import phrases
from .camera import Lens
from .phrases import Phrase
from .scene import Scene, Take
from .variety import Variety

SIZE = (640, 360)
HUB_BEND = -0.18
"""k1 of the lens that a hub assumes by default (`referee.fisheye_strength`)."""


@dataclass
class Film:
    """A phrase and its pictures."""

    phrase: Phrase
    pictures: list[np.ndarray]
    points: np.ndarray
    """Pixels, shape (frames, 2, 17, 2): the left fencer first."""
    boxes: np.ndarray
    """Left, top, right, bottom in pixels, shape (frames, 2, 4)."""

    def save(self, path: Path) -> None:
        """Writes `path` with JPEG in it, and the log beside it as `.txt`. JPEG in MP4 needs no ffmpeg to be sent to a hub."""
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), self.phrase.fps, SIZE)
        if not writer.isOpened():
            raise OSError(f"OpenCV cannot write {path}")
        for picture in self.pictures:
            writer.write(picture)
        writer.release()
        path.with_suffix(".txt").write_text(self.phrase.signal())


def film(
    rng: np.random.Generator, variety: Variety, kind: str | None = None, bend: float = HUB_BEND, fps: float = 30.0
) -> Film:
    """A phrase in a hall, seen whole through a lens that bends by `bend`."""
    phrase = phrases.phrase(rng, fps, kind)
    # A video is encoded once, by its sender.
    take = replace(Take.random(rng, variety, SIZE), lens=Lens(bend), quality=None)
    scene = Scene(rng, variety, (phrase.left, phrase.right), take, whole=True)
    shots = [scene.frame(n) for n in range(phrase.frames)]
    return Film(
        phrase=phrase,
        pictures=[shot.picture for shot in shots],
        points=np.stack([shot.points[..., :2] for shot in shots]),
        boxes=np.stack([shot.boxes for shot in shots]),
    )
