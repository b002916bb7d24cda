"""Draws the pictures that are trained on, or those held out: `python -m training.pictures --out train1.npz --seed 1`.

A file has `pictures` (n, 384, 640, 3; red, green, blue, 8 bits), `boxes` (n, 2, 4; all 0 where no fencer is) and `points`
(n, 2, 17, 3), as in `bouts.scene.Labelled`.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from bouts.motions import Motions
from bouts.scene import Scene, Take
from bouts.variety import HELD_OUT, TRAINING

SIZE = (640, 384)
LEAST_POINTS = 6
"""A fencer with fewer key points within the picture is not labelled."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=600)
    parser.add_argument("--moments", type=int, default=3, help="pictures of each scene")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out", action="store_true", help="other pistes, bodies, distortions and angles")
    parser.add_argument(
        "--recordings", type=Path, help="a folder of *.keypoints.json with the movement of real fencers"
    )
    given = parser.parse_args()

    rng = np.random.default_rng(given.seed)
    motions = Motions(given.recordings)
    variety = HELD_OUT if given.held_out else TRAINING
    count = given.scenes * given.moments
    pictures = np.zeros((count, SIZE[1], SIZE[0], 3), np.uint8)
    boxes, points = np.zeros((count, 2, 4), np.float32), np.zeros((count, 2, 17, 3), np.float32)
    began = time.monotonic()
    for at in range(given.scenes):
        scene = Scene(rng, variety, motions.pair(rng, given.moments), Take.random(rng, variety, SIZE))
        for moment in range(given.moments):
            n = at * given.moments + moment
            shot = scene.frame(moment)
            pictures[n] = shot.picture[..., ::-1]
            boxes[n], points[n] = without_the_unseen(shot.boxes, shot.points)
    np.savez(given.out, pictures=pictures, boxes=boxes, points=points)
    print(f"{given.out}: {count} pictures of {given.scenes} scenes in {time.monotonic() - began:.0f} s")


def without_the_unseen(boxes: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and points with all 0 for whom too little is seen of."""
    seen = points[..., 2].sum(-1) >= LEAST_POINTS
    return boxes * seen[:, None], points * seen[:, None, None]


if __name__ == "__main__":
    main()
