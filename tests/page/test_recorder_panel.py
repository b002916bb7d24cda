"""The recorder beside a live stream: is it recorded, start and stop, rewind, save the last minute."""

import pytest

from support.browser import picture_of
from support.feeder import Feeder
from support.pictures import number_of, read_number
from support.recorded import recordings
from support.recordings import recorder, wait_for_frames
from support.waiting import eventually

FPS = 10


@pytest.fixture
def live(start_hub, page):
    """A hub that records what is published to `cam`, and the page that shows it."""
    hub = start_hub("recording.enabled=true")
    with Feeder(hub.url, "cam", fps=FPS, cycle=600):
        wait_for_frames(hub, "cam", 5)
        page.goto(hub.url + "/#cam")
        eventually(lambda: page.locator("#focus").get_attribute("data-state") == "live")
        yield hub, page


def number_on_stage(page) -> int | None:
    picture = picture_of(page.locator("#focus-canvas"))
    height, width = picture.shape[:2]
    wide, high = min(width, height * 4 // 3), min(height, width * 3 // 4)
    top, left = (height - high) // 2, (width - wide) // 2
    return read_number(picture[top : top + high, left : left + wide])


def state(page) -> str | None:
    return page.locator("#recorder").get_attribute("data-recorder")


def test_recording_is_shown_stopped_and_started(live):
    hub, page = live
    eventually(lambda: state(page) == "recording")
    assert "Recording for" in page.locator("#recorder-state").inner_text()
    page.click("#record")
    eventually(lambda: state(page) == "off")
    assert recorder(hub, "cam")["recording"] is False
    assert page.locator("#record").inner_text().strip() == "Record"
    page.click("#record")
    eventually(lambda: state(page) == "recording")
    eventually(lambda: len(recordings(hub, "cam")) == 2, "a second file")


def test_rewind_shows_the_past_and_live_brings_back(live, output):
    hub, page = live
    eventually(lambda: recorder(hub, "cam")["duration_seconds"] > 10, "ten seconds are recorded")
    page.click("[data-rewind='10']")
    eventually(lambda: page.locator("#focus").get_attribute("data-state") == "rewound")

    def behind() -> int:
        shown = number_on_stage(page)
        return 0 if shown is None else (number_of(hub.snapshot("cam")) or 0) - shown

    eventually(lambda: behind() > 3 * FPS, "ten seconds behind")
    first = eventually(lambda: number_on_stage(page), "a picture of the past")
    eventually(lambda: (number_on_stage(page) or 0) > first, "and moving")
    assert page.locator("#rewound").inner_text() == "10 s ago"
    assert page.locator("#rewind-live").get_attribute("aria-pressed") == "false"
    picture_of(page, output / "rewound.png")
    page.click("#rewind-live")
    eventually(lambda: page.locator("#focus").get_attribute("data-state") == "live")
    eventually(lambda: -FPS < behind() < 3 * FPS, "live again")


def test_what_was_not_recorded_cannot_be_rewound_to(live):
    _, page = live
    page.click("[data-rewind='300']")
    eventually(lambda: page.locator("#recorder-note").inner_text() != "", "it says why")
    eventually(lambda: page.locator("#focus").get_attribute("data-state") == "live", "and stays live")


def test_the_last_minute_is_saved_and_can_be_watched(live):
    hub, page = live
    wait_for_frames(hub, "cam", 3 * FPS)
    page.click("#clip")
    link = page.locator("#recorder-note a")
    link.wait_for(timeout=20_000)
    clip = next(one for one in recordings(hub, "cam") if one["kind"] == "clip")
    assert link.get_attribute("title") == clip["file"]
    link.click()
    page.wait_for_url("**/recordings#cam/*")
    eventually(lambda: page.locator("#playing-file").inner_text() == clip["file"])
    eventually(lambda: float(page.locator("#seek").input_value()) > 0.5, "it plays")


def test_no_recording_to_save_is_said_so(start_hub, page):
    hub = start_hub("recording.enabled=true")
    with Feeder(hub.url, "cam", fps=FPS):
        page.goto(hub.url + "/#cam")
        eventually(lambda: page.locator("#focus").get_attribute("data-state") == "live")
        message = "there is no room on the disk"
        page.route(
            "**/api/streams/cam/clip", lambda route: route.fulfill(status=503, json={"code": "X", "error": message})
        )
        page.click("#clip")
        eventually(lambda: page.locator("#recorder-note").inner_text() == f"Not saved: {message}.")
