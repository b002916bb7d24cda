"""Pictures for training: drawn ones, moved, scaled, recoloured and partly covered at random.

Nothing is mirrored: a mirrored right-hander is a left-hander. There are few of them, and only the chest or the back shows
which side is left.
"""

from pathlib import Path

import cv2
import numpy as np

from .pictures import without_the_unseen

GREY = 114
"""Around the picture, as in Ultralytics' letterbox."""


class Examples:
    """An endless row of batches."""

    def __init__(self, files: list[Path], batch: int, seed: int):
        loaded = [np.load(file) for file in files]
        self.pictures = [file["pictures"] for file in loaded]
        self.boxes = np.concatenate([file["boxes"] for file in loaded])
        self.points = np.concatenate([file["points"] for file in loaded])
        self.places = [(file, n) for file, pictures in enumerate(self.pictures) for n in range(len(pictures))]
        self.batch, self.rng = batch, np.random.default_rng(seed)
        self.order: list[int] = []

    def __len__(self) -> int:
        return len(self.places)

    def next(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pictures (batch, 3, height, width) from 0 to 1, boxes (batch, 2, 4) and points (batch, 2, 17, 3)."""
        made = [self._one(self._draw()) for _ in range(self.batch)]
        pictures, boxes, points = (np.stack(part) for part in zip(*made, strict=True))
        return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).astype(np.float32) / 255, boxes, points

    def _draw(self) -> int:
        if not self.order:
            self.order = list(self.rng.permutation(len(self.places)))
        return int(self.order.pop())

    def _one(self, n: int):
        file, at = self.places[n]
        picture, boxes, points = self._moved(self.pictures[file][at], self.boxes[n], self.points[n])
        return self._covered(self._recoloured(picture)), boxes, points

    def _moved(self, picture, boxes, points):
        """Scaled by 0.6 to 1.5 and shifted, so that something of each fencer stays within."""
        rng, (height, width) = self.rng, picture.shape[:2]
        scale = float(np.exp(rng.uniform(np.log(0.6), np.log(1.5))))
        free = np.array([width, height]) * (1 - scale)
        shift = free * rng.uniform(0.1, 0.9, 2) + rng.normal(0, 12, 2)
        if rng.random() < 0.25:
            scale, shift = 1.0, rng.uniform(-8, 8, 2)
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
        grey = (GREY, GREY, GREY)
        moved = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=grey)
        there = (boxes[:, 2] > boxes[:, 0])[:, None]
        boxes = np.where(there, boxes * scale + np.tile(shift, 2), 0).astype(np.float32)
        points = points.copy()
        points[..., :2] = points[..., :2] * scale + shift
        inside = (points[..., :2] >= 0).all(-1) & (points[..., :2] < [width, height]).all(-1)
        points[..., 2] *= inside
        boxes = np.clip(boxes, 0, [width, height, width, height])
        boxes, points = without_the_unseen(boxes, points)
        return moved, boxes.astype(np.float32), points.astype(np.float32)

    def _recoloured(self, picture):
        rng = self.rng
        gain = rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3)
        table = np.clip(np.arange(256)[:, None] * gain + rng.uniform(-18, 18), 0, 255).astype(np.uint8)
        picture = cv2.LUT(picture, table[None])
        if rng.random() < 0.08:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        return picture

    def _covered(self, picture):
        if self.rng.random() < 0.2:
            height, width = picture.shape[:2]
            wide, high = self.rng.integers(8, 60, 2)
            x, y = self.rng.integers(0, width - wide), self.rng.integers(0, height - high)
            picture[y : y + high, x : x + wide] = self.rng.integers(0, 255, 3)
        return picture
