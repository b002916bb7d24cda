"""docs/guide/integrations.md: every address that it gives to other programs, used as they use it."""

import re
import subprocess
from urllib.parse import urlsplit

import cv2
import pytest
import requests
import yaml

from support.feeder import Feeder
from support.hub import ROOT
from support.pictures import number_of
from support.waiting import eventually

GUIDE = (ROOT / "docs" / "guide" / "integrations.md").read_text()
YAML = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)]

#: What Frigate's presets of these names hand to ffmpeg.
PRESETS = {
    "preset-http-mjpeg-generic": "-avoid_negative_ts make_zero -fflags nobuffer -flags low_delay -strict experimental "
    "-fflags +genpts+discardcorrupt -use_wallclock_as_timestamps 1",
    "preset-record-mjpeg": "-f segment -segment_time 10 -segment_format mp4 -reset_timestamps 1 -strftime 1 "
    "-c:v libx264 -an",
}


def block(key: str) -> dict:
    return next(block for block in YAML if isinstance(block, dict) and key in block)


def here(hub, address: str) -> str:
    """The guide's address on the hub under test."""
    parts = urlsplit(address.replace("HUB", "http://hub.local:5000"))
    return hub.url + parts.path + (f"?{parts.query}" if parts.query else "")


def stream_of(address: str) -> str:
    return address.split("/stream/")[1].split("/")[0].split("?")[0]


def test_the_guides_table(hub):
    addresses = re.findall(r"^\| .* \| `(HUB/\S+)` \|$", GUIDE, re.MULTILINE)
    assert len(addresses) == 3
    hub.put_frame("camera1", 1)
    for address in addresses:
        with requests.get(here(hub, address), timeout=10, stream=True) as answer:
            assert answer.status_code == 200, address


def test_home_assistants_camera_with_a_password(start_hub):
    """Its MJPEG camera sends the password as basic authentication."""
    hub = start_hub(env={"API_KEYS": "let-me-in-please"})
    key = {"X-API-Key": "let-me-in-please"}
    hub.publish("camera1", 1, headers=key)
    still, stream = (re.search(rf"{what} URL: `(\S+)`", GUIDE)[1] for what in ("Still image", "MJPEG"))
    for address, kind in ((still, "image/jpeg"), (stream, "multipart/x-mixed-replace")):
        assert requests.get(here(hub, address), timeout=10).status_code == 401
        with requests.get(here(hub, address), auth=("me", "let-me-in-please"), timeout=10, stream=True) as answer:
            assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(kind)


def test_home_assistants_sensors(hub):
    hub.put_frame("camera1", 1)
    (rest,) = block("rest")["rest"]
    statistics = requests.get(here(hub, rest["resource"]), timeout=10).json()
    for sensor in rest["sensor"]:
        field = re.search(r"value_json\.(\w+)", sensor["value_template"])[1]
        assert isinstance(statistics[field], (int, float)), field


def test_home_assistants_iframe(hub, page):
    card = block("aspect_ratio")
    with Feeder(hub.url, stream_of(card["url"]), fps=5):
        page.set_content(f'<iframe src="{here(hub, card["url"])}" width="640" height="480"></iframe>')
        body = page.frame_locator("iframe").locator("body")
        eventually(lambda: body.get_attribute("data-state") == "live")


def test_octoprint(hub):
    webcam = block("plugins")["plugins"]["classicwebcam"]
    with Feeder(hub.url, stream_of(webcam["stream"]), fps=5) as feeder:
        eventually(lambda: feeder.sent > 0)
        capture = cv2.VideoCapture(here(hub, webcam["stream"]), cv2.CAP_FFMPEG)
        assert capture.read()[0]
        capture.release()
        assert number_of(requests.get(here(hub, webcam["snapshot"]), timeout=10).content) is not None


@pytest.mark.parametrize("role", ["detect", "record"])
def test_frigate(hub, tmp_path, role):
    camera = block("cameras")["cameras"]["camera1"]
    settings, size = camera["ffmpeg"], camera["detect"]
    address = settings["inputs"][0]["path"]
    command = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-user_agent", "FFmpeg Frigate"]
    command += [*PRESETS[settings["input_args"]].split(), "-i", here(hub, address), "-t", "2"]
    if role == "detect":
        command += ["-r", str(size["fps"]), "-s", f"{size['width']}x{size['height']}", "-f", "rawvideo"]
        command += ["-pix_fmt", "yuv420p", str(tmp_path / "frames")]
    else:
        command += [*PRESETS[settings["output_args"]["record"]].split(), str(tmp_path / "%Y%m%d%H%M%S.mp4")]
    with Feeder(hub.url, stream_of(address), fps=10) as feeder:
        eventually(lambda: feeder.sent > 0)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    if role == "detect":
        frames = (tmp_path / "frames").stat().st_size / (size["width"] * size["height"] * 3 / 2)
        assert frames == int(frames) and 5 <= frames <= 12
    else:
        (file,) = tmp_path.glob("*.mp4")
        asked = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=codec_name,nb_read_frames"]
        probed = subprocess.run([*asked, "-of", "csv=p=0", file], capture_output=True, text=True, timeout=60)
        codec, frames = probed.stdout.strip().split(",")
        assert codec == "h264" and int(frames) >= 4


def test_ffmpegs_recording_lasts_as_long_as_what_it_shows(hub, tmp_path):
    line = re.search(r"^ffmpeg (.*) out\.mp4$", GUIDE, re.MULTILINE)[1]
    address = re.search(r'"(http\S+)"', line)[1]
    words = [here(hub, address) if word.strip('"') == address else word for word in line.split()]
    with Feeder(hub.url, stream_of(address), fps=10) as feeder:
        eventually(lambda: feeder.sent > 0)
        command = ["ffmpeg", "-loglevel", "error", *words, "-t", "3", str(tmp_path / "out.mp4")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    capture, numbers = cv2.VideoCapture(str(tmp_path / "out.mp4")), set()
    while (read := capture.read())[0]:
        numbers.add(number_of(cv2.imencode(".jpg", read[1])[1].tobytes()))
    assert 15 <= len(numbers) <= 40, "three seconds of ten pictures, some of them twice"
