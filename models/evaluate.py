"""The whole way, measured: synthetic bouts → video → upload → lens → pose → tracks → verdict.

`python models/evaluate.py --program target/release/framehub --bouts 60` starts a hub of its own, without any setting but a
free port and a folder, sends it bouts of double touches on held-out pistes with `framehub analyze`, and compares what comes
back with what was drawn.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bouts.film import HUB_BEND, Film, film
from bouts.phrases import KINDS
from bouts.variety import HELD_OUT
from training.oks import MIRRORED, body_area, likeness

START_SECS = 30
"""A hub has to listen within this time."""
ANALYSIS_SECS = 300
"""One bout has to be judged within this time."""


@dataclass
class Outcome:
    """What became of a bout."""

    kind: str
    right: bool
    seconds: float
    frames: int
    both_found: int
    """Frames with both fencers among the key points ..."""
    both_right: int
    """... and those of them in which both have an OKS above a half, whichever of their sides is called left."""
    errors: np.ndarray
    """Of each key point: its distance as a share of the square root of the fencer's area."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=Path("target/release/framehub"))
    parser.add_argument("--bouts", type=int, default=60)
    parser.add_argument("--seed", type=int, default=5000)
    parser.add_argument("--model", help="another pose model than the built-in one")
    parser.add_argument("--keep", type=Path, help="keep videos and results in this folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        with hub(given.program, folder, given.model) as address:
            outcomes = []
            for n in range(given.bouts):
                kind = KINDS[n % len(KINDS)]
                made = film(np.random.default_rng(given.seed + n), HELD_OUT, kind)
                outcomes.append(judged(given.program, address, made, folder / f"bout{n:03d}.avi"))
                verdict = "right" if outcomes[-1].right else "WRONG"
                print(f"bout {n}: {kind}, {made.phrase.winner} wins, verdict {verdict}", file=sys.stderr)
    print(json.dumps(report(outcomes), indent=2))


@contextmanager
def hub(program: Path, folder: Path, model: str | None) -> Iterator[str]:
    """A hub on a free port; its address."""
    settings = ["server.port=0", "server.host=127.0.0.1", f"referee.output_dir={folder / 'artifacts'}"]
    settings += [f"referee.yolo_model={model}"] if model else []
    command = [str(program.resolve()), "serve", *settings]
    log = folder / "hub.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _address(process: subprocess.Popen, log: Path) -> str:
    until = time.monotonic() + START_SECS
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:[1-9]\d*", log.read_text(errors="replace"))
        if found:
            return found[0]
        time.sleep(0.05)
    raise SystemExit(f"the hub did not start:\n{log.read_text(errors='replace')}")


def judged(program: Path, address: str, made: Film, path: Path) -> Outcome:
    """Sends a bout to the hub and compares."""
    made.save(path)
    command = [
        str(program.resolve()),
        "analyze",
        address,
        "--video",
        str(path),
        "--signal",
        str(path.with_suffix(".txt")),
    ]
    began = time.monotonic()
    done = subprocess.run([*command, "--save-overlay=false"], capture_output=True, text=True, timeout=ANALYSIS_SECS)
    seconds = time.monotonic() - began
    frames = made.phrase.frames
    if done.returncode != 0:
        # No verdict is a wrong one.
        print(done.stderr, file=sys.stderr)
        return Outcome(made.phrase.kind, False, seconds, frames, 0, 0, np.zeros(0))
    result = json.loads(done.stdout)
    artifacts = Path(result["artifact_dir"])
    tracks = json.loads((artifacts / "keypoints.json").read_text())
    pairs = list(zip(tracks["left"], tracks["right"], strict=True))
    found = [n for n, pair in enumerate(pairs) if all(pair)]
    truth, scale = straightened(made, _size(artifacts / "corrected.mp4"))
    both_right = sum(_both_right(np.array(pairs[n])[..., :2], truth[n], scale[n]) for n in found)
    errors = [
        np.linalg.norm(np.array(person)[:, :2] - truth[n, side], axis=-1) / scale[n, side]
        for n, pair in enumerate(pairs)
        for side, person in enumerate(pair)
        if person
    ]
    right = result["decision"]["winner"] == made.phrase.winner
    flat = np.concatenate(errors) if errors else np.zeros(0)
    return Outcome(made.phrase.kind, right, seconds, frames, len(found), both_right, flat)


def _both_right(places: np.ndarray, truth: np.ndarray, scale: np.ndarray) -> bool:
    """Of two fencers in a frame, shapes (2, 17, 2) and (2,)."""
    there = np.concatenate([truth, np.ones((2, 17, 1))], -1)
    either_way = [np.diag(likeness(sides, there, scale**2)) for sides in (places, places[:, MIRRORED])]
    return bool((np.max(either_way, 0) > 0.5).all())


def _size(video: Path) -> tuple[int, int]:
    capture = cv2.VideoCapture(str(video))
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))


def straightened(made: Film, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where the key points are after the hub has straightened the lens and cut to `size` around the middle, and the square
    root of each fencer's area; as OpenCV does it with `balance=0`.
    """
    height, width = made.pictures[0].shape[:2]
    focal = float(max(width, height))
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    bend = np.array([HUB_BEND, 0, 0, 0])
    new = cv2.fisheye.estimateNewCameraMatrixForUndistortRectify(camera, bend, (width, height), np.eye(3), balance=0)
    cut = np.array([width - size[0], height - size[1]]) / 2

    def flat(points: np.ndarray) -> np.ndarray:
        one_by_one = points.reshape(-1, 1, 2)
        return cv2.fisheye.undistortPoints(one_by_one, camera, bend, P=new).reshape(points.shape)

    corners = flat(made.boxes.reshape(*made.boxes.shape[:2], 2, 2))
    area = body_area(corners.reshape(-1, 4)).reshape(corners.shape[:2])
    return flat(made.points) - cut, np.sqrt(area)


def report(outcomes: list[Outcome]) -> dict:
    """Shares and medians over all bouts."""
    frames = sum(outcome.frames for outcome in outcomes)
    kinds, right = Counter(outcome.kind for outcome in outcomes), defaultdict(int)
    for outcome in outcomes:
        right[outcome.kind] += outcome.right
    errors = np.concatenate([outcome.errors for outcome in outcomes])
    return {
        "bouts": len(outcomes),
        "verdicts_right": round(sum(right.values()) / len(outcomes), 4),
        "verdicts_right_by_kind": {kind: f"{right[kind]} of {count}" for kind, count in sorted(kinds.items())},
        "both_found": round(sum(outcome.both_found for outcome in outcomes) / frames, 4),
        "both_right": round(sum(outcome.both_right for outcome in outcomes) / frames, 4),
        "key_point_error_median": round(float(np.median(errors)), 4) if len(errors) else None,
        "key_point_error_p95": round(float(np.percentile(errors, 95)), 4) if len(errors) else None,
        "frames_per_second": round(frames / sum(outcome.seconds for outcome in outcomes), 1),
    }


if __name__ == "__main__":
    main()
