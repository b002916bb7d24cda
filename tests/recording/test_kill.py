"""`kill -9` while several streams are recorded, and files cut short: what was recorded plays, to its last half second.

Six seeded moments by default; `FRAMEHUB_KILLS=200` tries as many.
"""

import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from support.pictures import number_of, read_number
from support.recordings import (
    Camera,
    assert_plays,
    folder,
    listed,
    metadata,
    on_disk,
    opencv,
    pictures,
    probe,
    stored,
)
from support.waiting import eventually

SEEDS = range(int(os.environ.get("FRAMEHUB_KILLS", "6")))
CODECS = ("mp4v", "mjpeg", "h264")
STREAMS = ("cam_a", "cam_b", "cam_c")
#: What a kill may cost, in seconds: a frame is in the file so long after it arrived, if the recorder's thread gets the
#: processor when it asks for it.
CLAIM = 0.5
#: A recorder's threads are so much nicer than others.
NICENESS = 5
FRAMES = pictures(120)


@dataclass
class Film:
    """A camera that runs until the hub is gone, and what the hub has acknowledged of it."""

    hub: object
    stream: str
    fps: float
    captured: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            with Camera(self.hub, self.stream, self.fps) as camera:
                for frame in FRAMES:
                    camera.film([frame])
                    self.captured.append(camera.captured)
        except (ConnectionClosed, OSError):
            pass


class Lateness:
    """The longest delay of a thread that has the recorder's priority and writes a file as often: what the tests beside
    this one do to the hub, too."""

    def __init__(self) -> None:
        self.worst = 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Lateness":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def _run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        asked = time.monotonic()
        while not self.ended.wait(0.02):
            with tempfile.NamedTemporaryFile() as file:
                file.write(bytes(4096))
            now = time.monotonic()
            self.worst = max(self.worst, now - asked - 0.02)
            asked = now


def span(lost: list[float]) -> float:
    """From the first of the lost frames to the last."""
    return lost[-1] - lost[0] if lost else 0.0


def numbers_in(path: Path, codec: str) -> list[int | None]:
    if codec == "h264":
        return [read_number(picture) for picture in opencv(path)]
    return [number_of(frame) for frame in stored(path)]


def readable_packets(path: Path) -> list[dict]:
    """Of a file as the crash left it, whatever ffprobe thinks of its end."""
    asked = ["ffprobe", "-v", "quiet", "-show_packets", "-of", "json", str(path)]
    text = subprocess.run(asked, capture_output=True, text=True, timeout=60).stdout
    return json.loads(text or "{}").get("packets", [])


@dataclass
class Cut:
    stream: str
    codec: str
    at: int
    #: When the frames that are whole in the rest are shown, in seconds.
    whole: list[float] = field(default_factory=list)


def make_cuts(hub, codec: str, random_number: random.Random, count: int) -> list[Cut]:
    """Copies of what the crash left, each cut at a random byte, as recordings of streams of their own."""
    # A file that was only just opened is empty.
    files = sorted(file for file in folder(hub).glob("cam_*/*.mp4") if file.stat().st_size)
    cuts = []
    for index in range(count if files else 0):
        source = random_number.choice(files)
        stamp = source.stem.removeprefix(source.parent.name)
        cut = Cut(f"cut_{index}", codec, random_number.randrange(source.stat().st_size))
        for packet in readable_packets(source):
            if int(packet["pos"]) + int(packet["size"]) <= cut.at:
                cut.whole.append(float(packet["pts_time"]))
        copy = folder(hub) / cut.stream / f"{cut.stream}{stamp}.mp4"
        copy.parent.mkdir()
        copy.write_bytes(source.read_bytes()[: cut.at])
        if source.with_suffix(".json").exists():
            shutil.copy(source.with_suffix(".json"), copy.with_suffix(".json"))
        cuts.append(cut)
    return cuts


def assert_healed(hub, recording: dict, codec: str) -> list[int | None]:
    """It is listed, described and played as what it is; gives the numbers of its frames."""
    assert recording["status"] == "healed", recording
    path = on_disk(hub, recording)
    beside = metadata(hub, recording)
    for name in ("status", "total_frames", "duration_seconds", "end_time", "codec"):
        assert beside[name] == recording[name], name
    assert recording["end_time"] > recording["start_time"]
    assert recording["size_bytes"] == path.stat().st_size
    seen = probe(path)
    assert len(seen["packets"]) == recording["total_frames"]
    assert float(seen["format"]["duration"]) == pytest.approx(recording["duration_seconds"], abs=0.05)
    assert_plays(path)
    numbers = numbers_in(path, codec)
    assert numbers == list(range(1, len(numbers) + 1)), "from the first frame on, without a hole"
    assert len(numbers) == recording["total_frames"]
    return numbers


def kill(hub) -> None:
    """With its log: the next start's stands alone."""
    hub.process.kill()
    hub.process.wait(10)
    hub.log.unlink()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_hub_loses_half_a_second_at_most(start_hub, seed):
    random_number = random.Random(seed)
    codec = CODECS[seed % len(CODECS)]
    hub = start_hub(f"recording.codec={codec}")
    with Lateness() as lateness:
        films = [Film(hub, stream, random_number.choice((5, 12, 25))) for stream in STREAMS]
        eventually(lambda: all(film.captured for film in films), "every stream has a frame")
        # The moment is the test's input: nothing is waited for.
        threading.Event().wait(random_number.uniform(0.0, 2.2))
        kill(hub)
        for film in films:
            film.thread.join(10)
    allowed = CLAIM + lateness.worst

    cuts = make_cuts(hub, codec, random_number, 3)
    as_left = {path.parent.name: len(readable_packets(path)) for path in folder(hub).glob("cam_*/*.mp4")}
    hub.start()
    if seed % 2:
        # Healing may be interrupted too.
        threading.Event().wait(random_number.uniform(0.0, 0.05))
        kill(hub)
        hub.start()
    eventually(lambda: "looked through the recordings" in hub.stderr(), "the recordings are looked through")
    found = {recording["stream_name"]: recording for recording in listed(hub)}

    for film in films:
        numbers = assert_healed(hub, found[film.stream], codec) if film.stream in found else []
        lost = span(film.captured[len(numbers) :])
        assert lost <= allowed, f"{lost:.2f} s are lost, {allowed:.2f} are allowed"
        if numbers:
            assert as_left[film.stream] >= len(numbers), "it played before it was recovered, too"
    for cut in cuts:
        if cut.stream not in found:
            assert span(cut.whole) <= allowed
            assert not (folder(hub) / cut.stream).exists(), "a recording of nothing goes, with its folder"
            continue
        assert_healed(hub, found[cut.stream], cut.codec)
        ends = float(probe(on_disk(hub, found[cut.stream]))["packets"][-1]["pts_time"])
        assert span([shown for shown in cut.whole if shown > ends + 0.001]) <= allowed
