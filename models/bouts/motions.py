"""Where the fencers of a picture are taken from: recorded phrases where there are some, planned ones otherwise."""

from pathlib import Path

import numpy as np

from . import phrases, recorded
from .phrases import Fencer
from .skeleton import Build

RECORDED_SHARE = 0.5


class Motions:
    """A source of pairs of fencers, each in a row of moments."""

    def __init__(self, recordings: Path | None = None):
        self.recorded = recorded.pairs(recordings) if recordings else []

    def pair(self, rng: np.random.Generator, moments: int) -> tuple[Fencer, Fencer]:
        """Two fencers at `moments` moments of the same phrase."""
        if self.recorded and rng.random() < RECORDED_SHARE:
            return self._recorded(rng, moments)
        phrase = phrases.phrase(rng)
        chosen = np.sort(rng.integers(0, phrase.frames, moments))
        for fencer in (phrase.left, phrase.right):
            fencer.points = fencer.points[chosen]
        return phrase.left, phrase.right

    def _recorded(self, rng: np.random.Generator, moments: int) -> tuple[Fencer, Fencer]:
        both = self.recorded[rng.integers(len(self.recorded))]
        frames = min(len(piece.points) for piece in both)
        chosen = np.sort(rng.integers(0, frames, moments))
        apart = phrases.START_METRES / 2 * rng.uniform(0.9, 1.1)
        fencers = []
        for piece in both:
            build = Build.random(rng, left_handed=0.0)
            points = piece.points[chosen] * [1, build.height / 1.76, build.height / 1.76]
            points[..., 0] -= piece.facing * apart
            points[..., 2] += rng.normal(0, 0.06)
            fencers.append(Fencer(build, piece.facing, points))
        return tuple(fencers)
