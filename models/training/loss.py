"""What the network is to learn: which cells answer for a fencer, and how wrong their answers are."""

import torch
from torch import Tensor
from torch.nn import functional

from .network import STRIDE, cells
from .oks import AREA_SHARE, SIGMAS

TRUNK = (5, 6, 11, 12)
NEAR = 1.6
"""Cells answer whose middle is within so many strides of the middle of the trunk."""


class Loss:
    """For pictures of one size."""

    def __init__(self, height: int, width: int):
        self.cells = cells(height, width)
        self.spread = (2 * torch.tensor(SIGMAS)) ** 2

    def __call__(self, raw: Tensor, boxes: Tensor, points: Tensor) -> tuple[Tensor, dict[str, float]]:
        """`raw` is the network's (batch, 56, cells); boxes (batch, 2, 4), points (batch, 2, 17, 3)."""
        raw = raw.float().transpose(1, 2)
        chosen, whose = self._assign(boxes, points)
        batch, cell = chosen.nonzero(as_tuple=True)
        answer = raw[batch, cell]
        fencer = whose[batch, cell]
        box, target = boxes[batch, fencer], points[batch, fencer]
        place = answer[:, 5:].view(-1, 17, 3)
        area = ((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) * AREA_SHARE).clamp(min=64)
        seen = target[..., 2]
        squares = ((place[..., :2] - target[..., :2]) ** 2).sum(-1) / area[:, None]
        likeness = torch.exp(-squares / (2 * self.spread))
        # Likeness has no slope where a point is far off, the distance has.
        far = torch.sqrt(squares + 1e-4)
        each = (1 - likeness) + 2.0 * far
        weight = seen.sum(1).clamp(min=1)
        oks = (likeness * seen).sum(1) / weight
        pose = ((each * seen).sum(1) / weight).mean()
        overlap, box_loss = _boxes(answer[:, :4], box)
        sure = functional.binary_cross_entropy_with_logits(place[..., 2], seen)
        quality = torch.zeros(raw.shape[:2])
        quality[batch, cell] = (oks.detach() * overlap.detach()).clamp(0, 1).sqrt()
        score = _score(raw[..., 4], quality) / max(len(batch), 1)
        total = 2.0 * pose + 1.5 * box_loss + 1.0 * score + 0.2 * sure
        shown = {"pose": pose, "box": box_loss, "score": score, "oks": oks.mean()}
        return total, {name: float(value.detach()) for name, value in shown.items()}

    def _assign(self, boxes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Which cells answer, and for which of the picture's fencers; shapes (batch, cells)."""
        trunk = points[:, :, TRUNK, :2].mean(2)
        there = boxes[..., 2] > boxes[..., 0]
        away = (self.cells - trunk[:, :, None]).abs().amax(-1) / STRIDE
        near = (away < NEAR) & there[..., None]
        distance = torch.where(near, away, torch.inf)
        least, whose = distance.min(1)
        return torch.isfinite(least), whose


def _boxes(answer: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
    """The shared area of boxes as a share of their union, and the loss of GIoU (Rezatofighi et al. 2019)."""
    half = answer[:, 2:4] / 2
    low, high = answer[:, :2] - half, answer[:, :2] + half
    shared = (torch.minimum(high, box[:, 2:]) - torch.maximum(low, box[:, :2])).clamp(min=0).prod(1)
    union = (high - low).prod(1) + (box[:, 2:] - box[:, :2]).prod(1) - shared
    around = (torch.maximum(high, box[:, 2:]) - torch.minimum(low, box[:, :2])).prod(1)
    overlap = shared / union.clamp(min=1)
    return overlap, (1 - overlap + (around - union) / around.clamp(min=1)).mean()


def _score(answer: Tensor, quality: Tensor) -> Tensor:
    """Varifocal loss (Zhang et al. 2021): what is wrongly sure counts, what is rightly unsure hardly."""
    sure = answer.sigmoid()
    weight = torch.where(quality > 0, quality, 0.75 * sure.detach() ** 2)
    return (functional.binary_cross_entropy_with_logits(answer, quality, reduction="none") * weight).sum()
