"""The network: a small convolutional pose detector whose output has the layout of Ultralytics' pose models.

Residual blocks down to a 32nd of the picture; what is seen there is added to the features at a 16th, where a head says for
every cell whether a fencer's trunk is there, where the box is and where the 17 key points are. Nothing is computed at half
of the picture: on a processor that costs the most and adds the least.
"""

import torch
from torch import Tensor, nn

WIDTHS = (32, 48, 96, 160)
"""Channels at a 4th, an 8th, a 16th and a 32nd of the picture."""
STRIDE = 16
"""Pixels between the head's cells."""
ROWS = 4 + 1 + 17 * 3
"""Box, score, key points: of each cell in the output."""
REACH = 4.0
"""The head's 1 means so many strides."""


def conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
        nn.SiLU(inplace=True),
    )


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(conv(width, width), conv(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Surroundings(nn.Module):
    """What is around, by pooling at three sizes, as in SPPF (Ultralytics)."""

    def __init__(self, width: int):
        super().__init__()
        self.narrow = conv(width, width // 2, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.mix = conv(width * 2, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.narrow(x)
        near = self.pool(x)
        wide = self.pool(near)
        return self.mix(torch.cat([x, near, wide, self.pool(wide)], 1))


class Head(nn.Module):
    """For each cell: a score; a box as middle and logarithm of its sides; key points with how sure they are."""

    def __init__(self, width: int):
        super().__init__()
        self.found = nn.Sequential(conv(width, width // 3), nn.Conv2d(width // 3, 5, 1))
        self.posed = nn.Sequential(conv(width, width), conv(width, width), nn.Conv2d(width, 51, 1))
        # At the start nothing is found.
        nn.init.constant_(self.found[-1].bias, 0.0)
        self.found[-1].bias.data[4] = -5.0

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, ROWS, cells); scores and sureness before the sigmoid."""
        found, posed = self.found(x).float(), self.posed(x).float()
        rows, columns = x.shape[2:]
        across = ((torch.arange(columns) + 0.5) * STRIDE).view(1, 1, 1, columns)
        down = ((torch.arange(rows) + 0.5) * STRIDE).view(1, 1, rows, 1)
        reach = STRIDE * REACH
        middle = [found[:, 0:1] * reach + across, found[:, 1:2] * reach + down]
        sides = torch.exp(found[:, 2:4].clamp(-4, 4)) * reach
        points = [posed[:, 0:17] * reach + across, posed[:, 17:34] * reach + down, posed[:, 34:51]]
        return torch.cat([*middle, sides, found[:, 4:5], torch.stack(points, 2).flatten(1, 2)], 1).flatten(2)


class Pose(nn.Module):
    """`forward` takes pictures of shape (batch, 3, height, width), red, green, blue from 0 to 1, both sides divisible by 32.

    It gives (batch, 56, cells): box middle and size, score, then x, y and sureness of 17 key points; pixels.
    """

    def __init__(self):
        super().__init__()
        fourth, eighth, sixteenth, last = WIDTHS
        self.begin = conv(3, fourth, 7, 4)
        self.to_eighth = nn.Sequential(conv(fourth, eighth, 3, 2), Residual(eighth), Residual(eighth))
        self.to_sixteenth = nn.Sequential(conv(eighth, sixteenth, 3, 2), Residual(sixteenth), Residual(sixteenth))
        self.to_last = nn.Sequential(
            conv(sixteenth, last, 3, 2), Residual(last), Residual(last), Surroundings(last), conv(last, sixteenth, 1)
        )
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.mix = conv(sixteenth, sixteenth)
        self.head = Head(sixteenth)

    def raw(self, pictures: Tensor) -> Tensor:
        """As `forward`, but with scores and sureness before the sigmoid."""
        near = self.to_sixteenth(self.to_eighth(self.begin(pictures)))
        return self.head(self.mix(near + self.up(self.to_last(near))))

    def forward(self, pictures: Tensor) -> Tensor:
        raw = self.raw(pictures)
        points = raw[:, 5:].unflatten(1, (17, 3))
        points = torch.cat([points[:, :, :2], points[:, :, 2:].sigmoid()], 2).flatten(1, 2)
        return torch.cat([raw[:, :4], raw[:, 4:5].sigmoid(), points], 1)


def cells(height: int, width: int) -> Tensor:
    """The middles of all cells in pixels, shape (cells, 2), in the output's order."""
    places = torch.meshgrid(torch.arange(height // STRIDE), torch.arange(width // STRIDE), indexing="ij")
    return ((torch.stack(places[::-1], -1) + 0.5) * STRIDE).view(-1, 2)
