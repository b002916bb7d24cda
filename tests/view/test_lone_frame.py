"""A lone frame is seen when it arrives, not when the next one does: by Chromium, OpenCV and ffmpeg.

Each frame is published only after the one before has been seen, so a reader that is one frame late never gets on.
"""

import pytest

from support.browser import wait_until_painted
from support.hub import Hub
from support.pictures import jpeg
from support.readers import Ffmpeg, OpenCv

FRAMES = range(1, 7)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """With no heartbeat for a minute: it repeats the newest frame and would hide lateness."""
    with Hub(tmp_path_factory.mktemp("hub"), "viewers.heartbeat_interval=60") as started:
        yield started


@pytest.mark.parametrize("path", ["", "/mjpeg"])
def test_chromium_paints_a_lone_frame_when_it_arrives(hub, stream, page, path):
    hub.put_frame(stream, FRAMES[0])
    page.set_content("<!doctype html><body style='margin:0'><p>waiting</p></body>")
    page.evaluate(
        "url => { const i = new Image(); i.src = url; document.body.replaceChildren(i); }",
        f"{hub.url}/stream/{stream}{path}",
    )
    for number in FRAMES:
        if number > FRAMES[0]:
            hub.put_frame(stream, number)
        wait_until_painted(page.locator("img"), number)


def test_chromium_paints_the_last_frame_of_a_burst(hub, stream, page):
    hub.put_frame(stream, 100)
    page.goto(f"{hub.url}/stream/{stream}", wait_until="commit")
    wait_until_painted(page.locator("img"), 100)
    for number in range(101, 131):
        hub.put_frame(stream, number)
    wait_until_painted(page.locator("img"), 130)


def test_chromium_sees_large_frames_too(hub, stream, page):
    """Frames many times larger than every buffer on the way."""
    page.set_viewport_size({"width": 1600, "height": 1000})
    hub.put_frame(stream, jpeg(1, 1600, 900, quality=100))
    page.goto(f"{hub.url}/stream/{stream}", wait_until="commit")
    for number in FRAMES:
        hub.put_frame(stream, jpeg(number, 1600, 900, quality=100))
        wait_until_painted(page.locator("img"), number)


def test_opencv_is_handed_a_lone_frame_when_it_arrives(hub, stream):
    hub.put_frame(stream, FRAMES[0])
    with OpenCv(f"{hub.url}/stream/{stream}") as reader:
        for number in FRAMES:
            if number > FRAMES[0]:
                hub.put_frame(stream, number)
            reader.wait_for(number)
        assert reader.numbers == list(FRAMES)


@pytest.mark.parametrize("options", [("-f", "mpjpeg"), ()], ids=["mpjpeg", "detected"])
def test_ffmpeg_is_handed_a_lone_frame_when_it_arrives(hub, stream, options):
    hub.put_frame(stream, FRAMES[0])
    with Ffmpeg(f"{hub.url}/stream/{stream}", *options) as reader:
        for number in FRAMES:
            if number > FRAMES[0]:
                hub.put_frame(stream, number)
            assert reader.wait_for(number).jpeg == jpeg(number), "byte for byte"
        assert reader.numbers == list(FRAMES)
