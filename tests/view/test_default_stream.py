"""`/stream`, the default stream: never 404, a waiting picture until there is a live one, and again after it."""

import requests

from support.browser import picture_of, wait_until_painted
from support.mjpeg import MjpegReader
from support.pictures import decode
from support.readers import OpenCv
from support.waiting import eventually


def test_waiting_picture_then_the_live_picture(start_hub):
    hub = start_hub()
    with MjpegReader(hub.url + "/stream") as reader:
        waiting = reader.wait_for_parts(1)[0]
        assert waiting.number is None
        assert decode(waiting.jpeg).std() > 3, "it shows something"
        hub.put_frame("camera", 5)
        reader.wait_for_number(5)
        hub.put_frame("camera", 6)
        reader.wait_for_number(6)
        assert reader.numbers == [None, 5, 6]


def test_waiting_picture_in_chromium(start_hub, page, output):
    hub = start_hub()
    page.goto(hub.url + "/stream", wait_until="commit")
    image = page.locator("img")
    eventually(lambda: picture_of(image, output / "stream-waiting.png").std() > 3, "the waiting picture")
    hub.put_frame("camera", 5)
    wait_until_painted(image, 5)


def test_opencv_goes_from_the_waiting_picture_to_the_live_one(start_hub):
    hub = start_hub()
    with OpenCv(hub.url + "/stream") as reader:
        eventually(lambda: reader.handed, "the waiting picture")
        hub.put_frame("camera", 8)
        reader.wait_for(8)


def test_it_is_the_oldest_live_stream(start_hub):
    hub = start_hub()
    hub.put_frame("first", 1)
    hub.put_frame("second", 2)
    with MjpegReader(hub.url + "/stream") as reader:
        reader.wait_for_number(1)
        hub.put_frame("second", 3)
        hub.put_frame("first", 4)
        reader.wait_for_number(4)
        assert 3 not in reader.numbers
        # When it ends the next oldest follows, on the same connection.
        requests.delete(f"{hub.url}/api/streams/first", timeout=10)
        reader.wait_for_number(3)
        requests.delete(f"{hub.url}/api/streams/second", timeout=10)
        eventually(lambda: reader.numbers[-1] is None, "the waiting picture again")
        hub.put_frame("third", 9)
        reader.wait_for_number(9)
    assert hub.get("/stats").json()["stream"] == "third"


def test_streams_default_names_it(start_hub):
    hub = start_hub("streams.default=chosen")
    hub.put_frame("other", 1)
    with MjpegReader(hub.url + "/stream") as reader:
        assert reader.wait_for_parts(1)[0].number is None
        hub.put_frame("chosen", 2)
        reader.wait_for_number(2)
    statistics = hub.get("/stats").json()
    assert (statistics["stream"], statistics["frames_received"]) == ("chosen", 1)


def test_a_robot_that_restarts_finds_its_viewers(start_hub):
    """Dropping the publisher does not end the stream."""
    hub = start_hub()
    hub.put_frame("robot", 1)
    with MjpegReader(hub.url + "/stream/robot") as reader:
        reader.wait_for_number(1)
        session = requests.Session()
        session.post(f"{hub.url}/publish/robot", data=b"", timeout=5)
        session.close()
        hub.put_frame("robot", 2)
        reader.wait_for_number(2)
        assert not reader.ended.is_set()
