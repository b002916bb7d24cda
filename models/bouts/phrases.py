"""Phrases of sabre in which both hit, whose right of way is known because it was planned.

Four plans, after the conventions of sabre (docs/design/right-of-way.md has the articles): an attack that marches against a
retreat; an attack against a waiting opponent; an attack that halts and is overtaken; a riposte after a parry. Each comes with the
apparatus's log.
"""

from dataclasses import dataclass

import numpy as np

from .footwork import Habit, Plan, walk
from .skeleton import Build, joints

KINDS = ("march", "wait", "halt", "riposte")
SIDES = ("left", "right")

START_METRES = 4.0
"""Between the front feet en garde: the start lines are 4 m apart."""
AFTER_HIT_SECS = 0.5
"""How long the picture goes on after the hit."""
LOCKOUT_SECS = 0.17
"""The apparatus takes a second hit within this time."""


@dataclass
class Fencer:
    """A fencer during a phrase."""

    build: Build
    facing: int
    points: np.ndarray
    """Metres, shape (frames, 17, 3)."""


@dataclass
class Phrase:
    """Two fencers from "fence!" until after the hit."""

    kind: str
    winner: str
    """`left` or `right`."""
    fps: float
    left: Fencer
    right: Fencer
    hit_secs: float
    contact_secs: float | None
    first: str
    """Whose hit arrives first."""
    second_secs: float
    """When the other's hit arrives."""

    @property
    def frames(self) -> int:
        return len(self.left.points)

    @property
    def seconds(self) -> float:
        return self.frames / self.fps

    def signal(self) -> str:
        """The apparatus's log. Fencer 1 stands right."""
        first, other = self.first.title(), _other(self.first).title()
        lines = ["Recording started at 2026-01-01 12:00:00", _line(0.001, "Phrase recording started")]
        if self.contact_secs is not None:
            lines.append(_line(self.contact_secs, "Off-Target: Blade-to-blade contact."))
        lines += [
            _line(self.hit_secs, f"HIT: {first} scores on {other}!"),
            f"Lockout active ({LOCKOUT_SECS:.3f}s window)",
            _line(self.second_secs, "HIT: Simultaneous valid hits!"),
            _line(self.seconds, "Phrase recording ended"),
            "Scores -> Fencer 1: HIT, Fencer 2: HIT",
            "Phrase ended",
        ]
        return "\n".join(lines) + "\n"


def _line(time_secs: float, text: str) -> str:
    return f" {time_secs:.3f}s | {text}"


@dataclass
class _Course:
    """A plan in the making: corners of the curves, as (seconds, value)."""

    speed: list[tuple[float, float]]
    reach: list[tuple[float, float]]
    lunge: list[tuple[float, float]]
    parry: list[tuple[float, float]]

    def plan(self, times: np.ndarray) -> Plan:
        return Plan(times, *(_smooth(times, corners) for corners in (self.speed, self.reach, self.lunge, self.parry)))


@dataclass
class _Plot:
    """A kind of phrase in the making: what both are up to."""

    winner: _Course
    loser: _Course
    marches: _Course
    """The one of the two who comes forward as far as it takes to meet."""
    contact_secs: float | None = None
    """When the blades meet; the winner hits first after that."""
    farther: float = 0.0
    """Metres that the two are farther apart at the hit than otherwise."""


def _smooth(times: np.ndarray, corners: list[tuple[float, float]]) -> np.ndarray:
    """A curve through corners, rounded over about a tenth of a second."""
    if not corners:
        return np.zeros_like(times)
    knots, values = zip(*corners, strict=True)
    fine = lambda shift: np.interp(times + shift, knots, values)
    shifts = np.linspace(-0.06, 0.06, 7)
    return np.mean([fine(shift) for shift in shifts], axis=0)


def phrase(rng: np.random.Generator, fps: float = 30.0, kind: str | None = None) -> Phrase:
    """A phrase with its verdict."""
    kind = kind or str(rng.choice(KINDS))
    while True:
        made = _attempt(rng, fps, kind)
        if made is not None:
            return made


def _attempt(rng: np.random.Generator, fps: float, kind: str) -> Phrase | None:
    """A phrase, or nothing where the two would not meet at the hit."""
    hit = rng.uniform(2.0, 3.6) if kind != "halt" else rng.uniform(2.8, 4.0)
    plot = {"march": _march, "wait": _wait, "halt": _halt, "riposte": _riposte}[kind](rng, hit)
    winner = str(rng.choice(SIDES))
    habits = [Habit.random(rng), Habit.random(rng)]
    distance = rng.uniform(1.75, 2.35) + plot.farther
    if not _meet(plot, hit, START_METRES + sum(habit.stride / 2 for habit in habits) - distance):
        return None
    first_is_winner = plot.contact_secs is not None or rng.random() < 0.5
    times = np.arange(0, round((hit + AFTER_HIT_SECS) * fps)) / fps
    sides = {}
    for side, facing in zip(SIDES, (1, -1), strict=True):
        course, habit = (plot.winner, habits[0]) if side == winner else (plot.loser, habits[1])
        sides[side] = _fencer(rng, course.plan(times), habit, facing)
    return Phrase(
        kind=kind,
        winner=winner,
        fps=fps,
        hit_secs=hit,
        contact_secs=plot.contact_secs,
        first=winner if first_is_winner else _other(winner),
        second_secs=hit + rng.uniform(0.02, 0.75 * LOCKOUT_SECS),
        **sides,
    )


def _fencer(rng: np.random.Generator, plan: Plan, habit: Habit, facing: int) -> Fencer:
    build = Build.random(rng)
    stances = walk(plan, -(START_METRES + habit.stride) / 2, habit)
    z = rng.normal(0, 0.05)
    return Fencer(build, facing, np.stack([joints(build, facing, z, stance) for stance in stances]))


def _other(side: str) -> str:
    return SIDES[1 - SIDES.index(side)]


def _meet(plot: _Plot, hit: float, way: float) -> bool:
    """Lets the one who marches go so fast that both together have gone `way` metres at the hit; whether that is possible."""
    times = np.arange(0, hit, 0.01)
    gone = sum(_way(times, course) for course in (plot.winner, plot.loser))
    factor = 1 + (way - gone) / max(_way(times, plot.marches, only_forward=True), 0.1)
    plot.marches.speed = [(time, speed * factor if speed > 0 else speed) for time, speed in plot.marches.speed]
    return 0.6 <= factor <= 1.7


def _way(times: np.ndarray, course: _Course, only_forward: bool = False) -> float:
    """Metres towards the opponent."""
    speeds = _smooth(times, course.speed)
    return float(np.sum(np.maximum(speeds, 0) if only_forward else speeds) * (times[1] - times[0]))


def _stop(hit: float, speed: float) -> list[tuple[float, float]]:
    """After the hit one comes to rest."""
    return [(hit + 0.05, speed), (hit + 0.3, 0.1), (hit + 1.0, 0.0)]


def _lunging(rng: np.random.Generator, hit: float, speed: list[tuple[float, float]]) -> _Course:
    """A march that ends in a lunge, or a running attack, with the arm stretched into the hit."""
    top = rng.uniform(2.3, 3.4)
    lunge = rng.uniform(0.5, 1.0)
    # The arm comes with the final action: it is stretched late, into the hit.
    stretched = hit - rng.uniform(0.10, 0.16)
    speed = [*speed, (hit - 0.38, speed[-1][1]), (hit - 0.12, top), *_stop(hit, top * 0.6)]
    resting = rng.uniform(0.05, 0.35)
    return _Course(
        speed=speed,
        reach=[(0, resting), (stretched - 0.08, resting), (hit + 0.02, 1.0), (hit + 0.3, 0.95), (hit + 0.6, 0.4)],
        lunge=[(hit - 0.36, 0), (hit + 0.02, lunge), (hit + 0.35, lunge), (hit + 0.9, 0.3)],
        parry=[],
    )


def _march(rng: np.random.Generator, hit: float) -> _Plot:
    """An attack that marches; the other retreats, and stretches the arm into it at the end."""
    pace = rng.uniform(0.7, 1.3)
    attack = _lunging(rng, hit, [(0, 0), (0.15, 0), (rng.uniform(0.4, 0.7), pace), (hit - 0.5, pace * 1.2)])
    turn = rng.uniform(0.4, 0.75)
    back = rng.uniform(0.6, 1.2)
    wait = hit - rng.uniform(0.22, 0.34)
    defence = _Course(
        speed=[(0, 0), (0.15, 0), (0.35, 0.7), (turn, 0.5), (turn + 0.25, -back), (wait - 0.12, -back)]
        + [(wait + 0.1, -0.2), (hit, 0.1), (hit + 0.4, 0.0)],
        reach=[(0, 0.2), (hit - 0.44, 0.2), (hit - 0.2, rng.uniform(0.75, 1.0)), (hit + 0.1, 1.0), (hit + 0.5, 0.4)],
        lunge=[],
        parry=[],
    )
    return _Plot(attack, defence, marches=attack)


def _wait(rng: np.random.Generator, hit: float) -> _Plot:
    """Both come; one stops and waits with the arm out, the other goes through."""
    pace = rng.uniform(0.5, 1.0)
    attack = _lunging(rng, hit, [(0, 0), (0.15, 0), (rng.uniform(0.4, 0.7), pace), (hit - 0.5, pace * 1.2)])
    stop = hit - rng.uniform(0.7, 1.1)
    defence = _Course(
        speed=[(0, 0), (0.15, 0), (0.4, rng.uniform(0.4, 0.8)), (stop - 0.1, 0.4), (stop + 0.1, 0.0)]
        + [(hit, rng.uniform(-0.2, 0.15)), (hit + 0.4, -0.1)],
        reach=[(0, 0.2), (hit - 0.48, 0.2), (hit - 0.22, rng.uniform(0.8, 1.0)), (hit + 0.1, 1.0), (hit + 0.5, 0.5)],
        lunge=[],
        parry=[],
    )
    return _Plot(attack, defence, marches=attack)


def _halt(rng: np.random.Generator, hit: float) -> _Plot:
    """An attack halts halfway; the other, who retreated, takes over and goes through."""
    change = hit - rng.uniform(0.95, 1.25)
    pace = rng.uniform(0.8, 1.2)
    first = _Course(
        speed=[(0, 0), (0.15, 0), (0.5, pace), (change - 0.15, pace), (change + 0.15, 0.0)]
        + [(hit - 0.25, rng.uniform(-0.5, 0.0)), (hit, 0.15), (hit + 0.4, 0.0)],
        reach=[(0, 0.2), (hit - 0.42, 0.25), (hit - 0.18, rng.uniform(0.75, 1.0)), (hit + 0.1, 1), (hit + 0.5, 0.4)],
        lunge=[],
        parry=[],
    )
    back = rng.uniform(0.3, 0.8)
    over = _lunging(
        rng,
        hit,
        [(0, 0), (0.2, 0.3), (0.5, -back), (change - 0.1, -back), (change + 0.2, 0.9), (hit - 0.5, 1.2)],
    )
    return _Plot(over, first, marches=over)


def _riposte(rng: np.random.Generator, hit: float) -> _Plot:
    """An attack is parried; the riposte comes at once, the attacker's remise too late."""
    contact = hit - rng.uniform(0.26, 0.42)
    pace = rng.uniform(0.7, 1.3)
    top = rng.uniform(1.8, 2.6)
    attack = _Course(
        speed=[(0, 0), (0.15, 0), (0.5, pace), (contact - 0.4, pace), (contact - 0.1, top), (contact + 0.1, 0.3)]
        + [(hit, 0.0), (hit + 0.4, -0.2)],
        reach=[
            (0, 0.2),
            (contact - 0.25, 0.25),
            (contact, 0.95),
            (hit - 0.15, 0.8),
            (hit + 0.1, 1.0),
            (hit + 0.5, 0.5),
        ],
        lunge=[(contact - 0.3, 0), (contact + 0.05, rng.uniform(0.5, 0.9)), (hit + 0.2, 0.6), (hit + 0.8, 0.2)],
        parry=[],
    )
    riposte = _Course(
        speed=[(0, 0), (0.15, 0), (0.4, 0.5), (0.7, -rng.uniform(0.3, 0.7)), (contact - 0.1, -0.4), (contact, 0.0)]
        + [(hit - 0.1, rng.uniform(0.7, 1.4)), (hit + 0.1, 0.4), (hit + 0.4, 0.0)],
        reach=[
            (0, 0.2),
            (contact - 0.2, 0.1),
            (contact + 0.05, 0.1),
            (hit - 0.02, 1.0),
            (hit + 0.3, 1),
            (hit + 0.6, 0.4),
        ],
        lunge=[(contact + 0.05, 0), (hit, rng.uniform(0.0, 0.5)), (hit + 0.3, 0.3), (hit + 0.8, 0.0)],
        parry=[(contact - 0.18, 0), (contact - 0.03, 1), (contact + 0.1, 0.6), (hit - 0.05, 0)],
    )
    return _Plot(riposte, attack, marches=attack, contact_secs=contact, farther=0.25)
