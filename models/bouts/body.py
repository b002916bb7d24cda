"""Draws a person: limbs as tapered tubes with light from above, the far ones first.

The same body wears a fencer's kit or street clothes; what it wears is in [`Kit`].
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .camera import Camera
from .skeleton import ANKLES, EARS, ELBOWS, HIPS, KNEES, NOSE, SHOULDERS, WRISTS

SHIFT = 4
"""Fractional bits of OpenCV's drawing coordinates."""

Colour = tuple[float, float, float]
"""Blue, green and red, 0 to 255."""


@dataclass(frozen=True)
class Kit:
    """A person's clothes. Colours are blue, green, red."""

    jacket: Colour
    sleeves: Colour
    trousers: Colour
    socks: Colour
    shoes: Colour
    skin: Colour
    hair: Colour
    glove: Colour | None = None
    """`None` for bare hands."""
    mask: Colour | None = None
    """The mask's mesh; `None` for a bare head."""
    bib: Colour = (230, 230, 230)
    name: Colour | None = None
    """Letters on the back."""
    sheen: float = 0.12
    """How much the cloth shines: a lamé does, cotton does not."""
    weapon: Colour | None = None
    long_hair: bool = False
    folds: float = 1.0


# Half the thickness of a usual body, in metres: at the limb's beginning and end.
_THICK = {
    "upper_arm": (0.062, 0.052),
    "forearm": (0.050, 0.037),
    "thigh": (0.098, 0.068),
    "shin": (0.062, 0.042),
    "neck": (0.055, 0.06),
}


class Painter:
    """Draws one person into a picture and keeps the outline."""

    def __init__(self, picture: np.ndarray, camera: Camera, kit: Kit, girth: float, light: float, rng):
        self.picture, self.camera, self.kit, self.girth = picture, camera, kit, girth
        self.light, self.rng = light, rng
        self.low, self.high = np.full(2, np.inf), np.full(2, -np.inf)

    def person(self, points: np.ndarray, armed_right: bool, blade: np.ndarray | None = None) -> np.ndarray:
        """Draws 17 points in metres; returns the outline without the blade: left, top, right, bottom in pixels.

        `blade` is the direction of the weapon.
        """
        flat, ahead = self.camera.project(points)
        scale = self.camera.focal / ahead
        parts = [(float(np.mean(ahead[list(side)])), draw) for side, draw in self._limbs(flat, scale, armed_right)]
        trunk = float(np.mean(ahead[[*SHOULDERS, *HIPS]]))
        parts.append((trunk, lambda: self._trunk(points, flat, scale)))
        parts.append((trunk - 0.02, lambda: self._head(points, flat, scale)))
        for _, draw in sorted(parts, key=lambda part: -part[0]):
            draw()
        if blade is not None and self.kit.weapon is not None:
            self._blade(points[WRISTS[int(armed_right)]], blade)
        return np.concatenate([self.low, self.high])

    def _limbs(self, flat, scale, armed_right):
        kit = self.kit
        for side in (0, 1):
            hip, knee, ankle = HIPS[side], KNEES[side], ANKLES[side]
            shoulder, elbow, wrist = SHOULDERS[side], ELBOWS[side], WRISTS[side]
            armed = side == int(armed_right)
            yield (hip, knee, ankle), lambda h=hip, k=knee, a=ankle: self._leg(flat, scale, h, k, a)
            hand = kit.glove if armed and kit.glove is not None else kit.skin
            # An arm's depth counts a little nearer than the trunk's, over which it lies.
            yield (
                (elbow, wrist, elbow, shoulder),
                lambda s=shoulder, e=elbow, w=wrist, c=hand, g=armed: self._arm(flat, scale, s, e, w, c, g),
            )

    def _leg(self, flat, scale, hip, knee, ankle):
        kit = self.kit
        self._tube(flat[hip], flat[knee], scale[hip], "thigh", kit.trousers)
        middle = flat[knee] * 0.72 + flat[ankle] * 0.28
        self._tube(flat[knee], flat[ankle], scale[knee], "shin", kit.socks)
        self._tube(flat[knee], middle, scale[knee], "shin", kit.trousers, looser=1.08)
        # Shoes point to where the knee is bent, at least half.
        toe = np.array([np.clip((flat[knee] - flat[ankle])[0] / scale[ankle], -0.16, 0.16) * 0.8, 0.0])
        toe[0] += 0.06 * np.sign(toe[0])
        sole = flat[ankle] + np.array([0, 0.055]) * scale[ankle]
        radius = 0.045 * scale[ankle] * self.girth
        self._line(sole - toe * 0.3 * scale[ankle], sole + toe * scale[ankle], radius, radius * 0.8, kit.shoes)

    def _arm(self, flat, scale, shoulder, elbow, wrist, hand, armed):
        kit = self.kit
        self._tube(flat[shoulder], flat[elbow], scale[shoulder], "upper_arm", kit.sleeves)
        self._tube(flat[elbow], flat[wrist], scale[elbow], "forearm", kit.sleeves)
        if armed and kit.glove is not None:
            cuff = flat[elbow] * 0.45 + flat[wrist] * 0.55
            self._tube(cuff, flat[wrist], scale[wrist], "forearm", kit.glove, looser=1.05)
        way = flat[wrist] - flat[elbow]
        palm = flat[wrist] + way / max(np.linalg.norm(way), 1.0) * 0.06 * scale[wrist]
        self._line(flat[wrist], palm, 0.042 * scale[wrist], 0.04 * scale[wrist], hand)

    def _trunk(self, points, flat, scale):
        kit, wide = self.kit, self.girth
        (ls, rs), (lh, rh) = SHOULDERS, HIPS
        radius = 0.085 * wide * float(np.mean(scale[[ls, rs]]))
        waist = 0.095 * wide * float(np.mean(scale[[lh, rh]]))
        corners = [(flat[ls], radius), (flat[rs], radius), (flat[lh], waist), (flat[rh], waist)]
        outline = self._hull(corners)
        self._fill(outline, kit.jacket)
        middle_top, middle_low = (flat[ls] + flat[rs]) / 2, (flat[lh] + flat[rh]) / 2
        self._shade(outline, middle_top, middle_low, radius, kit.jacket)
        hips = self._hull([(flat[lh], waist * 0.95), (flat[rh], waist * 0.95)])
        self._fill(hips, kit.trousers)
        # Where the chest points: across from the right to the left shoulder, turned about the spine.
        spine = points[[ls, rs]].mean(0) - points[[lh, rh]].mean(0)
        chest = np.cross(points[ls] - points[rs], spine)
        facing_us = float(chest @ (self.camera.place - points[ls])) > 0
        if facing_us:
            self._front(flat, middle_top, middle_low, radius)
        else:
            self._back(flat, middle_top, middle_low, radius)

    def _front(self, flat, top, low, radius):
        """A jacket is closed at the side of the chest."""
        shade = _scaled(self.kit.jacket, self.light * 0.8)
        aside = (flat[SHOULDERS[0]] - flat[SHOULDERS[1]]) * 0.3
        self._stroke(top + aside, low + aside * 0.8, max(radius * 0.12, 1), shade)

    def _back(self, flat, top, low, radius):
        """The back has a seam, often a name, and the body wire comes out of it."""
        kit = self.kit
        self._stroke(top, low, max(radius * 0.14, 1), _scaled(kit.jacket, self.light * 0.66))
        if kit.name is None:
            return
        across = flat[SHOULDERS[1]] - flat[SHOULDERS[0]]
        if np.linalg.norm(across) < radius * 0.4:
            across = np.array([radius, 0.0])
        middle = top * 0.68 + low * 0.32
        self._stroke(
            middle - across * 0.42, middle + across * 0.42, max(radius * 0.34, 1), _scaled(kit.name, self.light)
        )

    def _head(self, points, flat, scale):
        kit = self.kit
        size = float(scale[NOSE])
        ears = flat[list(EARS)].mean(0)
        ahead = flat[NOSE] - ears
        neck = flat[list(SHOULDERS)].mean(0)
        head = ears + np.array([0, -0.01 * size])
        self._tube(neck, head, size, "neck", kit.bib if kit.mask is not None else kit.skin)
        if kit.mask is None:
            self._disc(head + np.array([0, -0.01 * size]), 0.108 * size, kit.hair)
            self._disc(head + ahead * 0.45 + np.array([0, 0.022 * size]), 0.085 * size, kit.skin)
            return
        seen_from_behind = float((points[NOSE] - points[list(EARS)].mean(0)) @ self.camera.turn[2]) > 0.05
        self._disc(head - ahead * 0.15, 0.112 * size, kit.hair)
        if kit.long_hair:
            end = head - ahead * 0.9 + np.array([0, 0.2 * size])
            self._line(head - ahead * 0.6, end, 0.03 * size, 0.02 * size, kit.hair)
        if not seen_from_behind:
            self._disc(head + ahead * 0.5, 0.118 * size, kit.mask)
        # The bib hangs from the mask over the throat; a strap holds it behind.
        throat = head + ahead * 0.62 + np.array([0, 0.105 * size])
        self._line(head + np.array([0, 0.09 * size]), throat, 0.06 * size, 0.05 * size, kit.bib)
        self._stroke(
            head - ahead * 0.5 + np.array([0, -0.08 * size]), head - ahead * 0.9, 0.02 * size, _scaled(kit.bib, 1.0)
        )

    def _blade(self, wrist, direction):
        hand = wrist + direction * 0.08
        tip = hand + direction * 0.88
        (start, end, guard), _ = self.camera.project(np.stack([hand, tip, wrist + direction * 0.1]))
        colour = _scaled(self.kit.weapon, self.light)
        size = self.camera.focal / max(float(self.camera.project(hand)[1]), 0.1)
        thick = max(1, round(0.010 * size))
        cv2.line(self.picture, _bits(start), _bits(end), colour, thick, cv2.LINE_AA, SHIFT)
        self._disc(guard, 0.052 * size, self.kit.weapon, counts=False)

    # ---- shapes ----

    def _tube(self, start, end, scale, limb, colour, looser=1.0):
        first, second = (thick * looser * scale * self.girth for thick in _THICK[limb])
        self._line(start, end, first, second, colour, shaded=True)

    def _line(self, start, end, first, second, colour, shaded=False):
        outline = self._hull([(start, first), (end, second)])
        self._fill(outline, colour)
        if shaded:
            self._shade(outline, start, end, min(first, second), colour)

    def _disc(self, middle, radius, colour, counts=True):
        if counts:
            self._count(middle, radius)
        cv2.circle(self.picture, _bits(middle), _bit(radius), _scaled(colour, self.light), -1, cv2.LINE_AA, SHIFT)

    def _stroke(self, start, end, thick, colour):
        cv2.line(self.picture, _bits(start), _bits(end), colour, max(1, round(thick)), cv2.LINE_AA, SHIFT)

    def _hull(self, discs):
        """Around discs, as a polygon."""
        angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        circle = np.stack([np.cos(angles), np.sin(angles)], -1)
        for middle, radius in discs:
            self._count(middle, radius)
        around = np.concatenate([middle + circle * max(radius, 0.5) for middle, radius in discs])
        return cv2.convexHull(around.astype(np.float32))[:, 0]

    def _count(self, middle, radius):
        self.low = np.minimum(self.low, middle - radius)
        self.high = np.maximum(self.high, middle + radius)

    def _fill(self, outline, colour):
        cv2.fillConvexPoly(self.picture, _bits(outline), _scaled(colour, self.light), cv2.LINE_AA, SHIFT)

    def _shade(self, outline, start, end, radius, colour):
        """Light on one side, shade on the other, and folds."""
        way = end - start
        along = way / max(float(np.linalg.norm(way)), 1e-6)
        side = np.array([-along[1], along[0]])
        if side[1] > 0:
            side = -side
        thick = max(radius * 0.55, 1.0)
        if radius < 1.5:
            return
        light, dark = self.light * (1 + self.kit.sheen), self.light * (0.80 - self.kit.sheen * 0.3)
        inner = [start + way * 0.08, end - way * 0.08]
        self._stroke(inner[0] - side * radius * 0.55, inner[1] - side * radius * 0.5, thick, _scaled(colour, dark))
        self._stroke(
            inner[0] + side * radius * 0.45, inner[1] + side * radius * 0.4, thick * 0.8, _scaled(colour, light)
        )
        if self.rng.random() < 0.5 * self.kit.folds:
            at = start + way * self.rng.uniform(0.2, 0.8)
            fold = (side + along * self.rng.normal(0, 0.5)) * radius * 0.7
            self._stroke(at - fold, at + fold, max(radius * 0.12, 1), _scaled(colour, self.light * 0.78))


def _scaled(colour: Colour, light: float) -> Colour:
    return tuple(float(min(255.0, part * light)) for part in colour)


def _bit(length: float) -> int:
    return max(1, round(float(length) * (1 << SHIFT)))


def _bits(points: np.ndarray):
    bits = np.clip(np.round(np.asarray(points) * (1 << SHIFT)), -(1 << 22), 1 << 22).astype(np.int32)
    return tuple(int(part) for part in bits) if bits.ndim == 1 else bits
