"""A fencer's body: from a stance to 17 COCO key points in space.

World: x along the piste, y up, z towards the camera; metres, right-handed. A fencer faces `facing` = +1 (towards +x, the
left fencer) or -1. All joints come from how the feet, the hips and the hands are placed, by two-bone inverse kinematics.
"""

from dataclasses import dataclass, field

import numpy as np

NAMES = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
"""COCO's key points in COCO's order."""

NOSE, EYES, EARS = 0, (1, 2), (3, 4)
SHOULDERS, ELBOWS, WRISTS = (5, 6), (7, 8), (9, 10)
HIPS, KNEES, ANKLES = (11, 12), (13, 14), (15, 16)
"""Pairs are (left, right)."""

ANKLE_HEIGHT = 0.09
"""How far the ankle is above the sole, in metres."""


@dataclass(frozen=True)
class Build:
    """A body. Lengths are shares of the height, near those of Drillis and Contini (1966), some varied a little."""

    height: float = 1.78
    """Metres."""
    girth: float = 1.0
    """Thickness of limbs and trunk, 1 for the usual."""
    right_handed: bool = True
    legs: float = 1.0
    arms: float = 1.0
    shoulders: float = 1.0

    @property
    def thigh(self) -> float:
        return 0.245 * self.height * self.legs

    @property
    def shin(self) -> float:
        return 0.246 * self.height * self.legs

    @property
    def trunk(self) -> float:
        return 0.288 * self.height

    @property
    def upper_arm(self) -> float:
        return 0.176 * self.height * self.arms

    @property
    def forearm(self) -> float:
        return 0.152 * self.height * self.arms

    @property
    def half_shoulders(self) -> float:
        return 0.110 * self.height * self.shoulders

    @property
    def half_hips(self) -> float:
        return 0.055 * self.height

    @staticmethod
    def random(rng: np.random.Generator, left_handed: float = 0.1) -> "Build":
        """A random fencer; `left_handed` is the probability."""
        near = lambda spread: float(np.clip(rng.normal(1.0, spread), 1 - 2.5 * spread, 1 + 2.5 * spread))
        return Build(
            height=float(np.clip(rng.normal(1.76, 0.10), 1.5, 2.02)),
            girth=near(0.12),
            right_handed=bool(rng.random() >= left_handed),
            legs=near(0.03),
            arms=near(0.03),
            shoulders=near(0.06),
        )


@dataclass
class Stance:
    """How a fencer stands at a moment. Distances forward are towards the opponent."""

    x: float
    """Forward place of the hips: metres from x = 0 times facing, as those of the feet."""
    front_foot: np.ndarray
    """Forward and upward place of the weapon side's foot: metres from x = 0 times facing, and above the ground."""
    back_foot: np.ndarray
    crouch: float = 0.12
    """How much lower the hips are than with stretched legs, as a share of the legs."""
    lean: float = 0.08
    """Of the trunk, in radians forward."""
    reach: float = 0.35
    """How far the weapon arm is stretched, 0 to 1."""
    hand: float = -0.15
    """How high the weapon hand is: radians above the horizontal at the shoulder."""
    back_hand: np.ndarray = field(default_factory=lambda: np.array([-0.25, -0.25]))
    """Forward and upward place of the unarmed hand from its shoulder, in arm's lengths."""
    look: float = 0.0
    """How far the face is turned from the opponent to the chest's side, in radians."""


CHEST = 0.75
"""How far hips and shoulders are turned from the opponent to the unarmed side, in radians, for the hips."""
SHOULDERS_TURN = 0.95


def joints(build: Build, facing: int, z: float, stance: Stance) -> np.ndarray:
    """The 17 key points in metres, shape (17, 3), of a fencer on the line at depth `z`."""
    body = _Body(build, facing)
    floor = np.array([0.0, 0.0, z])
    feet = [floor + body.place(*foot) + [0, ANKLE_HEIGHT, 0] for foot in (stance.front_foot, stance.back_foot)]
    middle = body.hips_middle(stance, feet, z)
    across_hips = body.across(CHEST) * build.half_hips
    hips = [middle + across_hips, middle - across_hips]

    spine = body.place(np.sin(stance.lean), np.cos(stance.lean))
    neck = middle + spine * build.trunk
    across = body.across(SHOULDERS_TURN) * build.half_shoulders
    shoulders = [neck + across, neck - across]

    # The front knee bends to the opponent, the other to where its foot points.
    poles = [body.place(1.0, 0.15), body.outward() * 0.8 + body.place(0.35, 0.2)]
    legs = (build.thigh, build.shin)
    knees = [two_bones(hip, foot, *legs, pole) for hip, foot, pole in zip(hips, feet, poles, strict=True)]

    arm = build.upper_arm + build.forearm
    aim = body.place(np.cos(stance.hand), np.sin(stance.hand))
    wrist = shoulders[0] + aim * arm * (0.45 + 0.54 * float(np.clip(stance.reach, 0, 1)))
    behind = shoulders[1] + (body.place(*stance.back_hand) - body.across(SHOULDERS_TURN) * 0.15) * arm
    bones = (build.upper_arm, build.forearm)
    elbows = [
        two_bones(shoulders[0], wrist, *bones, body.place(0.1, -1.0) - body.outward() * 0.35),
        two_bones(shoulders[1], behind, *bones, body.place(-0.8, -0.6)),
    ]
    points = np.zeros((17, 3))
    for pair, (armed, other) in (
        (SHOULDERS, shoulders),
        (ELBOWS, elbows),
        (WRISTS, (reached(shoulders[0], wrist, arm), reached(shoulders[1], behind, arm))),
        (HIPS, hips),
        (KNEES, knees),
        (ANKLES, feet),
    ):
        right, left = (armed, other) if build.right_handed else (other, armed)
        points[list(pair)] = left, right
    points[:5] = body.face(neck, spine, stance.look)
    return points


class _Body:
    """The directions of a fencer's body."""

    def __init__(self, build: Build, facing: int):
        self.build, self.facing = build, facing
        # Where the weapon's side is when one faces the opponent squarely: a right hand is at the camera's side of the
        # left fencer.
        self.weapon_side = facing * (1 if build.right_handed else -1)

    def place(self, forward: float, up: float) -> np.ndarray:
        return np.array([self.facing * forward, up, 0.0])

    def outward(self) -> np.ndarray:
        """To where the chest and the back foot point."""
        return np.array([0.0, 0.0, -self.weapon_side])

    def across(self, turn: float) -> np.ndarray:
        """From the unarmed side to the armed, of a body that is turned away from the opponent."""
        return np.array([self.facing * np.sin(turn), 0.0, self.weapon_side * np.cos(turn)])

    def hips_middle(self, stance: Stance, feet: list[np.ndarray], z: float) -> np.ndarray:
        """As high as the crouch says, and low enough for both feet to be reached."""
        leg = self.build.thigh + self.build.shin
        height = ANKLE_HEIGHT + leg * (1 - stance.crouch)
        x = self.facing * stance.x
        for foot in feet:
            aside = abs(x - foot[0])
            room = max((0.985 * leg) ** 2 - aside**2 - (self.build.half_hips * 1.2) ** 2, 0.04)
            height = min(height, foot[1] + np.sqrt(room))
        return np.array([x, height, z])

    def face(self, neck: np.ndarray, spine: np.ndarray, look: float) -> np.ndarray:
        height = self.build.height
        head = neck + spine * 0.05 * height + np.array([0, 0.055 * height, 0])
        ahead = np.array([self.facing * np.cos(look), 0.0, -self.weapon_side * np.sin(look)])
        # The subject's left: up times ahead.
        left = np.cross([0.0, 1.0, 0.0], ahead)
        up = np.array([0.0, 1.0, 0.0])
        nose = head + ahead * 0.062 * height
        eyes = [head + ahead * 0.048 * height + up * 0.018 * height + left * s * 0.018 * height for s in (1, -1)]
        ears = [head + left * s * 0.042 * height + up * 0.006 * height for s in (1, -1)]
        return np.array([nose, *eyes, *ears])


def reached(start: np.ndarray, goal: np.ndarray, length: float) -> np.ndarray:
    """The goal, or as far towards it as `length` reaches."""
    way = goal - start
    far = float(np.linalg.norm(way))
    return goal if far <= length * 0.99 else start + way * (length * 0.99 / far)


def two_bones(start: np.ndarray, goal: np.ndarray, first: float, second: float, pole: np.ndarray) -> np.ndarray:
    """The joint between two bones from `start` to `goal`, bent towards `pole`."""
    way = goal - start
    far = float(np.clip(np.linalg.norm(way), abs(first - second) + 1e-3, (first + second) * 0.999))
    along = way / max(float(np.linalg.norm(way)), 1e-6)
    aside = pole - along * float(pole @ along)
    aside /= max(float(np.linalg.norm(aside)), 1e-6)
    share = (first**2 - second**2 + far**2) / (2 * far)
    return start + along * share + aside * np.sqrt(max(first**2 - share**2, 0.0))
