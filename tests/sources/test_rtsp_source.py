"""`rtsp://` sources: a camera's H.264 becomes JPEG once, only while someone watches, and comes back after a cut."""

import numpy as np
import pytest

from support.mjpeg import MjpegReader
from support.pictures import decode
from support.rtsp import PASSWORD, USER, RtspCamera, film
from support.waiting import eventually


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return {size: film(folder, *size) for size in [(320, 240), (480, 360)]}


@pytest.fixture
def camera(films):
    with RtspCamera(films[320, 240]) as camera:
        yield camera


def source(hub, stream="cam"):
    return hub.stats(stream)["source"]


def failed(hub, stream="cam"):
    return eventually(lambda: (s := source(hub, stream))["state"] == "failed" and s, "it fails")


def test_h264_is_decoded_once_for_all_and_only_while_watched(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url()}")
    assert camera.plays == 0
    readers = [MjpegReader(f"{hub.url}/stream/cam") for _ in range(3)]
    for reader in readers:
        parts = reader.wait_for_parts(20)
        assert len({part.jpeg for part in parts}) > 10, "moving"
    seen = source(hub)
    assert camera.plays == 1 and seen["state"] == "live"
    assert 20 <= seen["encodes"] <= seen["captures"]
    assert decode(parts[-1].jpeg).shape == (240, 320, 3)
    for reader in readers:
        reader.close()
    eventually(lambda: source(hub)["state"] == "resting" and camera.open == 0, "the camera is left alone")


def test_colours_are_the_films_and_black_is_black(start_hub, tmp_path):
    """Television keeps to 16..235; a JPEG does not."""
    with RtspCamera(film(tmp_path, 320, 240, colour="color=c=black")) as black:
        hub = start_hub("--source", f"cam={black.url()}")
        with MjpegReader(f"{hub.url}/stream/cam") as reader:
            assert decode(reader.wait_for_parts(3)[-1].jpeg).max() <= 4
    with RtspCamera(film(tmp_path, 320, 240, colour="color=c=0x2060C0")) as blue:
        hub = start_hub("--source", f"cam={blue.url()}")
        with MjpegReader(f"{hub.url}/stream/cam") as reader:
            mean = decode(reader.wait_for_parts(3)[-1].jpeg).mean(axis=(0, 1))
    assert np.abs(mean - (0x20, 0x60, 0xC0)).max() < 8, mean


def test_a_camera_that_is_cut_off_comes_back_with_another_resolution(start_hub, camera, films):
    hub = start_hub("--source", f"cam={camera.url()}")
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        reader.wait_for_parts(3)
        camera.show(films[480, 360])
        camera.cut()
        eventually(lambda: decode(reader.parts[-1].jpeg).shape == (360, 480, 3), "the new size")
    assert source(hub)["attempts"] >= 2


def test_a_camera_that_changes_its_resolution_in_passing(start_hub, camera, films):
    hub = start_hub("--source", f"cam={camera.url()}")
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        reader.wait_for_parts(3)
        camera.show(films[480, 360])
        eventually(lambda: decode(reader.parts[-1].jpeg).shape == (360, 480, 3), "the new size")
    assert source(hub)["attempts"] == 1


def test_damaged_pictures_do_not_end_it(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url()}")
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        reader.wait_for_parts(3)
        camera.damaged = True
        eventually(lambda: source(hub)["frame_errors"] > 3, "errors are counted")
        camera.damaged = False
        reader.wait_for_parts(len(reader.parts) + 20)
    assert source(hub)["attempts"] == 1


def test_passwords(start_hub, films):
    with RtspCamera(films[320, 240], password=True) as camera:
        hub = start_hub(
            *("--source", f"cam={camera.url(f'{USER}:{PASSWORD}')}"),
            *("--source", f"no={camera.url('door:hunter2')}#on_demand=no"),
        )
        with MjpegReader(f"{hub.url}/stream/cam") as reader:
            reader.wait_for_parts(3)
        assert "401" in failed(hub, "no")["error"]
        assert "hunter2" not in hub.get("/api/streams/no/stats").text + hub.stderr()


def test_what_cannot_be_decoded_is_named(start_hub, films):
    with RtspCamera(films[320, 240], encoding="H265") as camera:
        hub = start_hub("--source", f"cam={camera.url()}#on_demand=no")
        assert "h265" in failed(hub)["error"].lower()
