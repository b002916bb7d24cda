"""Pictures that carry their number: as digits for people, and as a strip of black and white cells for tests.

The strip survives JPEG, scaling and screenshots, so a test can say which frame is on a screen.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

#: A white and a black guard cell, 13 bits of the number, a parity cell.
CELLS = 16
BITS = 13
MAX_NUMBER = (1 << BITS) - 1

_BACKGROUNDS = [(60, 90, 160), (160, 80, 60), (70, 140, 80), (140, 120, 50), (120, 70, 150)]


def numbered(number: int, width: int = 320, height: int = 240) -> np.ndarray:
    """An RGB picture (uint8, height×width×3) of `number`, 0 to `MAX_NUMBER`."""
    assert 0 <= number <= MAX_NUMBER
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:] = _BACKGROUNDS[number % len(_BACKGROUNDS)]
    scale = height / 120
    cv2.putText(
        picture,
        str(number),
        (width // 8, height * 3 // 4),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        (255, 255, 255),
        max(1, round(scale * 2)),
        cv2.LINE_AA,
    )
    for index, bit in enumerate(_cells(number)):
        left, right = index * width // CELLS, (index + 1) * width // CELLS
        picture[: height // 5, left:right] = 255 if bit else 0
    return picture


def _cells(number: int) -> list[int]:
    bits = [(number >> (BITS - 1 - i)) & 1 for i in range(BITS)]
    return [1, 0, *bits, sum(bits) % 2]


def read_number(picture: np.ndarray) -> int | None:
    """The number of the picture (grey or colour, any size), None if this is no numbered picture."""
    height, width = picture.shape[:2]
    if height < 10 or width < CELLS:
        return None
    grey = picture if picture.ndim == 2 else picture[:, :, :3].mean(axis=2)
    row = max(1, height // 10)
    values = [float(grey[row - 1 : row + 1, (2 * i + 1) * width // (2 * CELLS)].mean()) for i in range(CELLS)]
    if any(70 < value < 185 for value in values):
        return None
    bits = [int(value > 128) for value in values]
    number = int("".join(map(str, bits[2:-1])), 2)
    return number if bits == _cells(number) else None


def jpeg(number: int, width: int = 320, height: int = 240, quality: int = 85) -> bytes:
    return encode_jpeg(numbered(number, width, height), quality)


def encode_jpeg(picture: np.ndarray, quality: int = 85) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def png(number: int, width: int = 320, height: int = 240) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(numbered(number, width, height)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def decode(data: bytes) -> np.ndarray:
    """RGB picture of a JPEG or PNG."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def number_of(data: bytes) -> int | None:
    """The number in an encoded picture."""
    return read_number(decode(data))


def noise_jpeg(size_bytes: int, seed: int = 0) -> bytes:
    """A JPEG of at least `size_bytes`, and not much more: noise does not compress."""
    side = 64
    generator = np.random.default_rng(seed)
    while True:
        data = encode_jpeg(generator.integers(0, 256, (side, side, 3), np.uint8), 95)
        if len(data) >= size_bytes:
            return data
        side = int(side * max(1.05, (size_bytes / len(data)) ** 0.5))
