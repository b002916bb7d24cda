"""The right-of-way model in NumPy: computes its features, fits its weights and measures it.

    python tests/tools/right_of_way.py DIR [--choose]

DIR holds `labels.csv` (phrase,winner) and for each phrase a `.txt` log and a `.keypoints.json` file. Printed are the
weights for `crates/referee/src/decision/verdict.rs`, the share of decided phrases that the model gets right in 10-fold
cross-validation (the weights fitted without the phrases that are judged), leaving out one day at a time, and on the
very phrases that it was fitted to; with `--choose` also where each fold has to choose among the features by itself,
which takes minutes. It is written apart from the Rust code, so that each checks the other.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

NAMES = [
    "arrival_speed",
    "gained_speed",
    "halted",
    "retreated",
    "fastest_last",
    "arm_already_out",
    "first_after_contact",
]
RIDGE = 3.0
FOLDS, SEEDS, CHOICES = 10, 50, 5


@dataclass
class Phrase:
    """A phrase with two lights. Times in seconds; `left` and `right` are frames x 17 x 2."""

    times: np.ndarray
    left: np.ndarray
    right: np.ndarray
    hit: float
    first: int  # 1: the right fencer hit first, -1: the left one, 0: both at once
    contacts: list[float]


def read(folder: Path, name: str) -> Phrase:
    events = re.findall(r"^\s*([\d.]+)s \| (.*)$", (folder / f"{name}.txt").read_text(), re.MULTILINE)
    events = sorted(((float(time), text) for time, text in events), key=lambda event: event[0])
    hits = [(time, text) for time, text in events if text.startswith("HIT")]
    at_first = {text.split()[1] for time, text in hits if time == hits[0][0]}
    tracks = json.loads((folder / f"{name}.keypoints.json").read_text())
    left, right = np.array(tracks["left"]), np.array(tracks["right"])
    times, length = np.arange(len(left)) / tracks["fps"], len(left) / tracks["fps"]
    ended = next(time for time, text in events if "Phrase recording ended" in text)
    if abs(length - ended) <= 0.6:
        times = times * ended / length
    first = {frozenset({"Left"}): -1, frozenset({"Right"}): 1}.get(frozenset(at_first), 0)
    contacts = [time for time, text in events if "Blade-to-blade" in text]
    return Phrase(times, left[:, :, :2], right[:, :, :2], hits[0][0], first, contacts)


def fencer(phrase: Phrase, points: np.ndarray, side: int) -> np.ndarray:
    """The values of one fencer, who stands left (-1) or right (1)."""
    hit, x, y = phrase.hit, points[:, :, 0] * -side, points[:, :, 1]
    upper, trunk = x[:, :7].mean(1), x[:, [5, 6, 11, 12]].mean(1)
    rows, weapon = np.arange(len(x)), (x[:, 10] > x[:, 9]).astype(int)
    arm = np.hypot(x[rows, 9 + weapon] - x[rows, 5 + weapon], y[rows, 9 + weapon] - y[rows, 5 + weapon])

    def speed(start: float, end: float) -> float:
        a = max(hit - start, 0.0)
        b = max(hit - end, a + 0.0667)
        return (np.interp(b, phrase.times, upper) - np.interp(a, phrase.times, upper)) / (b - a)

    steps = hit - np.arange(int(hit * 30), -1, -1) / 30
    speeds = (np.interp(steps + 0.1, phrase.times, trunk) - np.interp(steps - 0.1, phrase.times, trunk)) / 0.2
    return np.array(
        [
            speed(0.2, 0.0),
            speed(0.15, 0.0) - speed(0.4, 0.2),
            (speeds[-25:] < 0.3).sum() / 30,
            (speeds[-61:] < -0.01).sum() / 30,
            steps[speeds >= speeds.max() - 0.02][-1],
            np.interp(hit - 0.3 + 0.2 * np.arange(7) / 6, phrase.times, arm).mean(),
            phrase.first == side and any(0 <= hit - contact < 0.6 for contact in phrase.contacts),
        ],
        dtype=float,
    )


def features(phrase: Phrase) -> np.ndarray:
    """Right minus left."""
    difference = fencer(phrase, phrase.right, 1) - fencer(phrase, phrase.left, -1)
    later = difference[4]
    difference[4] = np.sign(later) * np.clip(abs(later) - 0.5, 0.0, 1.5)
    bounds = np.array([8.0, 4.5, np.inf, np.inf, np.inf, 0.5, np.inf])
    return np.clip(difference, -bounds, bounds)


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Logistic regression without a constant; each weight shrunk in units of its feature's root mean square."""
    scale = np.sqrt((x**2).mean(0)) + 1e-12
    z, weights = x / scale, np.zeros(x.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(y * (z @ weights)))
        gradient = RIDGE * weights - z.T @ (y * p)
        curvature = (z * (p * (1 - p))[:, None]).T @ z + RIDGE * np.eye(len(weights))
        weights = weights - np.linalg.solve(curvature, gradient)
    return weights / scale


def judged_apart(x: np.ndarray, y: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The score of each phrase by weights that were fitted to the other groups."""
    scores = np.zeros(len(y))
    for one in np.unique(group):
        apart = group == one
        scores[apart] = x[apart] @ fit(x[~apart], y[~apart])
    return scores


def shuffled(count: int, folds: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.arange(count) % folds)


def loss(x: np.ndarray, y: np.ndarray, group: np.ndarray) -> float:
    """How badly phrases are judged by weights that were fitted to the other groups."""
    return float(np.log1p(np.exp(-y * judged_apart(x, y, group))).sum())


def chosen_apart(x: np.ndarray, y: np.ndarray, group: np.ndarray) -> np.ndarray:
    """As `judged_apart`, but which of the features are used is decided by the other groups, too."""
    subsets = [list(s) for size in range(1, x.shape[1] + 1) for s in combinations(range(x.shape[1]), size)]
    scores = np.zeros(len(y))
    for one in np.unique(group):
        apart = group == one
        inner = shuffled((~apart).sum(), 5, seed=int(one))
        best = min(subsets, key=lambda subset: loss(x[~apart][:, subset], y[~apart], inner))
        scores[apart] = x[apart][:, best] @ fit(x[~apart][:, best], y[~apart])
    return scores


def main(folder: Path, *, choose: bool = False) -> None:
    rows = [row for row in csv.DictReader((folder / "labels.csv").open()) if row["winner"] != "abstain"]
    phrases = [read(folder, row["phrase"]) for row in rows]
    x = np.array([features(phrase) for phrase in phrases])
    y = np.array([1.0 if row["winner"] == "right" else -1.0 for row in rows])
    days = np.array([row["phrase"][:8] for row in rows])
    weights = fit(x, y)
    print("weights:", ", ".join(f"{weight:.3f}" for weight in weights))

    def tell(what: str, right: np.ndarray) -> None:
        print(f"{what}: {right.sum() / max(right.size, 1):.3f} ({right.sum()} of {right.size})")

    tell("fitted to all", np.sign(x @ weights) == y)
    for name, values, weight in zip(NAMES, x.T, weights, strict=True):
        tell(f"  {name} alone, where it differs", (np.sign(values * weight) == y)[values != 0])

    scores = np.array([judged_apart(x, y, shuffled(len(y), FOLDS, seed)) for seed in range(SEEDS)])
    right = np.sign(scores) == y
    shares = right.mean(1)
    print(f"{FOLDS}-fold, {SEEDS} shuffles: {shares.mean():.3f} ± {shares.std():.3f}, {shares.min():.3f} at worst")
    short = np.array([phrase.hit < 1.6 for phrase in phrases])
    tell("  a hit within 1.6 s", right[:, short])
    tell("  later", right[:, ~short])
    confidence = 1 / (1 + np.exp(-np.abs(scores)))
    for least in (0.5, 0.6, 0.7, 0.8, 0.9):
        tell(f"  confidence from {least}", right[(confidence >= least) & (confidence < least + 0.1)])

    apart = np.sign(judged_apart(x, y, days)) == y
    tell("one day left out at a time", apart)
    for day in np.unique(days):
        tell(f"  {day}", apart[days == day])
    in_order = np.unique(days)
    early = np.isin(days, in_order[: -max(1, len(in_order) // 4)])
    tell(
        "fitted to the first three quarters of the days, judged on the others",
        (np.sign(x @ fit(x[early], y[early])) == y)[~early],
    )
    tell("fitted to the others, judged on the first", (np.sign(x @ fit(x[~early], y[~early])) == y)[early])
    if choose:
        chosen = [(np.sign(chosen_apart(x, y, shuffled(len(y), FOLDS, seed))) == y).mean() for seed in range(CHOICES)]
        print(
            f"features chosen anew in each fold, {CHOICES} shuffles: {np.mean(chosen):.3f}, {min(chosen):.3f} at worst"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), choose="--choose" in sys.argv)
