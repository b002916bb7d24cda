"""Draws the sample of the README: `python models/sample.py samples` writes bout.mp4, bout.txt and bout.json."""

import argparse
import json
from pathlib import Path

import numpy as np

from bouts.film import film
from bouts.variety import TRAINING


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=391)
    parser.add_argument("--kind", default="wait", help="march, wait, halt or riposte")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    made = film(np.random.default_rng(given.seed), TRAINING, given.kind)
    made.save(given.folder / "bout.mp4")
    about = {
        "winner": made.phrase.winner,
        "kind": made.phrase.kind,
        "frames": made.phrase.frames,
        "fps": made.phrase.fps,
    }
    about["made_by"] = f"python models/sample.py samples --seed {given.seed} --kind {given.kind}"
    (given.folder / "bout.json").write_text(json.dumps(about, indent=2) + "\n")
    print(f"{given.folder / 'bout.mp4'}: {made.phrase.frames} frames, {made.phrase.winner} wins by {made.phrase.kind}")


if __name__ == "__main__":
    main()
