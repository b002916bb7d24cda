"""How good a model is on held-out pictures: `python -m training.measure fencer-pose.onnx held.npz`.

OKS-AP as COCO defines it (cocodataset.org, key points evaluation; 101 recall points, area from the box), the share of
pictures in which both fencers are found, and the middle error of the key points.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from .examples import GREY
from .oks import average_precision, body_area, likeness

THRESHOLDS = np.arange(0.50, 0.96, 0.05)
SCORE = 0.25
"""What is surer than this counts as found, as in the hub."""
OVERLAP = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("held_out", type=Path)
    parser.add_argument("--most", type=int, help="only so many pictures")
    parser.add_argument("--longer", type=int, help="make pictures so wide first; the hub's default is 576")
    given = parser.parse_args()
    run = onnx_runner(given.model)
    if given.longer:
        run = scaled(run, given.longer)
    print(json.dumps(evaluate(run, given.held_out, given.most), indent=2))


def onnx_runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda picture: session.run(None, {name: picture})[0]


def scaled(run: Callable[[np.ndarray], np.ndarray], longer: int) -> Callable[[np.ndarray], np.ndarray]:
    """The same of pictures that are scaled to a width of `longer`, and put into the smallest input that 32 divides."""

    def on_scaled(picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[2:]
        scale = longer / width
        small = cv2.resize(picture[0].transpose(1, 2, 0), (longer, round(height * scale)))
        room = -small.shape[0] % 32
        above = room // 2
        small = np.pad(small, ((above, room - above), (0, 0), (0, 0)), constant_values=GREY / 255)
        output = run(np.ascontiguousarray(small.transpose(2, 0, 1))[None]).copy()
        output[:, [1, *range(6, 56, 3)]] -= above
        output[:, [*range(4), *range(5, 56, 3), *range(6, 56, 3)]] /= scale
        return output

    return on_scaled


def measured(network, held_out: Path, most: int | None = None) -> str:
    """The same of a network in training, in words."""
    import torch

    network = network.eval()

    def run(picture: np.ndarray) -> np.ndarray:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            return network(torch.from_numpy(picture).contiguous(memory_format=torch.channels_last)).float().numpy()

    found = evaluate(run, held_out, most)
    network.train()
    return ", ".join(f"{name} {value:.3f}" for name, value in found.items())


def evaluate(run: Callable[[np.ndarray], np.ndarray], held_out: Path, most: int | None = None) -> dict[str, float]:
    """`run` takes a picture (1, 3, height, width) and gives (1, 56, cells)."""
    file = np.load(held_out)
    pictures, boxes, points = file["pictures"], file["boxes"], file["points"]
    step = max(1, len(pictures) // most) if most else 1
    scores, likenesses, errors = [], [], []
    fencers = both = whole = 0
    for n in range(0, len(pictures), step):
        output = run(pictures[n].transpose(2, 0, 1)[None].astype(np.float32) / 255)[0]
        sure, places = people(output)
        there = boxes[n, :, 2] > boxes[n, :, 0]
        truth, area = points[n][there], body_area(boxes[n][there])
        oks = likeness(places, truth, area)
        scores.append(sure)
        likenesses.append(oks)
        fencers += len(truth)
        if len(truth) == 2:
            whole += 1
            both += bool(_found(sure, oks).all())
        errors += _errors(sure, places, oks, truth, area)
    precision = [average_precision(scores, likenesses, fencers, threshold) for threshold in THRESHOLDS]
    return {
        "oks_map50": precision[0],
        "oks_map50_95": float(np.mean(precision)),
        "both_found": both / max(whole, 1),
        "median_error": float(np.median(errors)) if errors else float("nan"),
    }


def people(output: np.ndarray, least: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """Scores and key points (people, 17, 2) of the people in an output of shape (56, cells), highest score first."""
    columns = output[:, output[4] > least]
    columns = columns[:, np.argsort(-columns[4])][:, :300]
    middles, sides = columns[:2].T, columns[2:4].T
    corners = np.concatenate([middles - sides / 2, sides], 1)
    kept = list(cv2.dnn.NMSBoxes(corners.tolist(), columns[4].tolist(), least, OVERLAP))
    chosen = columns[:, kept]
    return chosen[4], chosen[5:].reshape(17, 3, -1).transpose(2, 0, 1)[..., :2]


def _found(sure: np.ndarray, oks: np.ndarray) -> np.ndarray:
    """Who of those that are there is found: surely, and half right."""
    surely = oks[sure > SCORE]
    return (surely > 0.5).any(0) if len(surely) else np.zeros(oks.shape[1], bool)


def _errors(sure, places, oks, truth, area) -> list[float]:
    """Of the key points of those found, as shares of the square root of the area."""
    errors = []
    for n in range(len(truth)):
        candidates = np.flatnonzero(sure > SCORE)
        if len(candidates):
            best = candidates[np.argmax(oks[candidates, n])]
            seen = truth[n, :, 2] > 0
            distance = np.linalg.norm(places[best] - truth[n, :, :2], axis=-1)[seen]
            errors += list(distance / np.sqrt(area[n]))
    return errors


if __name__ == "__main__":
    main()
