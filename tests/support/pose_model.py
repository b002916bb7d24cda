"""Pose models in ONNX that need no training: they find rectangles of one colour, with the shapes of Ultralytics' exports.

A red rectangle is a fencer who looks to the right, a blue one a fencer who looks to the left, a green one another person.
`scene` draws such people, so that a real upload leads to real key points.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Where key points lie in the rectangle of a person who looks to the right, from -0.5 to 0.5, in COCO's order.
SKELETON = np.array(
    [
        [0.20, -0.44], [0.22, -0.47], [0.18, -0.47], [0.10, -0.45], [0.06, -0.45],
        [-0.08, -0.32], [0.08, -0.32], [-0.28, -0.26], [0.28, -0.24], [-0.45, -0.30], [0.50, -0.20],
        [-0.08, 0.00], [0.06, 0.00], [-0.26, 0.24], [0.32, 0.22], [-0.46, 0.50], [0.46, 0.50],
    ],
    dtype=np.float32,
)  # fmt: skip

RED, GREEN, BLUE = (230, 20, 20), (20, 200, 30), (25, 25, 230)


def rectangles(path: Path, height: int | None = 192, width: int | None = 320) -> Path:
    """A model that finds one rectangle of each colour; without sides they are free, as with `dynamic=True`."""
    graph = _Graph()
    across, down = _grid(graph, width, axis=3), _grid(graph, height, axis=2)
    channels = [graph("Slice", "images", graph.ints(c), graph.ints(c + 1), graph.ints(1)) for c in range(3)]
    people = []
    for colour, side in ((0, 1.0), (2, -1.0), (1, 1.0)):
        others = [channels[c] for c in range(3) if c != colour]
        people += _person(graph, channels[colour], others, across, down, side)
    graph("Concat", *people, output="output0", axis=2)
    shape = [1, 3, height or "height", width or "width"]
    return _save(graph, path, shape, [1, 56, len(people)])


def constant(path: Path, output: np.ndarray, side: int = 64) -> Path:
    """A model that gives the same output whatever it sees."""
    graph = _Graph()
    mean = graph("ReduceMean", "images", graph.ints(1, 2, 3), keepdims=0)
    nothing = graph("Mul", mean, graph.floats(0.0))
    graph("Add", graph.constant(output.astype(np.float32)), nothing, output="output0")
    return _save(graph, path, [1, 3, side, side], list(output.shape))


def scene(width: int, height: int, people: list[tuple[tuple[int, int, int], float, float, float, float]]) -> np.ndarray:
    """An RGB picture with people: (colour, middle x, feet y, width, height), in pixels."""
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[int(height * 0.75) :] = 120
    for colour, x, feet, broad, tall in people:
        left, top = round(x - broad / 2), round(feet - tall)
        picture[max(top, 0) : round(feet), max(left, 0) : max(left + round(broad), 0)] = colour
    return picture


class _Graph:
    """Nodes of an ONNX graph, named in turn."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def __call__(self, kind: str, *inputs: str, output: str = "", **attributes: object) -> str:
        output = output or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, values: np.ndarray) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def floats(self, *values: float) -> str:
        return self.constant(np.array(values, np.float32))

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))


def _grid(graph: _Graph, side: int | None, axis: int) -> str:
    """Middles of the pixels along an axis, shaped to be multiplied with a plane."""
    shape = (1, 1, 1, -1) if axis == 3 else (1, 1, -1, 1)
    if side:
        return graph.constant(np.arange(side, dtype=np.float32).reshape(shape) + 0.5)
    count = graph("Gather", graph("Shape", "images"), graph.constant(np.array(axis, np.int64)), axis=0)
    zero, one = graph.constant(np.array(0, np.int64)), graph.constant(np.array(1, np.int64))
    numbers = graph("Cast", graph("Range", zero, count, one), to=TensorProto.FLOAT)
    return graph("Reshape", graph("Add", numbers, graph.floats(0.5)), graph.ints(*shape))


def _person(graph: _Graph, own: str, others: list[str], across: str, down: str, side: float) -> list[str]:
    """Two candidates for a rectangle: itself, and a little beside it a less sure one, which has to give way."""
    excess = graph("Sub", graph("Sub", own, graph("Max", *others)), graph.floats(0.35))
    mask = graph("Clip", graph("Mul", excess, graph.floats(8.0)), _scalar(graph, 0.0), _scalar(graph, 1.0))

    def total(plane: str) -> str:
        return graph("ReduceSum", plane, graph.ints(2, 3), keepdims=1)

    area = graph("Add", total(mask), graph.floats(1e-3))

    def place_and_extent(grid: str) -> tuple[str, str]:
        middle = graph("Div", total(graph("Mul", mask, grid)), area)
        offset = graph("Sub", grid, middle)
        spread = graph("Div", total(graph("Mul", mask, graph("Mul", offset, offset))), area)
        extent = graph("Sqrt", graph("Mul", spread, graph.floats(12.0)))
        column = graph.ints(1, 1, 1)
        return graph("Reshape", middle, column), graph("Reshape", extent, column)

    (x, width), (y, height) = place_and_extent(across), place_and_extent(down)
    area = graph("Reshape", area, graph.ints(1, 1, 1))
    score = graph("Clip", graph("Mul", area, graph.floats(1 / 60)), _scalar(graph, 0.0), _scalar(graph, 0.93))
    points = []
    for skeleton, middle, extent in ((SKELETON[:, 0] * side, x, width), (SKELETON[:, 1], y, height)):
        offsets = graph.constant(skeleton.reshape(1, 17, 1))
        points.append(graph("Add", graph("Mul", offsets, extent), middle))
    points.append(graph.constant(np.full((1, 17, 1), 0.9, np.float32)))
    points = graph("Reshape", graph("Concat", *points, axis=2), graph.ints(1, 51, 1))
    beside = graph("Add", x, graph.floats(1.0))
    unsure = graph("Mul", score, graph.floats(0.8))
    return [
        graph("Concat", x, y, width, height, score, points, axis=1),
        graph("Concat", beside, y, width, height, unsure, points, axis=1),
    ]


def _scalar(graph: _Graph, value: float) -> str:
    return graph.constant(np.array(value, np.float32))


def _save(graph: _Graph, path: Path, given: list[int | str], gives: list[int]) -> Path:
    made = helper.make_graph(
        graph.nodes,
        "people",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, gives)],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
