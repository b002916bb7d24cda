"""How alike key points are: COCO's object key point similarity (OKS) and the average precision by it.

After cocodataset.org, key points evaluation.
"""

import numpy as np

SIGMAS = (0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107)
SIGMAS += (0.087, 0.087, 0.089, 0.089)
"""How far a key point may be off, as a share of the square root of the area, in COCO's order."""

MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""The key points with left and right changed."""

AREA_SHARE = 0.53
"""A person's area as a share of the box's, where no outline is known (Ultralytics)."""


def body_area(boxes: np.ndarray) -> np.ndarray:
    """Square pixels of the people in boxes (n, 4)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) * AREA_SHARE


def likeness(places: np.ndarray, truth: np.ndarray, area: np.ndarray) -> np.ndarray:
    """OKS, 0 to 1, of all who are found to all who are there, shape (found, there).

    `places` (found, 17, 2) and `truth` (there, 17, 3) are pixels; only what has a 1 as third counts.
    """
    squares = ((places[:, None] - truth[None, ..., :2]) ** 2).sum(-1)
    spread = (2 * np.array(SIGMAS)) ** 2
    alike = np.exp(-squares / (2 * spread * area[None, :, None]))
    seen = truth[None, ..., 2] > 0
    return (alike * seen).sum(-1) / np.maximum(seen.sum(-1), 1)


def average_precision(scores: list[np.ndarray], likenesses: list[np.ndarray], fencers: int, threshold: float) -> float:
    """The mean precision at 101 levels of recall.

    For each picture the scores (found) and `likenesses` (found, there); `fencers` is the number there in all. In order of
    score, each found one takes the most similar free one; the match counts from `threshold` on.
    """
    hits, sure = [], []
    for scored, oks in zip(scores, likenesses, strict=True):
        taken = np.zeros(oks.shape[1], bool)
        for n in np.argsort(-scored):
            free = np.where(taken, -1.0, oks[n])
            best = int(np.argmax(free)) if len(free) else -1
            hit = best >= 0 and free[best] >= threshold
            if hit:
                taken[best] = True
            hits.append(hit)
            sure.append(scored[n])
    order = np.argsort(-np.array(sure), kind="stable")
    right = np.cumsum(np.array(hits)[order])
    precision = right / np.arange(1, len(right) + 1)
    recall = right / max(fencers, 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, np.linspace(0, 1, 101))
    return float(np.mean([envelope[n] if n < len(envelope) else 0.0 for n in at]))
