"""A pose model's output becomes people exactly as a reference in Python has it, run by onnxruntime on the same tensor."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from support import pose_model
from support.hub import BINARY
from support.pose_model import BLUE, GREEN, RED

POSE = BINARY.parent / "examples" / "pose"


def look(picture: np.ndarray, tensor: Path, *models: Path) -> list[dict]:
    height, width, _ = picture.shape
    command = [str(POSE), str(width), str(height), str(tensor), *map(str, models)]
    done = subprocess.run(command, input=picture.tobytes(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def letterboxed(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """What Ultralytics gives a model, made with OpenCV."""
    gain = min(height / picture.shape[0], width / picture.shape[1])
    inner = round(picture.shape[1] * gain), round(picture.shape[0] * gain)
    scaled = cv2.resize(picture, inner, interpolation=cv2.INTER_LINEAR)
    aside, above = (width - inner[0]) / 2, (height - inner[1]) / 2
    top, bottom, left, right = round(above - 0.1), round(above + 0.1), round(aside - 0.1), round(aside + 0.1)
    boxed = cv2.copyMakeBorder(scaled, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))
    return boxed.transpose(2, 0, 1)[None].astype(np.float32) / 255


def people(model: Path, tensor: np.ndarray, picture: np.ndarray) -> list[dict]:
    """Inference, thresholds, suppression and the way back, as Ultralytics' predictor does them."""
    output = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"images": tensor})[0][0]
    candidates = output.T[output[4] > 0.25]
    candidates = candidates[np.argsort(-candidates[:, 4], kind="stable")]
    boxes = np.hstack([candidates[:, :2] - candidates[:, 2:4] / 2, candidates[:, :2] + candidates[:, 2:4] / 2])
    kept: list[int] = []
    for at, box in enumerate(boxes):
        if len(kept) < 300 and all(overlap(box, boxes[other]) <= 0.7 for other in kept):
            kept.append(at)
    rows, columns = picture.shape[:2]
    gain = min(tensor.shape[2] / rows, tensor.shape[3] / columns)
    left = round((tensor.shape[3] - round(columns * gain)) / 2 - 0.1)
    top = round((tensor.shape[2] - round(rows * gain)) / 2 - 0.1)

    def back(points: np.ndarray) -> np.ndarray:
        return np.clip((points - [left, top]) / gain, 0, [columns, rows])

    found = []
    for at in kept:
        points = candidates[at, 5:].reshape(17, 3)
        found.append(
            {
                "box": back(boxes[at].reshape(2, 2)).ravel(),
                "score": candidates[at, 4],
                "key_points": np.hstack([back(points[:, :2]), points[:, 2:]]),
            }
        )
    return found


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    width, height = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)


def assert_same(ours: list[dict], theirs: list[dict]) -> None:
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        for key in ("box", "score", "key_points"):
            np.testing.assert_allclose(a[key], b[key], atol=2e-2 if key != "score" else 1e-4)


BOUT = [(RED, 90, 200, 60, 120), (BLUE, 330, 205, 64, 118), (GREEN, 200, 160, 30, 90)]


@pytest.mark.parametrize(
    ("size", "sides"), [((426, 240), (192, 320)), ((240, 426), (None, None)), ((300, 301), (None, None))]
)
def test_people_are_found_as_the_reference_finds_them(tmp_path, size, sides):
    picture = pose_model.scene(*size, BOUT)
    model = pose_model.rectangles(tmp_path / "people.onnx", *sides)
    [answer] = look(picture, tmp_path / "tensor", model)
    tensor = np.fromfile(tmp_path / "tensor", np.float32).reshape(1, 3, answer["height"], answer["width"])
    expected = letterboxed(picture, answer["width"], answer["height"])
    assert np.abs(tensor - expected).max() <= 1.01 / 255
    assert_same(answer["persons"], people(model, tensor, picture))
    assert len(answer["persons"]) >= 2


def test_a_crowd_with_overlaps_is_suppressed_as_the_reference_does(tmp_path):
    random = np.random.default_rng(5)
    output = random.uniform(0, 64, (1, 56, 400))
    output[0, :2] = random.normal(random.choice([12, 40, 55], 400), 3, (2, 400))
    output[0, 2:4] = random.uniform(8, 14, (2, 400))
    output[0, 4] = random.uniform(0, 1, 400)
    output[0, 7::3] = random.uniform(0, 1, (17, 400))
    model = pose_model.constant(tmp_path / "crowd.onnx", output)
    picture = pose_model.scene(200, 120, [])
    [answer] = look(picture, tmp_path / "tensor", model)
    tensor = np.fromfile(tmp_path / "tensor", np.float32).reshape(1, 3, 64, 64)
    reference = people(model, tensor, picture)
    assert_same(answer["persons"], reference)
    assert 10 < len(reference) < 300


def test_files_that_are_no_pose_models_are_told_apart(tmp_path):
    whole = pose_model.rectangles(tmp_path / "people.onnx")
    wrong = pose_model.constant(tmp_path / "boxes.onnx", np.zeros((1, 84, 100)))
    flat = pose_model.constant(tmp_path / "flat.onnx", np.zeros((1, 56)))
    missing = tmp_path / "missing.onnx"
    text = tmp_path / "text.onnx"
    text.write_text("<html>not found</html>")
    answers = look(pose_model.scene(64, 64, []), tmp_path / "tensor", whole, wrong, flat, missing, text)
    codes = [answer.get("code") for answer in answers]
    assert codes == [None, "UNFIT_MODEL", "UNFIT_MODEL", "MODEL_UNREADABLE", "BAD_MODEL"]
    assert "1x84x100, not 1x56xN" in answers[1]["error"]
    assert str(missing) in answers[3]["error"]


def test_a_damaged_model_is_an_error_or_a_model_and_never_a_crash(tmp_path):
    whole = pose_model.rectangles(tmp_path / "people.onnx").read_bytes()
    random = np.random.default_rng(11)
    damaged = []
    for number in range(60):
        content = bytearray(whole)
        if number % 3 == 0:
            content = content[: random.integers(len(content))]
        else:
            for _ in range(number % 3):
                content[random.integers(len(content))] = random.integers(256)
        damaged.append(tmp_path / f"{number}.onnx")
        damaged[-1].write_bytes(content)
    answers = look(pose_model.scene(64, 64, []), tmp_path / "tensor", *damaged)
    assert len(answers) == 60
    assert {answer.get("code") for answer in answers} >= {"BAD_MODEL"}
