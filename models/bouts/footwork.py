"""Footwork: from the speed that a fencer wants to where hips and feet are at each moment.

A fencer is led by a plan, the curves of [`Plan`]; the feet follow by steps, one foot at a time, as on a piste.
"""

from dataclasses import dataclass

import numpy as np

from .skeleton import Stance

STEPS_PER_SECOND = 120
"""How finely the feet are followed."""


@dataclass
class Plan:
    """What a fencer wants to do. Curves have one value for each moment of `times`."""

    times: np.ndarray
    """Seconds, evenly spaced."""
    speed: np.ndarray
    """Metres per second towards the opponent."""
    reach: np.ndarray
    """How far the weapon arm is stretched, 0 to 1."""
    lunge: np.ndarray
    """How far the front foot is thrown forward, 0 to 1."""
    parry: np.ndarray
    """How far the hand is drawn aside to meet a blade, 0 to 1."""


@dataclass(frozen=True)
class Habit:
    """A fencer's style."""

    stride: float
    """Metres between the feet en garde."""
    crouch: float
    lean: float
    hand: float
    back_hand: tuple[float, float]
    bounce: float
    """Metres that the hips go up and down."""
    look: float
    lunge_stride: float
    """Metres that a full lunge adds to the stride."""

    @staticmethod
    def random(rng: np.random.Generator) -> "Habit":
        hanging = (rng.uniform(-0.35, -0.1), rng.uniform(-0.8, -0.4))
        raised = (rng.uniform(-0.6, -0.3), rng.uniform(-0.3, 0.3))
        return Habit(
            stride=rng.uniform(0.38, 0.72),
            crouch=rng.uniform(0.04, 0.19),
            lean=rng.uniform(-0.02, 0.25),
            hand=rng.uniform(-0.75, -0.05),
            back_hand=hanging if rng.random() < 0.7 else raised,
            bounce=rng.uniform(0.0, 0.03),
            look=rng.normal(0.05, 0.15),
            lunge_stride=rng.uniform(0.5, 0.95),
        )


class _Foot:
    """A foot that stands or swings. Places are metres forward."""

    SWING_SECS = 0.19
    LIFT = 0.07

    def __init__(self, place: float):
        self.place, self.height = place, 0.0
        self.start = self.goal = place
        self.left_secs: float | None = None

    @property
    def swings(self) -> bool:
        return self.left_secs is not None

    def step_to(self, goal: float, now: float) -> None:
        self.start, self.goal, self.left_secs = self.place, goal, now

    def move(self, now: float) -> None:
        if self.left_secs is None:
            return
        part = (now - self.left_secs) / self.SWING_SECS
        if part >= 1:
            self.place, self.height, self.left_secs = self.goal, 0.0, None
            return
        eased = part * part * (3 - 2 * part)
        self.place = self.start + (self.goal - self.start) * eased
        self.height = self.LIFT * np.sin(np.pi * part) * min(1.0, abs(self.goal - self.start) / 0.2)


SLACK = 0.09
"""Metres that a foot may be from where it belongs before it steps."""


def walk(plan: Plan, start: float, habit: Habit) -> list[Stance]:
    """The stances at the plan's times. `start` and all places are metres forward: x of the left fencer, -x of the right
    one.
    """
    fine = np.arange(plan.times[0], plan.times[-1] + 1e-9, 1 / STEPS_PER_SECOND)
    curve = lambda values: np.interp(fine, plan.times, values)
    speed, lunge = curve(plan.speed), curve(plan.lunge)
    hips = start + np.concatenate([[0.0], np.cumsum(speed[:-1]) / STEPS_PER_SECOND])
    front, back = _Foot(start + habit.stride / 2), _Foot(start - habit.stride / 2)
    rows = np.zeros((len(fine), 4))
    for n, now in enumerate(fine):
        soon = hips[min(n + int(_Foot.SWING_SECS * STEPS_PER_SECOND), len(fine) - 1)]
        _step(front, back, soon, now, habit, lunge[n])
        front.move(now)
        back.move(now)
        thrown = lunge[n] * habit.lunge_stride * 0.5
        rows[n] = front.place + thrown, front.height, back.place, back.height
    at = lambda values, time: float(np.interp(time, fine, values))
    stances = []
    for n, time in enumerate(plan.times):
        place, lunging = at(hips, time), float(plan.lunge[n])
        bounce = habit.bounce * np.sin(time * 2 * np.pi * 2.2)
        stances.append(
            Stance(
                x=place,
                front_foot=np.array([at(rows[:, 0], time), at(rows[:, 1], time)]),
                back_foot=np.array([at(rows[:, 2], time), at(rows[:, 3], time)]),
                crouch=habit.crouch + 0.10 * lunging + bounce,
                lean=habit.lean + 0.22 * lunging + 0.03 * at(speed, time) / 2,
                reach=float(plan.reach[n]),
                hand=habit.hand * (1 - float(plan.reach[n])) + 0.02 + 0.5 * float(plan.parry[n]),
                back_hand=np.array(habit.back_hand) + lunging * np.array([-0.25, 0.1]),
                look=habit.look,
            )
        )
    return stances


def _step(front: _Foot, back: _Foot, soon: float, now: float, habit: Habit, lunge: float) -> None:
    """Lets the foot step that is farther from where it belongs; in a lunge the back foot stays."""
    if front.swings or back.swings:
        return
    goals = (soon + habit.stride / 2, soon - habit.stride / 2)
    errors = [goal - foot.place for goal, foot in zip(goals, (front, back), strict=True)]
    if lunge > 0.3:
        errors[1] = 0.0
    first = int(abs(errors[1]) > abs(errors[0]))
    if abs(errors[first]) > SLACK:
        (front, back)[first].step_to(goals[first], now)
