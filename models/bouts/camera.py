"""The camera: a pinhole beside the piste, and a lens that bends as OpenCV's fisheye model says."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera. Pictures have x to the right, y down, in pixels."""

    place: np.ndarray
    """Metres in the world."""
    turn: np.ndarray
    """Rows: right, down and ahead, as unit vectors in the world; shape (3, 3)."""
    focal: float
    """Pixels."""
    size: tuple[int, int]
    """Width and height of the picture."""

    @staticmethod
    def looking(place: np.ndarray, target: np.ndarray, roll: float, focal: float, size: tuple[int, int]) -> "Camera":
        ahead = (target - place) / np.linalg.norm(target - place)
        right = np.cross(ahead, [0.0, 1.0, 0.0])
        right /= np.linalg.norm(right)
        down = np.cross(ahead, right)
        cos, sin = np.cos(roll), np.sin(roll)
        return Camera(place, np.stack([right * cos + down * sin, down * cos - right * sin, ahead]), focal, size)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels, shape (..., 2), and metres ahead of the camera, shape (...)."""
        seen = (np.asarray(points) - self.place) @ self.turn.T
        ahead = np.maximum(seen[..., 2], 0.1)
        middle = np.array(self.size) / 2
        return seen[..., :2] / ahead[..., None] * self.focal + middle, ahead


@dataclass(frozen=True)
class Lens:
    """OpenCV's fisheye model with only k1, for a focal length of the picture's longer side (as the hub assumes)."""

    bend: float

    WIDER = 1.3
    """What is drawn before it is bent shows so much more to each side."""

    def bent(self, picture: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A picture that was drawn with the focal length divided by `WIDER`, as this lens shows it, and points in it
        (shape (n, 2)) likewise."""
        height, width = picture.shape[:2]
        focal, middle = float(max(width, height)), np.array([width / 2, height / 2])
        step = 16
        columns, rows = np.meshgrid(np.arange(0, width + step, step), np.arange(0, height + step, step))
        bent = (np.stack([columns, rows], -1).reshape(-1, 2) - middle) / focal
        straight = self._straighten(bent) * focal / self.WIDER + middle
        shape = (*columns.shape, 2)
        coarse = straight.reshape(shape).astype(np.float32)
        # The coarse map's last column and row lie beyond the picture, so that every pixel lies between four of them.
        grid = np.stack(np.meshgrid(np.arange(width) / step, np.arange(height) / step), -1).astype(np.float32)
        fine = cv2.remap(coarse, grid, None, cv2.INTER_LINEAR)
        drawn = cv2.remap(picture, fine, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return drawn, self._bend((points - middle) * self.WIDER / focal) * focal + middle

    def _straighten(self, bent: np.ndarray) -> np.ndarray:
        radius = np.maximum(np.linalg.norm(bent, axis=-1, keepdims=True), 1e-9)
        angle = radius.copy()
        for _ in range(12):
            angle -= (angle * (1 + self.bend * angle**2) - radius) / (1 + 3 * self.bend * angle**2)
            angle = np.clip(angle, 0, 1.2)
        return bent * np.tan(angle) / radius

    def _bend(self, straight: np.ndarray) -> np.ndarray:
        radius = np.maximum(np.linalg.norm(straight, axis=-1, keepdims=True), 1e-9)
        angle = np.arctan(radius)
        return straight * angle * (1 + self.bend * angle**2) / radius
