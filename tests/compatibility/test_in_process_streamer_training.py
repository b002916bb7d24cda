"""The in-process streamer's commands and `env:` keys, with a humanoid in MuJoCo (docs/ref/compatibility.md).

Its port may be in use on a test machine; then the next free one is taken, which is part of what is promised.
"""

import json
import subprocess

import pytest

from support.browser import picture_of
from support.mjpeg import MjpegReader
from support.pictures import decode
from support.recordings import assert_plays
from support.shapes import assert_shape
from support.training import Training
from support.waiting import eventually

# The streamer's own example of its statistics.
STATISTICS = json.loads("""
{
  "frames_received": 1250,
  "frames_served": 1200,
  "frames_dropped": 50,
  "clients_connected": 2,
  "uptime_seconds": 42.5,
  "current_fps": 28.2,
  "server_running": true,
  "host": "127.0.0.1",
  "port": 8080
}
""")


def test_streaming_only_mode(tmp_path, page, output):
    """'`python train.py --config-name test_stream` trains and streams'"""
    with Training(tmp_path, "python train.py --config-name test_stream") as training:
        assert 8080 <= training.port < 8090
        assert decode(training.wait_for_frame()).shape == (768, 1024, 3), "videoResolution"
        page.goto(training.url)
        page.click("a[data-stream=default]")
        numbers = page.locator("#metadata")
        numbers.wait_for(state="visible", timeout=60_000)
        eventually(lambda: int(page.locator("[data-meta=step]").inner_text()) > 0, "steps are counted", 60)
        picture = picture_of(page.locator("#focus-canvas"))
        assert picture.std() > 10, "something is to be seen"
        picture_of(page, output / "training.png")
        answer = subprocess.run(["curl", "-s", f"{training.url}/stats"], capture_output=True, timeout=20)
        statistics = json.loads(answer.stdout)
        assert_shape(statistics, STATISTICS)
        assert statistics["port"] == training.port and statistics["clients_connected"] == 1
    assert training.process.returncode == 0 and "Traceback" not in "".join(training.said)
    assert not (training.folder / "recordings").exists(), "videoRecord is false"


def test_recording_and_streaming(tmp_path):
    """'`--config-name test_record env.videoStream=true` records as well'"""
    with Training(tmp_path, "python train.py --config-name test_record env.videoStream=true") as training:
        training.wait_for_frame()
        with MjpegReader(f"{training.url}/stream") as reader:
            eventually(lambda: len(reader.parts) >= 2, "pictures come", 60)
    (film,) = (training.folder / "recordings" / "default").glob("*.mp4")
    assert_plays(film)


def test_custom_port(tmp_path):
    """'Every `env:` key can be given on the command line'; 'A busy port moves on to the next free one'."""
    with Training(tmp_path, "python train.py --config-name test_stream env.videoStreamPort=8081") as training:
        assert 8081 <= training.port < 8091
        command = f"python train.py --config-name test_stream env.videoStreamPort={training.port} env.logLevel=DEBUG"
        with Training(tmp_path / "second", command) as second:
            assert training.port < second.port <= training.port + 10
            # At this level each line of the hub's log says where it comes from.
            eventually(lambda: "record::" in "".join(second.said), "it says more")


@pytest.mark.parametrize(
    "command, size",
    [
        (
            """python train.py --config-name test_stream \\
  env.videoStreamQuality=95 \\
  env.videoResolution=[1920,1080]""",
            (1080, 1920, 3),
        ),
        (
            "python train.py --config-name test_stream"
            " env.videoStreamQuality=60 env.videoFps=15.0 env.videoResolution=[800,600]",
            (600, 800, 3),
        ),
    ],
    ids=["high_quality_stream", "slow_or_choppy_streaming"],
)
def test_quality(tmp_path, command, size):
    """'port, quality, resolution, rate, log level'"""
    with Training(tmp_path, command) as training:
        assert decode(training.wait_for_frame()).shape == size
