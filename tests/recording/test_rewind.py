"""Watching a live stream as it was some seconds ago, over MJPEG, WebSocket and as a picture."""

import base64
import threading
import time
from datetime import datetime, timezone

import pytest

from support.hub import Hub
from support.mjpeg import MjpegReader
from support.pictures import number_of
from support.recordings import Camera, command, listed, on_disk, pictures, recorder, stored, wait_for_frames
from support.shapes import assert_error
from support.sockets import SocketReader
from support.waiting import eventually

FPS = 10


class Clock:
    """A camera whose frames are numbered one after the other: the number of a picture says when it was taken."""

    def __init__(self, hub, stream: str, seconds: float):
        self.frames = pictures(int(seconds * FPS))
        self.camera = Camera(hub, stream, FPS)
        self.captured: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Clock":
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self.camera.socket.close()

    def _run(self) -> None:
        for frame in self.frames:
            if self._stop.is_set():
                return
            self.camera.film([frame])
            self.captured.append(self.camera.captured)

    def wait_for(self, count: int) -> None:
        eventually(lambda: len(self.captured) >= count, f"{count} frames are published", 30)

    def age(self, number: int, at: float | None = None) -> float:
        """How long ago a frame was taken, in seconds."""
        return (at or time.time()) - self.captured[number - 1]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Its files are as short as they may be: ten seconds."""
    with Hub(tmp_path_factory.mktemp("rewind"), "recording.segment_seconds=10") as hub:
        yield hub


@pytest.fixture(scope="module")
def live(hub):
    """A stream of 10 frames a second that has been recorded for four seconds, and runs on."""
    with Clock(hub, "live", 60) as clock:
        clock.wait_for(4 * FPS)
        yield clock


def assert_in_order(numbers: list) -> None:
    """On a busy machine a late frame gives way to a newer one, as it does live."""
    assert all(earlier < later for earlier, later in zip(numbers, numbers[1:], strict=False)), numbers
    assert len(numbers) >= 0.4 * (numbers[-1] - numbers[0] + 1), numbers


def behind(clock: Clock, number: int, at: float | None = None) -> float:
    """How far behind the present a picture is; the frame shown at a time is up to an interval old."""
    return clock.age(number, at)


def test_the_picture_of_two_seconds_ago(hub, live):
    for t, seconds in (("-2s", 2), ("-2", 2), ("-1.5s", 1.5), ("-0.05m", 3)):
        asked = time.time()
        response = hub.get("/stream/live/snapshot.jpg", params={"t": t})
        answered = time.time()
        assert response.status_code == 200, response.text
        number = number_of(response.content)
        assert seconds - 0.2 <= behind(live, number, asked) and behind(live, number, answered) <= seconds + 2
        assert response.content == live.frames[number - 1]
        assert int(response.headers["X-Frame-Seq"]) == number
        assert float(response.headers["X-Timestamp"]) == pytest.approx(live.captured[number - 1], abs=1e-5)


def test_the_picture_of_a_time_of_day(hub, live):
    """The same picture however often one asks."""
    wanted = live.captured[11] + 0.5 / FPS
    t = datetime.fromtimestamp(wanted, timezone.utc).isoformat().replace("+00:00", "Z")
    first = hub.get("/stream/live/snapshot.jpg", params={"t": t})
    assert first.status_code == 200, first.text
    assert number_of(first.content) in (11, 12, 13), "by arrival, which is a little later than the capture"
    assert hub.get("/stream/live/snapshot.jpg", params={"t": t}).content == first.content


@pytest.mark.parametrize("route", ["/stream/live", "/stream/live/mjpeg", "/stream"])
def test_a_view_stays_behind(hub, live, route):
    with MjpegReader(f"{hub.url}{route}?t=-2s") as reader, MjpegReader(f"{hub.url}{route}") as present:
        reader.wait_for_parts(15)
        numbers = reader.numbers
        assert_in_order(numbers)
        for part in reader.parts:
            assert part.jpeg == live.frames[part.number - 1]
            assert part.seq == part.number
        offset = time.time() - time.monotonic()
        late = [behind(live, part.number, part.at + offset) for part in reader.parts[3:15]]
        assert all(1.7 < seconds < 5 for seconds in late), late
        assert late[-1] - late[0] < 1, "it keeps its distance"
        now = present.wait_for_parts(3)[-1]
        assert behind(live, now.number, now.at + offset) < 1.5, "the present is live beside it"


def test_the_websocket_view_of_the_past(hub, live):
    with SocketReader(f"{hub.ws}/stream/live?t=-2s") as reader:
        eventually(lambda: len(reader.of_type("frame")) >= 8, "eight frames")
        pictures_shown = [base64.b64decode(message["data"]) for message in reader.of_type("frame")]
        numbers = [number_of(picture) for picture in pictures_shown]
        assert_in_order(numbers)
        assert pictures_shown[0] == live.frames[numbers[0] - 1]
        assert behind(live, numbers[-1]) > 1.7
    with SocketReader(f"{hub.ws}/stream/live?t=-2s&format=binary") as reader:
        eventually(lambda: len(reader.binaries) >= 3, "three frames")
        assert behind(live, number_of(reader.binaries[0])) > 1.7


def test_further_back_than_it_is_recorded(hub, live):
    for route in ("/stream/live", "/stream/live/snapshot.jpg", "/stream/live/mjpeg"):
        message = assert_error(hub.get(f"{route}?t=-1h"), 404, "NOT_RECORDED")
        since = listed(hub, stream="live", order="oldest")[0]["start_time"]
        assert since[:19] in message, "it says how far back one may go"


def test_a_stream_that_is_not_recorded_and_no_stream(start_hub):
    hub = start_hub("recording.enabled=false")
    hub.put_frame("cam", 1)
    for route in ("/stream/cam", "/stream/cam/snapshot.jpg", "/stream"):
        message = assert_error(hub.get(f"{route}?t=-5s"), 404, "NOT_RECORDED")
        assert "/api/streams/cam/recording" in message, "it says how to begin"
    assert_error(hub.get("/stream/nobody?t=-5s"), 404, "STREAM_NOT_FOUND")


def test_a_view_of_the_past_waits_for_more_and_ends_with_the_recording(hub, stream):
    with Camera(hub, stream) as camera:
        camera.shoot(pictures(10))
        wait_for_frames(hub, stream, 10)
        with MjpegReader(f"{hub.url}/stream/{stream}?t=-0.2s") as reader:
            reader.wait_for_number(10)
            assert not reader.ended.is_set(), "it waits for more"
            camera.shoot(pictures(2, first=11))
            reader.wait_for_number(12)
            command(hub, stream, "stop")
            reader.wait_for_end()
            assert reader.clean_end


def test_across_the_roll_into_a_new_file(hub, live):
    """Watching the past continues from one file into the next without a gap."""
    live.wait_for(105)
    wait_for_frames(hub, "live", 105)
    back = live.age(90)
    with MjpegReader(f"{hub.url}/stream/live?t=-{back:.3f}") as reader:
        reader.wait_for_number(115, timeout=30)
        assert len(listed(hub, stream="live")) >= 2, "it has rolled"
        assert_in_order(reader.numbers)
        assert 88 <= reader.numbers[0] < 105
        offset = time.time() - time.monotonic()
        late = [live.age(part.number, part.at + offset) for part in reader.parts[3:]]
        assert late[-1] - late[0] < 1.5, "it keeps its distance"
    command(hub, "live", "stop")
    files = listed(hub, stream="live", order="oldest")
    assert all(recording["status"] == "finished" for recording in files)
    numbers = [number_of(frame) for recording in files for frame in stored(on_disk(hub, recording))]
    assert numbers == list(range(1, len(numbers) + 1)), "nothing is lost between the files"
    assert all(10 <= recording["duration_seconds"] < 15 for recording in files[:-1])
    assert recorder(hub, "live")["state"] == "off"
