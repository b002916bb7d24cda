"""One stream large: its picture, statistics, snapshot, addresses and commands to copy."""

import shlex
import subprocess
import sys

import pytest

from support.browser import picture_of
from support.feeder import Feeder
from support.hub import BINARY, clean_environment
from support.pictures import jpeg, number_of, read_number
from support.publishers import SocketPublisher
from support.waiting import eventually


@pytest.fixture
def opened(start_hub, page):
    """A hub with two streams, one of them opened from the wall."""
    hub = start_hub()
    with Feeder(hub.url, "left", "right", fps=8):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=hub.url)
        page.goto(hub.url + "/")
        page.click("a.tile[data-stream=right]")
        eventually(lambda: page.locator("#focus").get_attribute("data-state") == "live")
        yield hub, page


def number_on_stage(page) -> int | None:
    picture = picture_of(page.locator("#focus-canvas"))
    height, width = picture.shape[:2]
    wide, high = min(width, height * 4 // 3), min(height, width * 3 // 4)
    top, left = (height - high) // 2, (width - wide) // 2
    return read_number(picture[top : top + high, left : left + wide])


def test_only_the_large_stream_is_watched(opened, output):
    hub, page = opened
    assert page.url.endswith("#right")
    first = eventually(lambda: number_on_stage(page), "a picture")
    eventually(lambda: number_on_stage(page) not in (None, first), "a moving picture")
    eventually(lambda: (hub.viewers("left"), hub.viewers("right")) == (0, 1))
    picture_of(page, output / "focus.png")
    page.keyboard.press("Escape")
    eventually(lambda: (hub.viewers("left"), hub.viewers("right")) == (1, 1), "the wall again")
    page.go_forward()
    eventually(lambda: page.locator("#focus-name").inner_text() == "right")


def test_statistics_are_refreshed_every_two_seconds(opened):
    _, page = opened

    def value(name: str) -> float:
        return float(page.locator(f"#stats-panel [data-key={name}]").get_attribute("data-value") or 0)

    eventually(lambda: value("frames_received") > 0)
    for _ in range(2):
        before = value("frames_received")
        eventually(lambda b=before: value("frames_received") > b, "refreshed")
    assert value("clients_connected") == 1
    eventually(lambda: 2 < value("current_fps") < 11)
    assert page.locator("#stats-panel [data-key=server_running]").inner_text() == "Running"


def test_snapshot_is_the_published_file(opened):
    _, page = opened
    with page.expect_download() as download:
        page.click("#focus-snapshot")
    assert download.value.suggested_filename.startswith("right_")
    assert download.value.suggested_filename.endswith(".jpg")
    data = open(download.value.path(), "rb").read()
    assert data == jpeg(number_of(data)), "byte for byte"


def copied(page, key: str) -> str:
    row = page.locator(f"#focus [data-copy={key}]")
    row.locator("button.copy").click(no_wait_after=True)
    # Watched from within the page: it says so for a moment only.
    row.locator("button.copy", has_text="Copied").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def test_copied_addresses_work(opened):
    hub, page = opened
    assert copied(page, "mjpeg") == f"{hub.url}/stream/right"
    snapshot = copied(page, "snapshot")
    assert number_of(hub.get(snapshot.removeprefix(hub.url)).content) is not None
    embed = copied(page, "embed")
    assert f'src="{hub.url}/stream/right/embed"' in embed and embed.startswith("<iframe")
    assert copied(page, "websocket") == f"{hub.ws}/stream/right?format=binary"


def test_copied_publish_commands_work(start_hub, page, tmp_path):
    """Runs the commands that the page shows, as they stand."""
    hub = start_hub()
    hub.put_frame("mine", 1)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=hub.url)
    page.goto(hub.url + "/#mine")
    (tmp_path / "picture.jpg").write_bytes(jpeg(7))
    (tmp_path / "framehub").symlink_to(BINARY)
    eventually(lambda: page.locator("#focus [data-copy=curl]").count())

    def run(command: str) -> None:
        environment = clean_environment()
        environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
        done = subprocess.run(shlex.split(command), cwd=tmp_path, env=environment, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()

    run(copied(page, "curl"))
    assert number_of(hub.snapshot("mine")) == 7
    make = "ffmpeg -loglevel error -f lavfi -i testsrc=size=320x240:rate=10 -t 1 video.mp4"
    run(make)
    frames = hub.stats("mine")["total_frames"]
    run(copied(page, "framehub") + " --no-loop")
    assert hub.stats("mine")["total_frames"] > frames
    (tmp_path / "picture.jpg").write_bytes(jpeg(9))
    python = copied(page, "python")
    done = subprocess.run([sys.executable, "-c", python], cwd=tmp_path, capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    assert "success" in done.stdout
    assert number_of(hub.snapshot("mine")) == 9


def test_full_screen(opened):
    _, page = opened
    page.click("#focus-full")
    eventually(lambda: page.evaluate("document.fullscreenElement?.id") == "stage")
    eventually(lambda: number_on_stage(page) is not None)
    page.evaluate("document.exitFullscreen()")
    eventually(lambda: page.evaluate("document.fullscreenElement === null"))


def test_stepping_to_the_neighbour(opened):
    hub, page = opened
    page.keyboard.press("ArrowRight")
    eventually(lambda: page.locator("#focus-name").inner_text() == "left")
    eventually(lambda: (hub.viewers("left"), hub.viewers("right")) == (1, 0))
    page.click("#focus-back")
    page.locator("a.tile").first.wait_for(state="visible")


def test_metadata_stands_beside_the_picture(start_hub, page):
    hub = start_hub()
    with SocketPublisher(hub.ws, "sim") as publisher:
        publisher.send(jpeg(1), {"reward": 0.7, "episode": {"step": 41}})
        page.goto(hub.url + "/#sim")
        panel = page.locator("#metadata")
        panel.wait_for(state="visible")
        eventually(
            lambda: "reward" in panel.inner_text() and "0.7" in panel.inner_text() and "41" in panel.inner_text()
        )


def test_an_address_opened_directly_waits_for_its_stream(start_hub, page):
    hub = start_hub()
    page.goto(hub.url + "/#later")
    eventually(lambda: "No such stream yet" in page.locator("#stage-note").inner_text())
    hub.put_frame("later", 3)
    eventually(lambda: number_on_stage(page) == 3)


def test_statistics_page(start_hub, page, output):
    hub = start_hub()
    with Feeder(hub.url, "left", "right", fps=8):
        page.goto(hub.url + "/stats-page")
        row = page.locator("tr[data-stream=left]")
        row.wait_for()
        eventually(lambda: "320" in row.inner_text())
        eventually(lambda: page.locator("[data-key=status]").inner_text() == "Healthy")
        before = row.inner_text()
        eventually(lambda: row.inner_text() != before, "it refreshes by itself")
        picture_of(page, output / "stats-page.png")
        row.locator("a").click()
        eventually(lambda: page.locator("#focus-name").inner_text() == "left")


def test_the_api_page_lists_the_routes(start_hub, page, output):
    hub = start_hub()
    page.goto(hub.url + "/docs/")
    eventually(lambda: "/publish/{name}" in page.inner_text("body"), "the API page shows the routes")
    picture_of(page, output / "api-page.png")
