"""`framehub publish` and `framehub watch` with real files, made by ffmpeg here."""

import json
import re
import subprocess

import pytest
import requests

from support.browser import number_on
from support.hub import Hub
from support.mjpeg import MjpegReader
from support.pictures import jpeg, number_of, png
from support.ports import fixed_port
from support.program import Running, framehub, last_json
from support.readers import OpenCv
from support.recordings import command, on_disk, only, recorder, stored
from support.waiting import eventually

FRAMES = 20


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Numbered pictures as a folder, and the same as video files of each kind."""
    folder = tmp_path_factory.mktemp("videos")
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(1, FRAMES + 1):
        (pictures / f"{number:04}.jpg").write_bytes(jpeg(number))

    def make(name: str, *options: str) -> None:
        command = ["ffmpeg", "-loglevel", "error", "-y", "-framerate", "20", "-i", str(pictures / "%04d.jpg"), *options]
        subprocess.run([*command, str(folder / name)], check=True, timeout=60)

    make("mjpeg.avi", "-c", "copy")
    make("mjpeg.mp4", "-c", "copy")
    make("mjpeg.mov", "-c", "copy")
    make("plain.mjpeg", "-c", "copy", "-f", "mjpeg")
    make("h264.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "10")
    make("vp8.webm", "-c:v", "libvpx", "-b:v", "2M")
    return folder


def publish(hub, folder, source, stream, *options):
    return framehub("publish", str(source), "--to", f"{hub.url}/publish/{stream}", *options, folder=folder)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Records every frame that comes, however quickly."""
    with Hub(tmp_path_factory.mktemp("hub"), "recording.fps=240") as started:
        yield started


@pytest.mark.parametrize("name", ["mjpeg.avi", "mjpeg.mp4", "mjpeg.mov", "plain.mjpeg"])
def test_video_with_jpeg_inside_is_sent_as_it_is(hub, stream, videos, name):
    """In order, byte for byte, to the end; frames that are late on a busy machine are left out, and counted.

    A recording has all that arrives.
    """
    hub.put_frame(stream, 100)
    eventually(lambda: recorder(hub, stream)["recording"], "it is being recorded")
    done = publish(hub, videos, name, stream, "--no-loop")
    assert done.returncode == 0, done.stderr
    command(hub, stream, "stop")
    sent, skipped = map(int, re.search(r"sent (\d+) frames.* skipped (\d+)", done.stdout + done.stderr).groups())
    assert sent + skipped == FRAMES
    kept = stored(on_disk(hub, only(hub, stream)))
    numbers = [number_of(frame) for frame in kept]
    assert kept == [jpeg(number) for number in numbers]
    assert numbers[0] == 100 and numbers[1:] == sorted(set(numbers[1:])) and numbers[-1] == FRAMES, numbers
    assert hub.stats(stream)["total_frames"] == len(kept) == sent + 1


@pytest.mark.parametrize("name", ["h264.mp4", "vp8.webm"])
def test_other_video_goes_through_ffmpeg(hub, stream, videos, name):
    done = publish(hub, videos, name, stream, "--no-loop")
    assert done.returncode == 0, done.stderr
    assert hub.stats(stream)["total_frames"] > 1
    assert number_of(hub.snapshot(stream)) == FRAMES


def test_a_looping_video_is_seen_by_opencv_and_chromium(hub, stream, videos, page):
    with Running("publish", str(videos / "h264.mp4"), "--to", f"{hub.url}/publish/{stream}", folder=videos) as running:
        eventually(lambda: hub.get(f"/api/streams/{stream}/stats").status_code == 200, timeout=20)
        with OpenCv(f"{hub.url}/stream/{stream}") as reader:
            eventually(
                lambda: 1 in (n := reader.numbers) and FRAMES in n and 1 in n[n.index(FRAMES) :], "round and round"
            )
        page.goto(f"{hub.url}/stream/{stream}", wait_until="commit")
        seen = set()
        eventually(lambda: seen.add(number_on(page.locator("img"))) or len(seen - {None}) >= 4, "moving in Chromium")
        code, stderr = running.interrupt()
        assert code == 0, stderr
    eventually(lambda: hub.stats(stream)["publisher_connected"] is False)


def test_a_folder_of_pictures(hub, stream, videos, tmp_path):
    pictures = tmp_path / "mixed"
    pictures.mkdir()
    (pictures / "a.jpg").write_bytes(jpeg(1))
    (pictures / "b.png").write_bytes(png(2))
    (pictures / "notes.txt").write_text("no picture")
    done = publish(hub, tmp_path, pictures, stream, "--no-loop", "--fps", "2")
    assert done.returncode == 0, done.stderr
    assert hub.stats(stream)["total_frames"] == 2
    assert number_of(hub.snapshot(stream)) == 2


def test_a_pipe_from_ffmpeg(hub, stream, videos):
    """`ffmpeg -i INPUT -f mpjpeg - | framehub publish - --to …`"""
    source = subprocess.Popen(
        ["ffmpeg", "-loglevel", "error", "-re", "-i", str(videos / "h264.mp4"), "-q:v", "2", "-f", "mpjpeg", "-"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    done = framehub("publish", "-", "--to", f"{hub.url}/publish/{stream}", folder=videos, stdin=source.stdout)
    source.stdout.close()
    assert source.wait(10) == 0
    assert done.returncode == 0, done.stderr
    assert number_of(hub.snapshot(stream)) == FRAMES


def test_a_pipe_of_jpegs(hub, stream, videos):
    with (videos / "plain.mjpeg").open("rb") as stdin:
        done = framehub(
            "publish", "-", "--to", f"{hub.url}/publish/{stream}", "--fps", "20", folder=videos, stdin=stdin
        )
    assert done.returncode == 0, done.stderr
    assert hub.snapshot(stream) == jpeg(FRAMES)


def test_the_test_pattern(hub, stream, tmp_path):
    done = publish(hub, tmp_path, "testsrc", stream, "--duration", "1", "--size", "320x240", "--fps", "10")
    assert done.returncode == 0, done.stderr
    statistics = hub.stats(stream)
    assert 1 <= statistics["total_frames"] <= 12
    assert (statistics["width"], statistics["height"]) == (320, 240)


def test_the_name_comes_from_the_source(hub, videos):
    done = framehub("publish", "mjpeg.avi", "--to", hub.url, "--no-loop", folder=videos)
    assert done.returncode == 0, done.stderr
    assert hub.stats("mjpeg")["total_frames"] > 0


@pytest.mark.parametrize(
    ("source", "to", "words"),
    [
        ("nowhere.mp4", "{}/publish/x", "nowhere.mp4"),
        ("text.mp4", "{}/publish/x", "text.mp4"),
        ("empty", "{}/publish/x", "empty"),
        ("mjpeg.avi", "{}/publish/a.b", "name"),
        ("mjpeg.avi", "http://127.0.0.1:1/publish/x", "127.0.0.1:1"),
        ("mjpeg.avi", "https://127.0.0.1:1/publish/x", "https"),
    ],
)
def test_what_cannot_be_published_is_one_clear_line(hub, videos, source, to, words):
    (videos / "text.mp4").write_text("this is no video")
    (videos / "empty").mkdir(exist_ok=True)
    done = framehub("publish", source, "--to", to.format(hub.url), "--no-loop", folder=videos)
    assert done.returncode in (1, 2)
    assert words in done.stderr and "panicked" not in done.stderr
    assert sum(line.startswith("error: ") for line in done.stderr.splitlines()) == 1


def test_a_stream_that_is_taken(hub, stream, videos):
    arguments = ("publish", "testsrc", "--to", f"{hub.url}/publish/{stream}", "--size", "160x120", "--fps", "10")
    with Running(*arguments, folder=videos) as first:
        eventually(lambda: hub.get(f"/api/streams/{stream}/stats").status_code == 200)
        refused = framehub(*arguments, "--duration", "1", folder=videos)
        assert refused.returncode == 1 and "takeover" in refused.stderr
        taken = framehub(*arguments, "--duration", "1", "--takeover", folder=videos)
        assert taken.returncode == 0, taken.stderr
        frames = hub.stats(stream)["total_frames"]
        eventually(
            lambda: hub.stats(stream)["total_frames"] > frames, "the first one comes back when the place is free"
        )
        assert first.interrupt()[0] == 0


def test_publish_survives_a_restart_of_the_hub(start_hub, videos):
    port = fixed_port()
    hub = start_hub(f"server.port={port}")
    arguments = ("publish", "testsrc", "--to", f"{hub.url}/publish/s", "--size", "160x120", "--fps", "10")
    with Running(*arguments, folder=videos) as running:
        eventually(lambda: hub.get("/api/streams/s/stats").status_code == 200)
        hub.stop()
        again = start_hub(f"server.port={port}")
        eventually(lambda: again.get("/api/streams/s/stats").status_code == 200, "it comes back by itself", timeout=30)
        assert running.interrupt()[0] == 0


# ---- watch ----


def test_watch_counts_and_saves(hub, stream, videos, tmp_path):
    hub.put_frame(stream, 1)
    watching = Running(
        "watch", f"{hub.url}/stream/{stream}", "--save", "frames", "--count", "5", "--json", folder=tmp_path
    )
    with watching:
        hub.wait_for_viewers(stream, 1)
        for number in range(2, 6):
            eventually(lambda n=number: (tmp_path / "frames" / f"{stream}_{n - 1:06}.jpg").exists())
            hub.put_frame(stream, number)
        stdout, stderr = watching.process.communicate(timeout=20)
        assert watching.process.returncode == 0, stderr
    totals = last_json(stdout)
    assert totals["frames"] == 5, totals
    for number in range(1, 6):
        assert (tmp_path / "frames" / f"{stream}_{number:06}.jpg").read_bytes() == jpeg(number)


def test_watch_tells_rate_age_and_gaps(hub, stream, videos):
    arguments = ("publish", "testsrc", "--to", f"{hub.url}/publish/{stream}", "--size", "160x120", "--fps", "20")
    with Running(*arguments, folder=videos):
        eventually(lambda: hub.get(f"/api/streams/{stream}/stats").status_code == 200)
        done = framehub("watch", f"{hub.url}/stream/{stream}", "--duration", "2", folder=videos)
        assert done.returncode == 0, done.stderr
        for word in ("fps", "age"):
            assert word in done.stdout.lower(), done.stdout
        capped = framehub("watch", f"{hub.url}/stream/{stream}?fps=5", "--duration", "2", "--json", folder=videos)
        totals = last_json(capped.stdout)
        assert totals["skipped"] > 0, json.dumps(totals)
        assert totals["frames"] <= 15


def test_watch_the_default_stream(start_hub, videos):
    hub = start_hub()
    hub.put_frame("s", 1)
    done = framehub("watch", hub.url, "--count", "1", "--json", folder=videos)
    assert done.returncode == 0 and last_json(done.stdout)["frames"] == 1, done.stderr


def test_watch_what_is_not_there(hub, stream, videos):
    done = framehub("watch", f"{hub.url}/stream/{stream}", "--count", "1", folder=videos)
    assert done.returncode == 1
    assert stream in done.stderr and done.stderr.startswith("error: ")
    hub.put_frame(stream, 1)
    done = framehub("watch", f"{hub.url}/stream/{stream}", "--count", "2", "--timeout", "0.5", folder=videos)
    assert done.returncode == 1


def test_watch_ends_with_its_stream(hub, stream, videos):
    hub.put_frame(stream, 1)
    with Running("watch", f"{hub.url}/stream/{stream}", folder=videos) as watching:
        hub.wait_for_viewers(stream, 1)
        with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
            reader.wait_for_number(1)
        requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
        assert watching.process.wait(20) == 0, "nothing more was asked for"
