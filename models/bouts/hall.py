"""The hall: a wall with what hangs on it, the floor, the piste, spectators, a scoring machine, lamps."""

import cv2
import numpy as np

from .body import Painter
from .camera import Camera
from .skeleton import Build, Stance, joints
from .variety import Variety, street_clothes

PISTE_METRES = (14.0, 1.5)
"""Length and width of a piste."""


class Hall:
    """One hall, seen by a camera that stays. Drawn once; what moves is drawn over it."""

    def __init__(self, rng: np.random.Generator, camera: Camera, variety: Variety):
        self.rng, self.camera = rng, camera
        width, height = camera.size
        self.light = rng.uniform(0.7, 1.08)
        self.picture = np.zeros((height, width, 3), np.uint8)
        self.depth = -rng.uniform(2.0, 7.0)
        """Of the wall behind, in metres."""
        self._wall(variety.colour(rng, variety.walls, 22))
        self._floor(variety.colour(rng, variety.floors, 18))
        self._piste(variety.colour(rng, variety.pistes, 14))
        self._spectators()
        self._things()

    def _wall(self, colour) -> None:
        rng, (width, height) = self.rng, self.camera.size
        base = np.linspace(rng.uniform(0.6, 1.2), rng.uniform(0.7, 1.1), height)[:, None, None]
        self.picture[:] = np.clip(base * np.array(colour) * self.light, 0, 255)
        kind = rng.integers(4)
        bottom = self._ground_line()
        if kind == 0:  # panels
            pitch = rng.uniform(0.04, 0.15) * width
            for x in np.arange(rng.uniform(0, pitch), width, pitch):
                self._line((x, 0), (x, bottom), rng.uniform(0.7, 1.2), colour, 1 + int(rng.random() * 3))
        elif kind == 1:  # bricks
            pitch = rng.uniform(0.02, 0.05) * height
            for y in np.arange(0, bottom, pitch):
                self._line((0, y), (width, y), 0.8, colour, 1)
        elif kind == 2:  # windows, some of them glaring
            for _ in range(rng.integers(1, 6)):
                x, y = rng.uniform(0, width), rng.uniform(0, max(bottom * 0.6, 1))
                wide, high = rng.uniform(0.04, 0.16) * width, rng.uniform(0.1, 0.35) * height
                glare = tuple(np.clip(rng.uniform(170, 255) + rng.normal(0, 10, 3), 0, 255))
                cv2.rectangle(self.picture, (int(x), int(y)), (int(x + wide), int(y + high)), glare, -1)
                self._line((x + wide / 2, y), (x + wide / 2, y + high), 0.5, colour, 2)
        for _ in range(rng.integers(0, 9)):  # banners, posters, doors
            self._poster(bottom)

    def _poster(self, bottom: float) -> None:
        rng, (width, height) = self.rng, self.camera.size
        x, wide, high = rng.uniform(-0.1, 1) * width, rng.uniform(0.03, 0.3) * width, rng.uniform(0.05, 0.3) * height
        y = rng.uniform(0, max(bottom - high * 0.5, 1))
        colour = tuple(rng.uniform(0, 255, 3) * self.light)
        cv2.rectangle(self.picture, (int(x), int(y)), (int(x + wide), int(min(y + high, bottom))), colour, -1)
        if rng.random() < 0.6:
            scale = high / 60
            ink = tuple(rng.uniform(0, 255, 3))
            word = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVWZ"), rng.integers(2, 9)))
            at = (int(x + 2), int(y + high * 0.65))
            cv2.putText(
                self.picture, word, at, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, max(1, int(scale * 2)), cv2.LINE_AA
            )

    def _floor(self, colour) -> None:
        rng, height = self.rng, self.camera.size[1]
        corners = [(-40, self.depth), (40, self.depth), (40, 3.0), (-40, 3.0)]
        self._ground(corners, colour)
        bottom = int(np.clip(self._ground_line(), 0, height))
        if bottom < height:
            self.picture[bottom:] = np.clip(np.array(colour) * self.light, 0, 255)
            fade = np.linspace(rng.uniform(0.75, 1.1), rng.uniform(0.8, 1.2), height - bottom)[:, None, None]
            self.picture[bottom:] = np.clip(self.picture[bottom:] * fade, 0, 255).astype(np.uint8)
        for _ in range(rng.integers(0, 9)):  # lines of other games
            x, z = rng.uniform(-8, 8, 2), rng.uniform(self.depth, 4, 2)
            ends = [(x[0], z[0]), (x[1], z[0])] if rng.random() < 0.7 else [(x[0], z[0]), (x[0], z[1])]
            flat, _ = self.camera.project(np.array([(x, 0.0, z) for x, z in ends]))
            paint = tuple(rng.uniform(40, 255, 3) * self.light)
            self._plain_line(flat[0], flat[1], paint, rng.integers(1, 4))
        if rng.random() < 0.3:
            pitch = rng.uniform(0.3, 1.0)
            for x in np.arange(-10, 10, pitch):
                flat, _ = self.camera.project(np.array([(x, 0.0, self.depth), (x, 0.0, 2.5)]))
                self._plain_line(flat[0], flat[1], tuple(np.array(colour) * self.light * 0.9), 1)

    def _piste(self, colour) -> None:
        rng = self.rng
        half, deep = PISTE_METRES[0] / 2, PISTE_METRES[1] / 2 * rng.uniform(0.9, 1.35)
        shift = rng.uniform(-0.15, 0.15)
        self._ground(
            [(-half, -deep + shift), (half, -deep + shift), (half, deep + shift), (-half, deep + shift)], colour
        )
        paint = tuple(rng.uniform(150, 255, 3) * self.light) if rng.random() < 0.8 else (40, 40, 40)
        for x in (-7, -5, -2, 0, 2, 5, 7):
            if rng.random() < 0.85:
                ends = np.array([(x, 0.0, -deep + shift), (x, 0.0, deep + shift)])
                flat, _ = self.camera.project(ends)
                self._plain_line(flat[0], flat[1], paint, rng.integers(1, 4))
        if rng.random() < 0.3:  # another piste behind
            away = -rng.uniform(2.2, 3.5)
            if away - 0.8 > self.depth:
                self._ground([(-9, away - 0.75), (9, away - 0.75), (9, away + 0.75), (-9, away + 0.75)], colour)

    def _spectators(self) -> None:
        """Rows of people who sit or stand before the wall, and a referee or a coach who stands behind the piste."""
        rng = self.rng
        count = int(rng.choice([0, 0, 1, 2, 4, 8, 14]))
        for z in np.sort(rng.uniform(self.depth + 0.2, -1.6, count)):
            person(rng, self.picture, self.camera, self.light, rng.uniform(-6, 6), z, sits=rng.random() < 0.5)
        if rng.random() < 0.35:
            place = rng.uniform(-3.5, 3.5), -rng.uniform(1.2, 1.8)
            person(rng, self.picture, self.camera, self.light, *place, sits=False)

    def _things(self) -> None:
        rng = self.rng
        if rng.random() < 0.6:  # the scoring machine, with its lamps
            z, x = -rng.uniform(1.0, 2.0), rng.uniform(-1.5, 1.5)
            box = np.array([(x - 0.4, 1.1, z), (x + 0.4, 0.75, z), (x - 0.15, 1.0, z), (x + 0.15, 1.0, z)])
            flat, ahead = self.camera.project(box)
            if flat[0][1] < flat[1][1]:
                cv2.rectangle(self.picture, _whole(flat[0]), _whole(flat[1]), (30, 30, 32), -1)
                for place, colour in ((flat[2], (40, 40, 230)), (flat[3], (60, 220, 60))):
                    lit = colour if rng.random() < 0.5 else tuple(part * 0.3 for part in colour)
                    cv2.circle(self.picture, _whole(place), max(1, int(0.06 * self.camera.focal / ahead[0])), lit, -1)
        for _ in range(rng.integers(0, 7)):  # bags, chairs, tables
            x, z = rng.uniform(-7, 7), rng.uniform(self.depth, -1.2)
            wide, high = rng.uniform(0.2, 1.2), rng.uniform(0.2, 0.9)
            flat, _ = self.camera.project(np.array([(x, high, z), (x + wide, 0, z)]))
            colour = tuple(rng.uniform(10, 240, 3) * self.light)
            cv2.rectangle(self.picture, _whole(flat[0]), _whole(flat[1]), colour, -1)

    # ---- shapes ----

    def _ground_line(self) -> float:
        """Where the wall meets the floor in the middle, in pixels."""
        return float(self.camera.project(np.array([0.0, 0.0, self.depth]))[0][1])

    def _ground(self, corners, colour) -> None:
        flat, _ = self.camera.project(np.array([(x, 0.0, z) for x, z in corners]))
        flat = np.clip(flat, -20_000, 20_000)
        cv2.fillPoly(self.picture, [flat.astype(np.int32)], tuple(float(c * self.light) for c in colour), cv2.LINE_AA)

    def _line(self, start, end, share, colour, thick) -> None:
        self._plain_line(start, end, tuple(float(min(part * share * self.light, 255)) for part in colour), thick)

    def _plain_line(self, start, end, colour, thick) -> None:
        cv2.line(self.picture, _whole(start), _whole(end), colour, int(thick), cv2.LINE_AA)


def person(rng, picture, camera: Camera, light: float, x: float, z: float, sits: bool) -> None:
    """Draws a spectator or referee, sitting or standing, in street clothes."""
    facing = int(rng.choice([-1, 1]))
    build = Build.random(rng, left_handed=0.5)
    side = rng.uniform(0.08, 0.2)
    arm = rng.uniform(-1.5, -0.6)
    stance = Stance(
        x=facing * x,
        front_foot=np.array([facing * x + side + (0.3 if sits else 0.0), 0.0]),
        back_foot=np.array([facing * x - side * 0.5 + (0.3 if sits else 0.0), 0.0]),
        crouch=rng.uniform(0.4, 0.5) if sits else rng.uniform(0.0, 0.04),
        lean=rng.uniform(-0.05, 0.15),
        reach=rng.uniform(0.3, 1.0),
        hand=arm,
        back_hand=np.array([rng.uniform(-0.2, 0.3), -rng.uniform(0.5, 0.95)]),
        look=rng.uniform(-1.0, 2.0),
    )
    painter = Painter(picture, camera, street_clothes(rng), build.girth, light, rng)
    painter.person(joints(build, facing, z, stance), build.right_handed)


def _whole(point) -> tuple[int, int]:
    return int(np.clip(point[0], -20_000, 20_000)), int(np.clip(point[1], -20_000, 20_000))
