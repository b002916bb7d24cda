"""How much scenes differ. Pistes, halls, bodies, lenses and camera heights that are held out for measuring lie beside, not
within, what is trained on.
"""

from dataclasses import dataclass, replace

import numpy as np

from .body import Colour, Kit
from .skeleton import Build

Range = tuple[float, float]


@dataclass(frozen=True)
class Variety:
    """Ranges from which scenes are drawn. Several ranges of one kind are alternatives."""

    pistes: tuple[Colour, ...]
    floors: tuple[Colour, ...]
    walls: tuple[Colour, ...]
    lames: tuple[Colour, ...]
    heights: tuple[Range, ...]
    """Of fencers, in metres."""
    girths: tuple[Range, ...]
    bends: tuple[Range, ...]
    """k1 of the lens."""
    angles: tuple[Range, ...]
    """Degrees that the camera looks from the side; 0 is square to the piste."""
    raised: tuple[Range, ...]
    """Metres of the camera above the ground."""

    def pick(self, rng: np.random.Generator, ranges: tuple[Range, ...]) -> float:
        return float(rng.uniform(*ranges[rng.integers(len(ranges))]))

    def colour(self, rng: np.random.Generator, colours: tuple[Colour, ...], spread: float = 14) -> Colour:
        base = np.array(colours[rng.integers(len(colours))], float)
        return tuple(np.clip(base + rng.normal(0, spread, 3), 0, 255))

    def build(self, rng: np.random.Generator, build: Build) -> Build:
        """The same body with a height and a girth from these ranges."""
        return replace(build, height=self.pick(rng, self.heights), girth=self.pick(rng, self.girths))


TRAINING = Variety(
    pistes=((150, 150, 148), (120, 70, 40), (70, 90, 60), (60, 60, 62), (185, 185, 190), (135, 110, 90)),
    floors=((90, 130, 170), (110, 110, 112), (70, 95, 130), (140, 120, 95), (60, 62, 66), (160, 170, 175)),
    walls=((170, 170, 165), (120, 95, 70), (60, 60, 70), (200, 205, 205), (90, 110, 130), (40, 40, 45)),
    lames=((165, 165, 160), (150, 148, 140), (185, 188, 190), (128, 128, 130), (220, 220, 222), (150, 110, 80)),
    heights=((1.5, 2.02),),
    girths=((0.85, 1.2),),
    bends=((-0.22, 0.04),),
    angles=((-22, 22),),
    raised=((0.9, 3.2),),
)
"""What the model is trained on."""

HELD_OUT = Variety(
    pistes=((60, 60, 150), (130, 120, 50), (110, 150, 185), (95, 60, 95)),
    floors=((120, 160, 190), (50, 80, 60), (150, 140, 150), (80, 70, 100)),
    walls=((140, 150, 190), (80, 120, 90), (110, 80, 100), (30, 60, 90)),
    lames=((175, 172, 160), (140, 138, 145), (205, 205, 200), (120, 100, 160)),
    heights=((1.38, 1.5), (2.02, 2.15)),
    girths=((0.78, 0.85), (1.2, 1.32)),
    bends=((-0.30, -0.22), (0.04, 0.10)),
    angles=((-28, -22), (22, 28), (-5, 5)),
    raised=((0.6, 0.9), (3.2, 4.0)),
)
"""What the model is measured on: other pistes, bodies, lenses and camera heights; angles that are larger, and square ones.
"""

_SKIN = ((160, 190, 235), (130, 165, 215), (95, 130, 185), (60, 90, 140), (45, 65, 100))
_HAIR = ((30, 35, 45), (50, 75, 110), (90, 140, 185), (20, 20, 22), (110, 115, 120))
_STREET = (
    *((40, 35, 30), (60, 45, 35), (90, 80, 75), (50, 50, 120), (120, 60, 40), (60, 90, 60), (30, 30, 32)),
    *((140, 140, 145), (70, 110, 150), (150, 110, 90), (200, 200, 205)),
)


def fencing_kit(rng: np.random.Generator, variety: Variety) -> Kit:
    """White, a lamé over the jacket, a mask, a glove and a sabre."""
    white = rng.uniform(205, 252)
    cloth = tuple(white + rng.normal(0, 4, 3))
    lame = variety.colour(rng, variety.lames, 10)
    if rng.random() < 0.12:
        lame = cloth
    coloured = tuple(rng.uniform(20, 220, 3))
    mesh = rng.uniform(25, 85)
    return Kit(
        jacket=lame,
        sleeves=lame if rng.random() < 0.8 else cloth,
        trousers=cloth,
        socks=cloth if rng.random() < 0.75 else coloured,
        shoes=tuple(rng.uniform(20, 250, 3)),
        skin=_SKIN[rng.integers(len(_SKIN))],
        hair=_HAIR[rng.integers(len(_HAIR))],
        glove=cloth if rng.random() < 0.7 else lame,
        mask=(mesh, mesh, mesh),
        bib=cloth if rng.random() < 0.5 else lame,
        name=tuple(rng.uniform(10, 90, 3)) if rng.random() < 0.7 else None,
        sheen=rng.uniform(0.05, 0.3),
        weapon=tuple(np.full(3, rng.uniform(110, 235))),
        long_hair=bool(rng.random() < 0.35),
        folds=rng.uniform(0.3, 1.5),
    )


def street_clothes(rng: np.random.Generator) -> Kit:
    """A referee's suit, a coach's track suit, or what spectators wear."""
    pick = lambda colours: tuple(np.clip(np.array(colours[rng.integers(len(colours))]) + rng.normal(0, 12, 3), 5, 250))
    top, trousers = pick(_STREET), pick(_STREET[:7])
    skin = pick(_SKIN)
    return Kit(
        jacket=top,
        sleeves=top if rng.random() < 0.8 else skin,
        trousers=trousers,
        socks=trousers,
        shoes=pick(_STREET),
        skin=skin,
        hair=pick(_HAIR),
        sheen=rng.uniform(0.0, 0.12),
    )
