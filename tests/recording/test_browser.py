"""H.264 recordings in Chromium's own player, finished and while they grow; JPEG ones fetched as pictures."""

import time

import pytest

from support.browser import number_on
from support.hub import Hub
from support.pictures import decode, read_number
from support.recordings import Camera, command, only, pictures, record, wait_for_frames
from support.waiting import eventually

SIZE = (320, 240)
COUNT = 50
FPS = 50

PAGE = """
<video id="player" muted width="320" height="240" src="{url}"></video>
<script>
  window.failure = null;
  document.getElementById("player").addEventListener("error", (event) => {{
    window.failure = event.target.error.message || String(event.target.error.code);
  }});
</script>
"""


@pytest.fixture(scope="module")
def h264(tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("h264"), "recording.codec=h264", "recording.fps=60") as hub:
        yield hub


class Player:
    """A `<video>` and what it says of itself."""

    def __init__(self, page, url: str):
        self.page = page
        self.element = page.locator("#player")
        page.set_content(PAGE.format(url=url))
        eventually(self.is_ready, "the player knows what it plays")

    def is_ready(self) -> bool:
        assert self.page.evaluate("window.failure") is None
        return self.get("readyState") >= 1

    def get(self, name: str):
        return self.page.evaluate(f"document.getElementById('player').{name}")

    def play(self) -> None:
        self.page.evaluate("document.getElementById('player').play()")

    def seek(self, seconds: float) -> None:
        self.page.evaluate(f"document.getElementById('player').currentTime = {seconds}")
        eventually(lambda: not self.get("seeking") and self.get("readyState") >= 2, f"it is at {seconds} s")

    def number(self) -> int | None:
        return number_on(self.element)

    def wait_for_number(self, number: int) -> None:
        seen = []

        def look() -> bool:
            seen.append(self.number())
            return seen[-1] == number

        try:
            eventually(look, f"frame {number} is painted")
        except AssertionError as late:
            raise AssertionError(f"{late}; at {self.get('currentTime')} s of {self.get('duration')}: {seen}") from None


def test_it_knows_size_and_length_plays_to_the_end_and_seeks(h264, page):
    recording = record(h264, "film", pictures(COUNT, size=SIZE), span=COUNT / FPS)
    assert recording["plays_in_browser"] is True
    player = Player(page, h264.url + recording["url"])
    assert (player.get("videoWidth"), player.get("videoHeight")) == SIZE
    assert player.get("duration") == pytest.approx(recording["duration_seconds"], abs=0.05)
    player.play()
    eventually(lambda: player.get("ended"), "it plays to its end")
    assert page.evaluate("window.failure") is None
    player.wait_for_number(COUNT)
    for index in (30, 5, 42, 0):
        player.seek((index + 0.5) / FPS)
        player.wait_for_number(index + 1)


def test_a_growing_file_plays_from_its_beginning(h264, page):
    """What is there when it is opened; opened again, more."""
    with Camera(h264, "grows", FPS) as camera:
        now = time.time()
        camera.shoot(pictures(30, size=SIZE), (now + index / FPS for index in range(30)))
        wait_for_frames(h264, "grows", 30)
        url = h264.url + only(h264, "grows")["url"]
        player = Player(page, url)
        assert (player.get("videoWidth"), player.get("videoHeight")) == SIZE
        player.seek(10.5 / FPS)
        player.wait_for_number(11)
        player.play()
        eventually(lambda: player.get("ended") or player.get("currentTime") >= 29 / FPS, "it plays what there is")
        assert page.evaluate("window.failure") is None

        player_length = player.get("duration")
        camera.shoot(pictures(20, first=31, size=SIZE))
        wait_for_frames(h264, "grows", 50)
        # Chromium keeps what it has of an address for five minutes, whatever the headers say.
        again = Player(page, url + "?again=1")
        assert again.get("duration") > player_length
        again.seek(again.get("duration") - 0.01)
        again.wait_for_number(50)
    command(h264, "grows", "stop")
    finished = Player(page, url + "?again=2")
    assert finished.get("duration") == pytest.approx(only(h264, "grows")["duration_seconds"], abs=0.05)


def test_a_recording_healed_after_a_crash_plays(tmp_path_factory, page):
    hub = Hub(tmp_path_factory.mktemp("healed"), "recording.codec=h264", "recording.fps=60")
    with hub:
        with Camera(hub, "crash", FPS) as camera:
            now = time.time()
            camera.shoot(pictures(30, size=SIZE), (now + index / FPS for index in range(30)))
            wait_for_frames(hub, "crash", 30)
            hub.process.kill()
            hub.process.wait(10)
        hub.start()
        recording = eventually(
            lambda: (found := only(hub, "crash"))["status"] == "healed" and found, "the recording is recovered"
        )
        player = Player(page, hub.url + recording["url"])
        assert player.get("duration") == pytest.approx(30 / FPS, abs=0.1)
        player.seek(29.5 / FPS)
        player.wait_for_number(30)


def test_odd_sizes_play(h264, page):
    recording = record(h264, "odd", pictures(10, size=(161, 121)), span=0.5)
    assert (recording["width"], recording["height"]) == (161, 121)
    player = Player(page, h264.url + recording["url"])
    # H.264's colours are for two by two pixels: a row and a column are added, which replaying takes off again.
    assert (player.get("videoWidth"), player.get("videoHeight")) == (162, 122)
    player.seek(0.47)
    player.wait_for_number(10)
    shown = decode(h264.get(recording["snapshot_url"] + "?t=-0").content)
    assert shown.shape == (121, 161, 3) and read_number(shown) == 10


def test_pictures_of_a_recording_for_scrubbing(h264, page):
    recording = record(h264, "scrub", pictures(20, size=SIZE), span=0.8)
    for index in (3, 17):
        seconds = (index + 0.5) * 0.8 / 20
        page.set_content(f'<img src="{h264.url}{recording["snapshot_url"]}?t={seconds}" width="320" height="240">')
        eventually(lambda: number_on(page.locator("img")) == index + 1, f"frame {index + 1} is shown")
