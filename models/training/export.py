"""Writes the network as ONNX: `python -m training.export weights.pt fencer-pose.onnx`.

The batch normalisations are folded into the convolutions; height and width stay free, both divisible by 32.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from .network import REACH, STRIDE, Head, Pose, Residual, Surroundings

OPSET = 17


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("model", type=Path)
    given = parser.parse_args()
    network = Pose()
    network.load_state_dict(torch.load(given.weights, weights_only=True))
    network.eval()
    onnx.save(as_onnx(network), given.model)
    worst = _difference(network, given.model)
    print(
        f"{given.model}: {given.model.stat().st_size / 1e6:.2f} MB; differs from the network by {worst:.1e} of a pixel"
    )


def as_onnx(network: Pose) -> onnx.ModelProto:
    """The network's `forward`."""
    graph = _Graph()
    near = "images"
    for part in (network.begin, network.to_eighth, network.to_sixteenth):
        near = graph.follow(part, near)
    far = graph.twice(graph.follow(network.to_last, near))
    graph.head(network.head, graph.follow(network.mix, graph.add(near, far)))
    return graph.model()


class _Graph:
    """Nodes and weights in the making."""

    def __init__(self):
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: list[str], output: str | None = None, **attributes) -> str:
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"n{len(self.nodes)}", **attributes))
        return output

    def constant(self, values) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def floats(self, *values: float) -> str:
        return self.constant(np.array(values, np.float32).reshape(1, -1, 1, 1))

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def add(self, first: str, second: str) -> str:
        return self.node("Add", [first, second])

    def twice(self, x: str) -> str:
        """Twice as high and wide, each cell four times."""
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.node("Resize", [x, "", scales], **how)

    def follow(self, module: nn.Module, x: str) -> str:
        """A module's nodes after `x`."""
        if isinstance(module, Residual):
            return self.add(x, self.follow(module.body, x))
        if isinstance(module, Surroundings):
            x = self.follow(module.narrow, x)
            pools = [x]
            for _ in range(3):
                pools.append(self.node("MaxPool", [pools[-1]], kernel_shape=[5, 5], pads=[2] * 4, strides=[1, 1]))
            return self.follow(module.mix, self.node("Concat", pools, axis=1))
        if isinstance(module, nn.Conv2d):
            return self.conv(module, None, x)
        parts = list(module)
        if isinstance(parts[0], nn.Conv2d) and len(parts) == 3:
            x = self.conv(parts[0], parts[1], x)
            return self.node("Mul", [x, self.node("Sigmoid", [x])])
        for part in parts:
            x = self.follow(part, x)
        return x

    def conv(self, conv: nn.Conv2d, norm: nn.BatchNorm2d | None, x: str) -> str:
        weight = conv.weight.detach().double()
        bias = torch.zeros(len(weight)).double() if conv.bias is None else conv.bias.detach().double()
        if norm is not None:
            scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
            weight = weight * scale[:, None, None, None]
            bias = norm.bias.detach().double() + (bias - norm.running_mean.double()) * scale
        inputs = [x, self.constant(weight.float().numpy()), self.constant(bias.float().numpy())]
        size, pad = list(conv.kernel_size), [conv.padding[0]] * 4
        return self.node("Conv", inputs, kernel_shape=size, pads=pad, strides=list(conv.stride))

    def head(self, head: Head, x: str) -> None:
        """Boxes, scores and key points, as (1, 56, cells)."""
        reach = self.floats(STRIDE * REACH)
        found, posed = self.follow(head.found, x), self.follow(head.posed, x)
        across, down = self.grid(found, 3), self.grid(found, 2)
        middle_x, middle_y, sides, score = self.split(found, (1, 1, 2, 1))
        point_x, point_y, sure = self.split(posed, (17, 17, 17))
        middle_x = self.add(self.node("Mul", [middle_x, reach]), across)
        middle_y = self.add(self.node("Mul", [middle_y, reach]), down)
        low, high = (self.constant(np.array(limit, np.float32)) for limit in (-4, 4))
        sides = self.node("Mul", [self.node("Exp", [self.node("Clip", [sides, low, high])]), reach])
        point_x = self.add(self.node("Mul", [point_x, reach]), across)
        point_y = self.add(self.node("Mul", [point_y, reach]), down)
        cells = self.node("Concat", [middle_x, middle_y, sides, self.node("Sigmoid", [score])], axis=1)
        # x, y, sureness of a point follow each other: (1, 17, 3, rows, columns).
        axes = self.ints(2)
        each = [self.node("Unsqueeze", [part, axes]) for part in (point_x, point_y, self.node("Sigmoid", [sure]))]
        points = self.node("Reshape", [self.node("Concat", each, axis=2), self.ints(1, 51, -1)])
        self.node("Concat", [self.node("Reshape", [cells, self.ints(1, 5, -1)]), points], "output0", axis=1)

    def split(self, x: str, sizes: tuple[int, ...]) -> list[str]:
        outputs = [f"part_{len(self.nodes)}_{n}" for n in range(len(sizes))]
        self.nodes.append(
            helper.make_node("Split", [x, self.ints(*sizes)], outputs, name=f"n{len(self.nodes)}", axis=1)
        )
        return outputs

    def grid(self, x: str, axis: int) -> str:
        """The cells' middles along an axis, in pixels, to be broadcast over `x`."""
        count = self.node("Gather", [self.node("Shape", [x]), self.constant(np.array(axis, np.int64))], axis=0)
        zero, one = (self.constant(np.array(value, np.int64)) for value in (0, 1))
        places = self.node("Cast", [self.node("Range", [zero, count, one])], to=TensorProto.FLOAT)
        half, step = (self.constant(np.array(value, np.float32)) for value in (0.5, STRIDE))
        places = self.node("Mul", [self.node("Add", [places, half]), step])
        return self.node("Reshape", [places, self.ints(*(-1 if n == axis else 1 for n in range(4)))])

    def model(self) -> onnx.ModelProto:
        shape = lambda *sides: list(sides)
        images = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape(1, 3, "height", "width"))
        output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, shape(1, 56, "cells"))
        graph = helper.make_graph(self.nodes, "fencer-pose", [images], [output], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="framehub")
        model.ir_version = 8
        described = {"task": "pose", "kpt_shape": "[17, 3]", "stride": "32", "names": "{0: 'fencer'}"}
        described |= {"licence": "MIT OR Apache-2.0", "trained_on": "synthetic pictures only"}
        helper.set_model_props(model, described)
        onnx.checker.check_model(model)
        return model


def _difference(network: Pose, path: Path) -> float:
    """Between what the network and the file say of two pictures of different sizes, in pixels, of what is sure."""
    from .measure import onnx_runner

    run, worst = onnx_runner(path), 0.0
    for height, width in ((384, 640), (320, 512)):
        picture = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            worst = max(worst, float(np.abs(network(picture).numpy() - run(picture.numpy())).max()))
    return worst


if __name__ == "__main__":
    main()
