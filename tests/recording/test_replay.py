"""Replaying recordings as MJPEG: order, numbers, times, pace, the middle, a file that still grows."""

import statistics
import time

import pytest

from support.browser import wait_until_painted
from support.mjpeg import MjpegReader
from support.pictures import jpeg, number_of
from support.readers import Ffmpeg, OpenCv
from support.recordings import SIZE, Camera, command, on_disk, only, pictures, record, times, wait_for_frames
from support.shapes import assert_error
from support.waiting import eventually

COUNT = 25
FPS = 25


@pytest.fixture(scope="module")
def kept(hub):
    """A second of 25 numbered frames, and when each was captured."""
    frames = pictures(COUNT)
    now = time.time()
    captured = [now + index / FPS for index in range(COUNT)]
    with Camera(hub, "kept") as camera:
        camera.shoot(frames, captured)
    command(hub, "kept", "stop")
    recording = only(hub, "kept")
    assert recording["total_frames"] == COUNT
    return recording, frames, captured


def replayed(hub, recording: dict, query: str) -> list:
    with MjpegReader(f"{hub.url}{recording['mjpeg_url']}?{query}") as reader:
        reader.wait_for_end()
        assert reader.clean_end and bytes(reader.raw).rstrip().endswith(b"--frame--")
        assert reader.response.getheader("Content-Type") == "multipart/x-mixed-replace; boundary=frame"
        return reader.parts


def span(parts: list) -> float:
    return parts[-1].at - parts[0].at


def assert_as_filmed(numbers: list, first: int, last: int) -> None:
    """In order, from the first to the last. On a busy machine a late frame gives way to a newer one, live or replayed."""
    assert (numbers[0], numbers[-1]) == (first, last), numbers
    assert all(earlier < later for earlier, later in zip(numbers, numbers[1:], strict=False)), numbers
    assert len(numbers) >= 0.4 * (last - first + 1), numbers


def test_every_frame_with_its_number_time_and_bytes(hub, kept):
    recording, frames, captured = kept
    parts = replayed(hub, recording, "speed=1")
    assert_as_filmed([part.number for part in parts], 1, COUNT)
    for part in parts:
        assert part.seq == part.number
        assert part.jpeg == frames[part.seq - 1]
        assert float(part.headers["x-timestamp"]) == pytest.approx(captured[part.seq - 1], abs=2e-6)


def test_speed_changes_the_pace(hub, kept):
    """Four times as fast takes about a quarter of the time; on a busy machine either may take longer, never shorter."""
    recording, frames, _ = kept
    slow = replayed(hub, recording, "speed=0.5")
    fast = replayed(hub, recording, "speed=2")
    for parts in (slow, fast):
        assert_as_filmed([part.number for part in parts], 1, COUNT)
    assert span(slow) > 1.5 * span(fast)
    assert span(slow) > 0.7 * 2 * (COUNT - 1) / FPS and span(fast) > 0.5 * (COUNT - 1) / FPS / 2
    # Evenly, not in the lumps in which it is stored.
    pauses = [later.at - earlier.at for earlier, later in zip(slow, slow[1:], strict=False)]
    assert statistics.median(pauses) > 0.5 * 2 / FPS


def test_very_fast_leaves_frames_out_and_keeps_their_order(hub, kept):
    recording, frames, _ = kept
    parts = replayed(hub, recording, "speed=100")
    numbers = [part.number for part in parts]
    assert numbers == sorted(set(numbers)) and 1 <= len(numbers) <= COUNT
    assert {part.jpeg for part in parts} <= set(frames)


def test_from_the_middle_and_from_the_end(hub, kept):
    recording, frames, _ = kept
    middle = replayed(hub, recording, "t=0.6&speed=10")
    assert middle[0].number == 16 and middle[-1].number > 20
    half = replayed(hub, recording, "t=0.59&speed=0.5")
    # The frame that is shown then comes first.
    assert_as_filmed([part.number for part in half], 15, COUNT)
    end = replayed(hub, recording, "t=-0.2&speed=0.5")
    assert_as_filmed([part.number for part in end], COUNT - 4, COUNT)
    beyond = replayed(hub, recording, "t=1h")
    assert [part.jpeg for part in beyond] == frames[-1:]


def test_the_picture_at_a_time(hub, kept):
    recording, frames, captured = kept
    for index in (0, 7, 24):
        shown = hub.get(recording["snapshot_url"], params={"t": f"{index / FPS + 0.01:.3f}"})
        assert shown.content == frames[index]
        assert shown.headers["Content-Type"] == "image/jpeg"
        assert int(shown.headers["X-Frame-Seq"]) == index + 1
        assert float(shown.headers["X-Timestamp"]) == pytest.approx(captured[index], abs=2e-6)
    again = hub.get(recording["snapshot_url"], params={"t": "0.97"}, headers={"If-None-Match": shown.headers["ETag"]})
    assert again.status_code == 304


def test_a_viewers_rate_is_capped(hub, kept):
    recording, frames, _ = kept
    parts = replayed(hub, recording, "fps=5")
    assert 2 <= len(parts) <= 8
    assert {part.jpeg for part in parts} <= set(frames)
    assert parts[-1].number >= COUNT - 5


def test_ffmpeg_and_opencv_read_a_replay(hub, kept):
    recording, frames, _ = kept
    url = f"{hub.url}{recording['mjpeg_url']}"
    with Ffmpeg(url) as ffmpeg, OpenCv(url) as opencv:
        assert ffmpeg.ended.wait(15) and opencv.ended.wait(15)
        assert {handed.jpeg for handed in ffmpeg.handed} <= set(frames)
        assert_as_filmed(ffmpeg.numbers, 1, COUNT)
        assert_as_filmed(opencv.numbers, 1, COUNT)


def test_a_browser_shows_a_replay(hub, kept, page):
    """The last picture stays, as a live stream's does."""
    recording, _, _ = kept
    page.set_content(f'<img src="{hub.url}{recording["mjpeg_url"]}?speed=4" width="320" height="240">')
    wait_until_painted(page.locator("img"), COUNT)


def test_a_growing_recording_is_followed_until_it_ends(hub, stream):
    with Camera(hub, stream, fps=FPS) as camera:
        camera.shoot(pictures(5))
        wait_for_frames(hub, stream, 5)
        with MjpegReader(f"{hub.url}{only(hub, stream)['mjpeg_url']}") as reader:
            reader.wait_for_number(5)
            camera.shoot(pictures(5, first=6))
            reader.wait_for_number(10)
            assert not reader.ended.is_set()
            camera.shoot(pictures(3, first=11))
            command(hub, stream, "stop")
            reader.wait_for_end()
            assert reader.clean_end
            assert_as_filmed(reader.numbers, 1, 13)
            assert {part.jpeg for part in reader.parts} <= set(pictures(13))


def test_the_end_of_a_growing_recording(hub, stream):
    """`t=-0`: what is being written right now, and on from there."""
    with Camera(hub, stream, fps=FPS) as camera:
        camera.shoot(pictures(10))
        wait_for_frames(hub, stream, 10)
        recording = only(hub, stream)
        assert hub.get(recording["snapshot_url"] + "?t=-0").content == jpeg(10, *SIZE)
        with MjpegReader(f"{hub.url}{recording['mjpeg_url']}?t=-0") as reader:
            assert reader.wait_for_parts(1)[0].number == 10
            camera.shoot(pictures(2, first=11))
            reader.wait_for_number(12)
            assert_as_filmed(reader.numbers, 10, 12)
    command(hub, stream, "stop")


def test_a_pause_stays_a_pause(hub, stream):
    """Ten frames at once, a pause, ten frames: it is seen as it was."""
    now = time.time()
    with Camera(hub, stream) as camera:
        camera.shoot(pictures(6), (now + 0.04 * index for index in range(6)))
        camera.shoot(pictures(6, first=7), (now + 0.7 + 0.04 * index for index in range(6)))
    command(hub, stream, "stop")
    recording = only(hub, stream)
    shown = times(on_disk(hub, recording))
    assert shown[6] - shown[5] == pytest.approx(0.5, abs=0.001)
    parts = replayed(hub, recording, "speed=1")
    before = next(part for part in parts if part.number == 6)
    after = next(part for part in parts if part.number > 6)
    assert 0.3 < after.at - before.at < 0.9
    assert parts[-1].at - after.at < after.at - before.at


def test_many_watch_at_once_and_one_too_many_is_told(start_hub):
    hub = start_hub()
    recording = record(hub, "one", pictures(20))
    readers = []
    try:
        for _ in range(64):
            readers.append(MjpegReader(f"{hub.url}{recording['mjpeg_url']}?speed=0.1"))
        refused = hub.get(recording["mjpeg_url"])
        assert_error(refused, 503, "REPLAY_LIMIT")
        assert int(refused.headers["Retry-After"]) > 0
        for reader in readers:
            reader.wait_for_parts(2)
    finally:
        for reader in readers:
            reader.close()
    eventually(lambda: hub.get(recording["mjpeg_url"] + "?speed=100").status_code == 200, "there is room again")


def test_h264_is_replayed_as_jpeg(start_hub):
    hub = start_hub("recording.codec=h264")
    recording = record(hub, "one", pictures(COUNT))
    parts = replayed(hub, recording, "speed=1")
    assert_as_filmed([part.number for part in parts], 1, COUNT)
    assert all(part.seq == part.number for part in parts)
    shown = hub.get(recording["snapshot_url"] + "?t=-0.001")
    assert number_of(shown.content) == COUNT
