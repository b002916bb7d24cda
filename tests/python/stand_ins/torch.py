"""PyTorch, as far as an Isaac Lab loop needs it."""

from contextlib import AbstractContextManager, nullcontext

import numpy as np


def rand(shape: tuple[int, ...] | None, device: str) -> np.ndarray:
    return np.random.default_rng(0).random(shape)


def inference_mode() -> AbstractContextManager[None]:
    return nullcontext()
