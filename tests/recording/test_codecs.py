"""Each codec with a moving video of an uneven rate: ffprobe, ffmpeg, OpenCV, and the bytes themselves."""

import itertools
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from support.hub import Hub
from support.mjpeg import MjpegReader
from support.pictures import decode, read_number
from support.publishers import EndlessBody
from support.recordings import (
    Camera,
    assert_plays,
    command,
    on_disk,
    only,
    opencv,
    pictures,
    probe,
    record,
    stored,
    times,
    wait_for_frames,
)

CODECS = {"mp4v": "mjpeg", "mjpeg": "mjpeg", "h264": "h264"}
COUNT = 40
WIDTH, HEIGHT = 192, 144

#: When each frame is captured, in seconds: an uneven rate, and a pause of 0.8 s in the middle.
INTERVALS = [0.020, 0.033, 0.011, 0.040, 0.026]
FIRST_HALF = list(itertools.accumulate(itertools.islice(itertools.cycle(INTERVALS), COUNT // 2 - 1), initial=0.0))
PAUSE = 0.8
CAPTURED = FIRST_HALF + [FIRST_HALF[-1] + PAUSE + at for at in FIRST_HALF]


@dataclass
class Take:
    codec: str
    frames: list[bytes]
    recording: dict
    path: Path
    hub: object


def test_video(folder: Path) -> list[bytes]:
    """ffmpeg's moving test pattern, one JPEG a frame."""
    source = f"testsrc2=size={WIDTH}x{HEIGHT}:rate=10"
    made = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", str(COUNT), "-q:v", "2"]
    subprocess.run([*made, "-pix_fmt", "yuvj420p", f"{folder}/%03d.jpg"], check=True, timeout=60)
    return [file.read_bytes() for file in sorted(folder.glob("*.jpg"))]


test_video.__test__ = False


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    """The same video recorded by three hubs at once."""
    frames = test_video(tmp_path_factory.mktemp("video"))
    assert len(frames) == COUNT
    hubs = [Hub(tmp_path_factory.mktemp(codec), f"recording.codec={codec}", "recording.fps=240") for codec in CODECS]
    try:
        with ThreadPoolExecutor(len(hubs)) as pool:
            paths = list(pool.map(lambda hub: film(hub, frames), hubs))
        yield {
            codec: Take(codec, frames, only(hub, "camera1"), path, hub)
            for codec, hub, path in zip(CODECS, hubs, paths, strict=True)
        }
    finally:
        for hub in hubs:
            hub.stop()


def film(hub, frames: list[bytes]) -> Path:
    """Each half arrives at once, as over a network that stutters; the capture times say how it was."""
    hub.start()
    half = COUNT // 2
    with Camera(hub, "camera1") as camera:
        start, begun = time.time(), time.monotonic()
        camera.shoot(frames[:half], (start + at for at in CAPTURED[:half]))
        time.sleep(max(0.0, begun + CAPTURED[half] - time.monotonic()))
        camera.shoot(frames[half:], (start + at for at in CAPTURED[half:]))
    command(hub, "camera1", "stop")
    return on_disk(hub, only(hub, "camera1"))


@pytest.fixture(params=CODECS)
def take(takes, request) -> Take:
    return takes[request.param]


def test_ffprobe_tells_codec_size_and_every_frame(take):
    seen = probe(take.path)
    (video,) = seen["streams"]
    assert video["codec_name"] == CODECS[take.codec]
    assert (video["width"], video["height"]) == (WIDTH, HEIGHT)
    assert len(seen["packets"]) == COUNT
    assert take.recording["codec"] == take.codec
    assert (take.recording["width"], take.recording["height"]) == (WIDTH, HEIGHT)
    assert take.recording["total_frames"] == COUNT


def test_frames_are_shown_when_they_were_captured(take):
    shown = times(take.path)
    assert shown[0] == 0
    # A tick is 1/90000 s; capture times travel as microseconds.
    assert np.allclose(shown, CAPTURED, atol=5e-5), list(zip(shown, CAPTURED, strict=True))


def test_the_length_is_the_same_in_the_list_and_in_the_file(take):
    seen = probe(take.path)
    length = take.recording["duration_seconds"]
    assert float(seen["format"]["duration"]) == pytest.approx(length, abs=0.01)
    assert CAPTURED[-1] < length < CAPTURED[-1] + 0.2
    assert take.recording["average_fps"] == pytest.approx(COUNT / length, rel=0.01)


def test_ffmpeg_plays_it_without_a_remark(take):
    assert_plays(take.path)


def blurred(picture: np.ndarray) -> np.ndarray:
    """Decoders differ in how they spread colours over four pixels, not in what they are."""
    return cv2.resize(picture, (WIDTH // 8, HEIGHT // 8), interpolation=cv2.INTER_AREA).astype(int)


def test_opencv_reads_the_same_pictures(take):
    """In their order, and in their colours: H.264 would show a wrong matrix or range here."""
    seen = [blurred(picture) for picture in opencv(take.path)]
    sent = [blurred(decode(frame)) for frame in take.frames]
    assert len(seen) == COUNT
    for index, shown in enumerate(seen):
        off = [np.abs(shown - other).mean() for other in sent]
        assert int(np.argmin(off)) == index, f"frame {index} looks like frame {int(np.argmin(off))}"
        most = 5 if take.codec == "h264" else 2.5
        assert off[index] < most, f"frame {index} differs by {off[index]:.1f} on average"


def test_ffmpeg_begins_in_the_middle(take):
    """`-ss` finds its place by the index at the end."""
    at = CAPTURED[COUNT // 2] + 0.01
    asked = ["ffmpeg", "-nostdin", "-v", "error", "-ss", str(at), "-i", str(take.path), "-frames:v", "1"]
    done = subprocess.run([*asked, "-f", "image2pipe", "-c:v", "png", "-"], capture_output=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    picture = blurred(decode(done.stdout))
    off = [np.abs(picture - blurred(decode(other))).mean() for other in take.frames]
    assert abs(int(np.argmin(off)) - (COUNT // 2 + 1)) <= 1


@pytest.mark.parametrize("codec", CODECS)
def test_opencv_knows_how_many_frames_and_seeks(takes, codec, stream):
    """Of an even rate; of an uneven one OpenCV takes the mean."""
    recording = record(takes[codec].hub, stream, pictures(30))
    capture = cv2.VideoCapture(str(on_disk(takes[codec].hub, recording)))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == pytest.approx(30, abs=1)
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(30 / 0.9, rel=0.02)
    for wanted in (20, 3, 29):
        capture.set(cv2.CAP_PROP_POS_FRAMES, wanted)
        ok, frame = capture.read()
        assert ok and read_number(frame) == wanted + 1
    capture.release()


@pytest.mark.parametrize("codec", ["mp4v", "mjpeg"])
def test_jpegs_are_kept_to_the_byte(takes, codec):
    take = takes[codec]
    assert stored(take.path) == take.frames
    with MjpegReader(f"{take.hub.url}{take.recording['mjpeg_url']}?speed=10") as reader:
        reader.wait_for_end()
        assert set(part.jpeg for part in reader.parts) <= set(take.frames)


def test_h264_is_much_smaller(takes):
    assert takes["h264"].recording["size_bytes"] < takes["mp4v"].recording["size_bytes"] / 2


def test_a_faster_stream_is_thinned_to_the_rate_that_is_recorded(start_hub):
    hub = start_hub("recording.fps=5")
    now = time.time()
    with Camera(hub, "fast") as camera:
        camera.shoot(pictures(30), (now + index / 30 for index in range(30)))
    command(hub, "fast", "stop")
    kept = times(on_disk(hub, only(hub, "fast")))
    # Half a second's frames may come too early, as a network bunches them.
    assert 5 <= len(kept) <= 9, kept
    assert kept[-1] - kept[-2] >= 0.199, kept
    assert record(hub, "slow", pictures(4))["total_frames"] == 4, "a slower one keeps its own"


def test_capture_times_come_with_a_never_ending_body_too(start_hub):
    """`X-Timestamp` of each part: what arrives at once is shown as it was taken."""
    hub = start_hub()
    captured = [0.0, 0.05, 0.2, 0.24, 0.8]
    frames = pictures(len(captured))
    now = time.time()
    body = EndlessBody(hub.port, "/publish/camera1")
    for frame, at in zip(frames, captured, strict=True):
        body.part(frame, X_Timestamp=f"{now + at:.6f}")
    status, _ = body.end(closing=True)
    assert status == 200
    wait_for_frames(hub, "camera1", len(frames))
    command(hub, "camera1", "stop")
    path = on_disk(hub, only(hub, "camera1"))
    assert stored(path) == frames
    assert times(path) == pytest.approx(captured, abs=5e-5)
