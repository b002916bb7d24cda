"""A scene: two fencers in a hall before a camera, as pictures with boxes and key points."""

from dataclasses import dataclass

import cv2
import numpy as np

from .body import Painter
from .camera import Camera, Lens
from .hall import Hall, person
from .phrases import Fencer
from .skeleton import ELBOWS, SHOULDERS, WRISTS
from .variety import Variety, fencing_kit


@dataclass
class Labelled:
    """A picture and what is known of it."""

    picture: np.ndarray
    """Blue, green, red; shape (height, width, 3), 8 bits."""
    boxes: np.ndarray
    """Left, top, right, bottom of each fencer in pixels, shape (fencers, 4)."""
    points: np.ndarray
    """x, y in pixels and 1 where it is within the picture, else 0; shape (fencers, 17, 3)."""


@dataclass(frozen=True)
class Take:
    """How a picture is taken and kept."""

    size: tuple[int, int] = (640, 384)
    lens: Lens | None = None
    blur: float = 0.0
    """Standard deviation in pixels."""
    motion: float = 0.0
    """How long the shutter is open, in pixels of movement."""
    noise: float = 0.0
    gamma: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shrink: float = 1.0
    """The picture was once so much smaller."""
    quality: int | None = None
    """Of the JPEG that it once was."""

    @staticmethod
    def random(rng: np.random.Generator, variety: Variety, size: tuple[int, int]) -> "Take":
        now_and_then = lambda share, value: value if rng.random() < share else None
        return Take(
            size=size,
            lens=now_and_then(0.6, Lens(variety.pick(rng, variety.bends))),
            blur=now_and_then(0.35, rng.uniform(0.3, 1.1)) or 0.0,
            motion=now_and_then(0.3, rng.uniform(2, 6)) or 0.0,
            noise=now_and_then(0.5, rng.uniform(1, 9)) or 0.0,
            gamma=float(np.exp(rng.normal(0, 0.22))),
            tint=tuple(np.clip(rng.normal(1, 0.06, 3), 0.8, 1.2)),
            shrink=now_and_then(0.25, rng.uniform(0.5, 0.95)) or 1.0,
            quality=now_and_then(0.7, int(rng.integers(25, 95))),
        )


class Scene:
    """A hall, a camera and two fencers' kits; frames differ in what the fencers do."""

    def __init__(
        self,
        rng: np.random.Generator,
        variety: Variety,
        fencers: tuple[Fencer, Fencer],
        take: Take,
        whole: bool = False,
    ):
        """`whole`: the camera always shows both fencers; otherwise it may cut one off."""
        self.rng, self.take = rng, take
        self.fencers = fencers
        for fencer in fencers:
            build = variety.build(rng, fencer.build)
            fencer.points = _grown(fencer.points, build.height / fencer.build.height)
            fencer.build = build
        self.camera = _camera(rng, variety, fencers, take, whole)
        self.hall = Hall(rng, self.camera, variety)
        self.kits = [fencing_kit(rng, variety) for _ in fencers]
        if rng.random() < 0.3:
            self.kits[1] = self.kits[0]
        self.referee = (rng.uniform(-2.5, 2.5), rng.uniform(1.8, 2.6)) if rng.random() < 0.12 and not whole else None
        self.aim = rng.normal(0, 0.12, 2)

    def frame(self, n: int) -> Labelled:
        """What the camera sees of moment `n` of the fencers."""
        picture = self.hall.picture.copy()
        # The farther one first.
        order = np.argsort([float(np.mean(fencer.points[n, :, 2])) for fencer in self.fencers])
        boxes, points = np.zeros((2, 4)), np.zeros((2, 17, 2))
        for at in order:
            boxes[at], points[at] = self._fencer(picture, at, n)
        if self.referee is not None:
            person(self.rng, picture, self.camera, self.hall.light, *self.referee, sits=False)
        return _taken(self.rng, self.take, picture, boxes, points)

    def _fencer(self, picture: np.ndarray, at: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        fencer = self.fencers[at]
        points = fencer.points[n]
        _shadow(picture, self.camera, points)
        armed = int(fencer.build.right_handed)
        arm = points[WRISTS[armed]] - points[SHOULDERS[armed]]
        forearm = points[WRISTS[armed]] - points[ELBOWS[armed]]
        blade = arm / np.linalg.norm(arm) * 0.5 + forearm / np.linalg.norm(forearm) * 0.5
        blade += [fencer.facing * 0.5, 0.45 + self.aim[at], 0.0]
        painter = Painter(picture, self.camera, self.kits[at], fencer.build.girth, self.hall.light, self.rng)
        box = painter.person(points, fencer.build.right_handed, blade / np.linalg.norm(blade))
        flat, _ = self.camera.project(points)
        return box, flat


def _grown(points: np.ndarray, times: float) -> np.ndarray:
    """So many times as tall, each moment about the place on the ground where the fencer is; shape (moments, 17, 3)."""
    place = points.mean(1, keepdims=True) * [1, 0, 1]
    return place + (points - place) * times


def _shadow(picture: np.ndarray, camera: Camera, points: np.ndarray) -> None:
    middle = np.array([np.mean(points[:, 0]), 0.0, np.mean(points[:, 2])])
    (flat, aside), ahead = camera.project(np.stack([middle, middle + [0.45, 0, 0]]))
    radius = abs(aside[0] - flat[0])
    box = [int(part) for part in (flat[0] - radius, flat[1] - radius * 0.2, flat[0] + radius, flat[1] + radius * 0.2)]
    left, top = max(box[0], 0), max(box[1], 0)
    part = picture[top : max(box[3], 0), left : max(box[2], 0)]
    if part.size:
        mask = np.zeros(part.shape[:2], np.float32)
        cv2.ellipse(
            mask, (int(flat[0]) - left, int(flat[1]) - top), (int(radius), int(radius * 0.18)), 0, 0, 360, 0.3, -1
        )
        part[:] = (part * (1 - cv2.blur(mask, (5, 5)))[..., None]).astype(np.uint8)


def _camera(rng, variety: Variety, fencers, take: Take, whole: bool) -> Camera:
    """Beside the piste, at whichever zoom shows both."""
    everything = np.concatenate([fencer.points.reshape(-1, 3) for fencer in fencers])
    width, height = take.size
    wider = Lens.WIDER if take.lens is not None else 1.0
    middle = float((everything[:, 0].min() + everything[:, 0].max()) / 2)
    angle = np.radians(variety.pick(rng, variety.angles))
    far = rng.uniform(5.5, 13.0)
    target = np.array([middle + rng.normal(0, 0.15), rng.uniform(0.7, 1.15), 0.0])
    place = np.array([target[0] + far * np.sin(angle), variety.pick(rng, variety.raised), far * np.cos(angle)])
    roll = rng.normal(0, 0.012)
    # Measured with a focal length of 1 pixel: the fencers are to fill so much of the width and at most of the height.
    flat, _ = Camera.looking(place, target, roll, 1.0, (0, 0)).project(everything)
    spread = np.abs(flat).max(0)
    fill = rng.uniform(0.62, 0.85) if whole else rng.uniform(0.55, 1.02)
    focal = min(fill * width / 2 / (spread[0] + 0.04), rng.uniform(0.6, 0.95) * height / 2 / spread[1])
    if not whole and rng.random() < 0.3:
        focal *= rng.uniform(0.55, 1.0)
    return Camera.looking(place, target, roll, focal / wider, take.size)


def _taken(rng, take: Take, picture, boxes, points) -> Labelled:
    """What the lens, the sensor and the file make of a picture."""
    if take.lens is not None:
        corners = boxes[:, [0, 1, 2, 1, 0, 3, 2, 3]].reshape(-1, 2)
        picture, moved = take.lens.bent(picture, np.concatenate([points.reshape(-1, 2), corners]))
        points = moved[: points.size // 2].reshape(points.shape)
        corners = moved[points.size // 2 :].reshape(-1, 4, 2)
        boxes = np.concatenate([corners.min(1), corners.max(1)], -1)
    picture = _sensed(rng, take, picture)
    width, height = take.size
    inside = (points >= 0).all(-1) & (points[..., 0] < width) & (points[..., 1] < height)
    boxes = np.clip(boxes, 0, [width, height, width, height])
    return Labelled(picture, boxes, np.concatenate([points, inside[..., None]], -1))


def _sensed(rng, take: Take, picture: np.ndarray) -> np.ndarray:
    width, height = take.size
    if take.shrink < 1:
        small = cv2.resize(picture, None, fx=take.shrink, fy=take.shrink, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if take.motion > 1:
        kernel = np.zeros((1, int(take.motion) | 1), np.float32)
        kernel[:] = 1 / kernel.size
        picture = cv2.filter2D(picture, -1, kernel)
    if take.blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), take.blur)
    table = np.arange(256)[:, None] / 255.0
    table = np.clip(table**take.gamma * np.array(take.tint) * 255, 0, 255).astype(np.uint8)
    picture = cv2.LUT(picture, table[None])
    if take.noise > 0:
        grain = np.empty(picture.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(1 << 30)))
        cv2.randn(grain, 0, take.noise)
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    if take.quality is not None:
        _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, take.quality])
        picture = cv2.imdecode(file, cv2.IMREAD_COLOR)
    return picture
