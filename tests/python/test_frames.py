"""What is a frame, in whatever way it lies in memory, and what is none."""

import numpy as np
import pytest
import requests
from framehub import Server
from PIL import Image

from support.pictures import decode, number_of, numbered
from support.waiting import eventually

FRAME = np.zeros((4, 6, 3), np.uint8)


@pytest.fixture(scope="module")
def server():
    with Server(port=0, settings={"streams.max_concurrent": 100}) as running:
        yield running


def strange(picture: np.ndarray, dtype: type = np.uint8) -> np.ndarray:
    """The same pixels, every other one of an array of another axis order."""
    store = np.zeros((3, picture.shape[1] * 2, picture.shape[0] * 2), dtype)
    view = store.transpose(2, 1, 0)[::2, ::2]
    view[:] = picture
    return view


KINDS = {
    "plain": lambda picture: picture,
    "read-only": lambda picture: np.frombuffer(picture.tobytes(), np.uint8).reshape(picture.shape),
    "a part of a larger one": lambda picture: np.pad(picture, ((5, 5), (7, 7), (0, 0)))[5:-5, 7:-7],
    "upside down in memory": lambda picture: np.ascontiguousarray(picture[::-1])[::-1],
    "mirrored in memory": lambda picture: np.ascontiguousarray(picture[:, ::-1])[:, ::-1],
    "channels the other way round": lambda picture: np.ascontiguousarray(picture[..., ::-1])[..., ::-1],
    "a part of RGBA": lambda picture: np.dstack([picture, picture[..., 0]])[..., :3],
    "RGBA": lambda picture: np.dstack([picture, picture[..., 0]]),
    "float RGBA": lambda picture: np.dstack([picture, picture[..., 0]]) / 255,
    "Fortran's order": np.asfortranarray,
    "channels first in memory": lambda picture: np.ascontiguousarray(picture.transpose(2, 0, 1)).transpose(1, 2, 0),
    "strange strides": strange,
    "float32": lambda picture: (picture / 255).astype(np.float32),
    "float64": lambda picture: picture / 255,
    "float, strange strides": lambda picture: strange(picture / 255, np.float64),
    "not aligned": lambda picture: (
        np.frombuffer(b"x" + (picture / 255).tobytes(), np.uint8)[1:].view(np.float64).reshape(picture.shape)
    ),
    "a PIL image": Image.fromarray,
}


@pytest.mark.parametrize("kind", KINDS)
def test_colours_arrive_however_they_lie(server, stream, kind):
    picture = numbered(321, 64, 48)
    frame = KINDS[kind](picture)
    assert server.publish(frame, stream)
    arrived = decode(snapshot(server, stream))
    assert number_of(snapshot(server, stream)) == 321
    assert np.abs(arrived[40, 60].astype(int) - picture[40, 60]).max() < 12


def test_bgr(server, stream):
    picture = numbered(5, 64, 48)
    server.publish(picture[..., ::-1], stream, bgr=True)
    arrived = decode(snapshot(server, stream))
    assert np.abs(arrived[40, 60].astype(int) - picture[40, 60]).max() < 12


@pytest.mark.parametrize("kind", ["plain", "one channel", "view", "float"])
def test_grey(server, stream, kind):
    grey = numbered(77, 64, 48).mean(axis=2).astype(np.uint8)
    frames = {
        "plain": grey,
        "one channel": grey[..., None],
        "view": np.repeat(np.repeat(grey, 2, axis=0), 3, axis=1)[::2, ::3],
        "float": (grey / 255).astype(np.float32),
    }
    server.publish(frames[kind], stream)
    assert number_of(snapshot(server, stream)) == 77


def test_sizes_may_change(server, stream):
    for number, (width, height) in enumerate([(64, 48), (320, 240), (33, 17), (640, 480)]):
        server.publish(numbered(number, width, height), stream)
        eventually(lambda: decode(snapshot(server, stream)).shape == (height, width, 3), f"{width}×{height}")


class OnTheGpu:
    """As CuPy's and PyTorch's say of themselves."""

    __cuda_array_interface__ = {"shape": (4, 6, 3), "typestr": "|u1", "data": (4096, False), "version": 3}


class CudaTensor:
    is_cuda = True

    def __array__(self, *_arguments: object):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


class CpuTensor:
    """PyTorch's on the CPU: the attribute raises."""

    is_cuda = False

    @property
    def __cuda_array_interface__(self):
        raise AttributeError("Can't get __cuda_array_interface__ on non-CUDA tensor")

    def __array__(self, *_arguments: object, **_options: object):
        return FRAME


@pytest.mark.parametrize(
    "frame, error, words",
    [
        ([[1, 2], [3, 4]], TypeError, "list"),
        (b"\xff\xd8", TypeError, "bytes"),
        (OnTheGpu(), TypeError, "frame.cpu().numpy()"),
        (CudaTensor(), TypeError, "frame.cpu().numpy()"),
        (np.uint8(3), ValueError, "shape ()"),
        (np.array(3, np.uint8), ValueError, "shape ()"),
        (FRAME[0, 0], ValueError, "shape (3,)"),
        (np.zeros((4, 6, 5), np.uint8), ValueError, "shape (4, 6, 5)"),
        (np.zeros((4, 6, 2), np.uint8), ValueError, "shape (4, 6, 2)"),
        (np.zeros((3, 40, 60), np.uint8), ValueError, "frame.transpose(1, 2, 0)"),
        (np.zeros((2, 4, 6, 3), np.uint8), ValueError, "frames[0]"),
        (np.zeros((0, 6, 3), np.uint8), ValueError, "no pixels"),
        (np.zeros((4, 0), np.uint8), ValueError, "no pixels"),
        (np.zeros((1, 16_385), np.uint8), ValueError, "16384"),
        (np.zeros((4, 6, 3), np.int32), ValueError, "int32"),
        (np.zeros((4, 6, 3), np.int8), ValueError, "int8"),
        (np.zeros((4, 6, 3), np.uint16), ValueError, ">> 8"),
        (np.zeros((4, 6, 3), bool), ValueError, "* 255"),
        (np.zeros((4, 6, 3), np.float16), ValueError, "astype(np.float32)"),
        (np.zeros((4, 6, 3), ">f4"), ValueError, "astype(np.float32)"),
        (np.full((4, 6, 3), 255.0), ValueError, "255"),
        (np.full((4, 6, 3), -0.5), ValueError, "-0.5"),
        (np.full((4, 6, 3), np.nan), ValueError, "NaN at row 0, column 0"),
        (np.full((4, 6), np.inf, np.float32), ValueError, "inf"),
        (np.zeros((4, 6, 3), complex), ValueError, "complex128"),
        (np.array([["a"]]), ValueError, "dtype"),
        (np.array([[None]]), ValueError, "object"),
    ],
)
def test_what_is_no_frame(server, stream, frame, error, words):
    server.publish(numbered(3, 64, 48), stream)
    with pytest.raises(error) as raised:
        server.publish(frame, stream)
    assert words in str(raised.value)
    assert "height×width" in str(raised.value) or "convert it" in str(raised.value), "what is wanted"
    assert number_of(snapshot(server, stream)) == 3, "the stream keeps its last good frame"


def test_one_bad_value_is_found(server, stream):
    frame = np.zeros((40, 60, 3), np.float32)
    frame[30, 20, 1] = np.nan
    with pytest.raises(ValueError, match="NaN at row 30, column 20"):
        server.publish(frame, stream)


def test_rounding_errors_of_renderers_are_taken(server, stream):
    server.publish(np.full((48, 64, 3), 1.0000002, np.float32), stream)
    assert decode(snapshot(server, stream)).min() > 250


def test_a_tensor_of_the_cpu_is_taken(server, stream):
    assert server.publish(CpuTensor(), stream)


def snapshot(server: Server, stream: str) -> bytes:
    def look() -> bytes | None:
        response = requests.get(f"{server.url}/stream/{stream}/snapshot.jpg", timeout=10)
        return response.content if response.ok else None

    return eventually(look, f"a picture of {stream}")
