"""What a wide lens has bent is straightened exactly as OpenCV does it."""

from __future__ import annotations

import subprocess

import cv2
import numpy as np
import pytest

from support.hub import BINARY

STRAIGHTEN = BINARY.parent / "examples" / "straighten"


def chart(width: int, height: int, kind: str) -> np.ndarray:
    if kind == "noise":
        return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    rows, columns = np.mgrid[0:height, 0:width]
    if kind == "squares":
        board = ((columns // 17 + rows // 13) % 2 * 255).astype(np.uint8)
        return np.dstack([board, 255 - board, board // 2])
    return np.dstack([columns * 255 // width, rows * 255 // height, (columns + rows) % 256]).astype(np.uint8)


def straightened(picture: np.ndarray, balance: float, bend: list[float], measured: list[float]):
    height, width, _ = picture.shape
    arguments = [str(number) for number in (width, height, balance, *bend, *measured)]
    done = subprocess.run([str(STRAIGHTEN), *arguments], input=picture.tobytes(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    x, y, columns, rows = map(int, done.stderr.split())
    return np.frombuffer(done.stdout, np.uint8).reshape(rows, columns, 3), (x, y)


def with_opencv(picture: np.ndarray, balance: float, bend: list[float], measured: list[float]) -> np.ndarray:
    height, width, _ = picture.shape
    longer = float(max(width, height))
    fx, fy, cx, cy = measured or [longer, longer, width / 2, height / 2]
    camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    coefficients = np.array(bend, dtype=float)
    fitted = cv2.fisheye.estimateNewCameraMatrixForUndistortRectify(
        camera, coefficients, (width, height), np.eye(3), balance=balance
    )
    return cv2.fisheye.undistortImage(picture, camera, coefficients, Knew=fitted)


@pytest.mark.parametrize("kind", ["noise", "squares", "gradient"])
@pytest.mark.parametrize(
    ("size", "balance", "bend", "measured"),
    [
        ((320, 180), 0.0, [-0.18, 0, 0, 0], []),
        ((321, 241), 0.5, [-0.18, 0, 0, 0], []),
        ((180, 320), 1.0, [-0.18, 0, 0, 0], []),
        ((320, 240), 0.3, [0.1, -0.05, 0.01, 0.002], [210.5, 205.0, 155.2, 124.9]),
        ((320, 240), 0.0, [0, 0, 0, 0], [300.0, 310.0, 160.0, 120.0]),
    ],
)
def test_the_picture_is_opencv_s_to_a_grey_level(kind, size, balance, bend, measured):
    picture = chart(*size, kind)
    ours, (x, y) = straightened(picture, balance, bend, measured)
    rows, columns, _ = ours.shape
    theirs = with_opencv(picture, balance, bend, measured)[y : y + rows, x : x + columns]
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert rows * columns > size[0] * size[1] * 0.6


def test_straight_lines_become_straight():
    """A grid bent by OpenCV's own model is straight again: a row of the grid lies in one row of pixels."""
    width, height = 480, 360
    camera = np.array([[480.0, 0, 240], [0, 480.0, 180], [0, 0, 1]])
    bend = np.array([-0.18, 0.0, 0.0, 0.0])
    picture = np.zeros((height, width, 3), np.uint8)
    across = np.linspace(-0.6, 0.6, 1200)
    for y in (-0.3, -0.15, 0.15, 0.3):
        line = cv2.fisheye.distortPoints(np.dstack([across, np.full_like(across, y)]), camera, bend)
        cv2.polylines(picture, [np.rint(line).astype(np.int32)], False, (255, 255, 255), 3)
    ours, _ = straightened(picture, 0.0, list(bend), [])
    bright = ours[:, :, 0] > 128
    for column in (20, ours.shape[1] // 2, ours.shape[1] - 20):
        here = np.flatnonzero(bright[:, column])
        middle = np.flatnonzero(bright[:, ours.shape[1] // 2])
        assert abs(here.min() - middle.min()) <= 2 and abs(here.max() - middle.max()) <= 2
