"""The page at `/recordings`: a timeline per stream, the player, the files."""

import re

import pytest

from support.browser import picture_of
from support.feeder import Feeder
from support.pictures import read_number
from support.recorded import record, recordings
from support.recordings import command, recorder, wait_for_frames
from support.waiting import always, eventually

CODECS = ["mp4v", "mjpeg", "h264"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A hub with finished recordings, which no test changes: two of `left`, one of `right`."""
    from support.hub import Hub

    with Hub(tmp_path_factory.mktemp("finished"), "recording.enabled=true") as hub:
        record(hub, "left", "right", frames=30)
        command(hub, "left", "start")
        record(hub, "left", frames=15)
        yield hub


def opened(page, hub, place: str = ""):
    page.goto(f"{hub.url}/recordings{place}")
    page.locator(".lane").first.wait_for()
    eventually(lambda: page.locator("#recordings tr").count(), "files in the list")
    return page


def number_shown(page) -> int | None:
    """The number of the frame on the stage, whose picture has a 4:3 shape."""
    picture = picture_of(page.locator("#player-stage"))
    height, width = picture.shape[:2]
    wide = min(width, height * 4 // 3)
    left = (width - wide) // 2
    return read_number(picture[:, left : left + wide])


def bars(page, stream: str, kind: str):
    return page.locator(f".lane[data-stream={stream}] .bar[data-kind={kind}]")


def playing(page) -> bool:
    return page.locator("#play").get_attribute("data-playing") == "true"


def position(page) -> float:
    return float(page.locator("#seek").input_value())


def row(page, recording: dict):
    return page.locator(f"tr[data-recording='{recording['stream_name']}/{recording['file']}']")


def test_a_lane_for_each_stream_and_a_row_for_each_file(finished, page, output):
    opened(page, finished)
    names = page.eval_on_selector_all(".lane", "all => all.map(lane => lane.dataset.stream)")
    assert names == ["left", "right"]
    eventually(lambda: bars(page, "left", "segment").count() >= 1)
    eventually(lambda: page.locator("#recordings tr").count() == 3)
    newest = recordings(finished, "left")[-1]
    text = row(page, newest).inner_text()
    assert "left" in text and newest["codec"] in text and "Complete" in text
    assert re.search(rf"\b{newest['total_frames']}\b", text)
    assert re.search(r"\d+ [kM]B", text) and re.search(r"\b\d+ s\b", text)
    first = page.locator("#recordings tr").first.get_attribute("data-recording")
    assert first == f"left/{newest['file']}", "newest first"
    assert "3 recordings" in page.locator("#total").inner_text()
    assert "free" in page.locator("#free").inner_text()
    picture_of(page, output / "recordings.png")


def test_the_newest_picture_greets(finished, page):
    opened(page, finished)
    eventually(lambda: number_shown(page) is not None, "a picture before anything was chosen")
    assert not playing(page)
    assert "#" not in page.url


def test_a_click_on_the_timeline_plays_from_there(finished, page):
    opened(page, finished)
    page.click("#zoom-hour")
    lane = page.locator(".lane[data-stream=right]")
    page.wait_for_function("document.querySelector('.lane[data-stream=right] .bar') !== null")
    box, bar = lane.bounding_box(), bars(page, "right", "segment").first.bounding_box()
    page.mouse.click(bar["x"], box["y"] + box["height"] / 2)
    eventually(lambda: playing(page), "it plays")
    assert page.locator("#playing-stream").inner_text() == "right"
    first = eventually(lambda: number_shown(page), "a picture")
    eventually(lambda: number_shown(page) not in (None, first), "a moving picture")
    assert "#right/right_" in page.url


def test_keys_pause_step_and_skip(finished, page):
    recording = recordings(finished, "right")[0]
    opened(page, finished, f"#right/{recording['file']}")
    eventually(lambda: page.locator("#playing-file").inner_text() == recording["file"])
    eventually(lambda: number_shown(page) is not None)
    lane = page.locator(".lane[data-stream=right]")
    lane.focus()
    page.keyboard.press(" ")
    eventually(lambda: playing(page) and position(page) > 0.5, "space plays")
    page.keyboard.press(" ")
    assert not playing(page)
    paused = eventually(lambda: number_shown(page))
    always(lambda: number_shown(page) == paused, 0.5, "paused")
    page.keyboard.press("ArrowLeft")
    eventually(lambda: position(page) == 0)
    first = eventually(lambda: (n := number_shown(page)) != paused and n, "the first frame")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    eventually(lambda: first < (number_shown(page) or 0) <= first + 6, "a few frames on")
    page.keyboard.press("ArrowRight")
    eventually(lambda: position(page) == pytest.approx(min(recording["duration_seconds"], 5.3), abs=0.4))


def test_the_slider_shows_the_moment(finished, page):
    recording = recordings(finished, "right")[0]
    opened(page, finished, f"#right/{recording['file']}")
    eventually(lambda: page.locator("#playing-file").inner_text() == recording["file"])
    first = eventually(lambda: number_shown(page))
    page.locator("#seek").fill(str(round(recording["duration_seconds"] / 2, 3)))
    eventually(lambda: first + 5 < (number_shown(page) or 0) < first + recording["total_frames"] - 5, "half way")
    assert not playing(page)


def test_scrubbing_has_one_request_in_flight(finished, page):
    """However fast the pointer moves; and the last moment wins."""
    recording = recordings(finished, "right")[0]
    opened(page, finished, f"#right/{recording['file']}")
    eventually(lambda: page.locator("#playing-file").inner_text() == recording["file"])
    eventually(lambda: number_shown(page) is not None)
    asked, in_flight, most = [], set(), []

    def begun(request):
        if "snapshot.jpg" in request.url:
            asked.append(request.url)
            in_flight.add(request)
            most.append(len(in_flight))

    page.on("request", begun)
    page.on("requestfinished", lambda request: in_flight.discard(request))
    page.on("requestfailed", lambda request: in_flight.discard(request))
    page.evaluate(
        """length => {
          const slider = document.getElementById('seek');
          for (let i = 1; i <= 60; i += 1) {
            slider.value = String(length * i / 60);
            slider.dispatchEvent(new Event('input', { bubbles: true }));
          }
        }""",
        recording["duration_seconds"],
    )
    eventually(lambda: (number_shown(page) or 0) >= recording["total_frames"] - 6, "the last moment")
    assert max(most) == 1
    assert len(asked) == 2, "the first moment and the last; those passed over are not fetched"


def test_it_goes_on_with_the_next_recording(finished, page):
    first, second = recordings(finished, "left")
    opened(page, finished)
    row(page, first).locator("button.play").click()
    page.select_option("#speed", "16")
    eventually(lambda: page.locator("#playing-file").inner_text() == second["file"], "the next file")
    eventually(lambda: "newest" in page.locator("#player-note").inner_text(), "and then says that there is no more")
    assert not playing(page)


def test_the_list_is_filtered_and_paged(finished, page):
    # Two a page instead of thirty.
    page.route(
        re.compile(r"/api/recordings\?.*limit=30"),
        lambda route: route.continue_(url=route.request.url.replace("limit=30", "limit=2")),
    )
    opened(page, finished)
    eventually(lambda: page.locator("#recordings tr").count() == 2)
    page.click("#more")
    eventually(lambda: page.locator("#recordings tr").count() == 3)
    assert page.locator("#more").is_hidden()
    page.select_option("#stream-filter", "right")
    eventually(lambda: page.locator("#recordings tr").count() == 1)
    assert page.url.endswith("#right")
    page.click(".lane-name >> text=left")
    eventually(lambda: page.locator("#recordings tr").count() == 2)
    assert page.locator("#stream-filter").input_value() == "left"


def test_download_is_the_file(finished, page):
    recording = recordings(finished, "right")[0]
    opened(page, finished)
    with page.expect_download() as download:
        row(page, recording).locator("a[download]").click()
    assert download.value.suggested_filename == recording["file"]
    data = open(download.value.path(), "rb").read()
    assert data == finished.get(recording["url"]).content
    assert data[4:8] == b"ftyp"


def test_zooming_and_moving(finished, page):
    opened(page, finished)

    def ticks():
        return page.locator(".tick").all_inner_texts()

    page.click("#zoom-week")
    eventually(lambda: page.locator("#zoom-week").get_attribute("aria-pressed") == "true")
    week = ticks()
    page.click("#zoom-hour")
    hour = eventually(lambda: (now := ticks()) != week and now)
    page.click("#zoom-in")
    eventually(lambda: ticks() != hour)
    eventually(lambda: page.locator("#zoom-hour").get_attribute("aria-pressed") == "false")
    page.click("#earlier")
    page.click("#earlier")
    eventually(lambda: page.locator("#now-line").is_hidden(), "now is out of sight")
    page.click("#zoom-hour")
    eventually(lambda: page.locator("#now-line").is_visible())
    before = ticks()
    box = page.locator(".lane").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -900)
    page.keyboard.up("Control")
    eventually(lambda: ticks() != before, "Ctrl and wheel zoom")


def test_phone_width_needs_no_sideways_scrolling(finished, page, output):
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, finished)
    eventually(lambda: number_shown(page) is not None)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture_of(page, output / "recordings-phone.png")


def test_a_running_recording_grows_and_cannot_be_deleted(start_hub, page):
    hub = start_hub("recording.enabled=true")
    with Feeder(hub.url, "live", fps=10):
        wait_for_frames(hub, "live", 10)
        opened(page, hub)
        eventually(lambda: bars(page, "live", "live").count() == 1, "marked as live")
        line = page.locator("tr[data-status=recording]")
        frames = line.locator("[data-column=frames]").inner_text()
        eventually(lambda: line.locator("[data-column=frames]").inner_text() != frames, "it grows by itself")
        button = line.locator("button.remove")
        assert button.get_attribute("aria-disabled") == "true"
        button.click(force=True)
        eventually(lambda: "still being written" in page.locator("#toast").inner_text())
        assert not page.evaluate("document.getElementById('delete-dialog').open")
        line.locator("button.play").click()
        first = eventually(lambda: playing(page) and number_shown(page), "it plays while it grows")
        eventually(lambda: number_shown(page) not in (None, first))
        before = position(page)
        eventually(lambda: position(page) > before + 3, "past where it was when it was opened")


def test_deleting_asks_first(start_hub, page, output):
    hub = start_hub("recording.enabled=true")
    one, other = record(hub, "one", "other", frames=12)
    path = hub.folder / "recordings" / "one" / one["file"]
    assert path.exists()
    opened(page, hub)
    row(page, one).locator("button.remove").click()
    dialog = page.locator("#delete-dialog")
    assert dialog.is_visible()
    assert one["file"] in dialog.inner_text() and re.search(r"\d+ [kM]B", dialog.inner_text())
    assert page.evaluate("document.activeElement.id") == "delete-cancel"
    picture_of(page, output / "recordings-delete.png")
    page.keyboard.press("Escape")
    assert dialog.is_hidden()
    assert path.exists(), "nothing has happened"
    row(page, one).locator("button.remove").click()
    page.click("#delete-confirm")
    eventually(lambda: dialog.is_hidden())
    eventually(lambda: page.locator("#recordings tr").count() == 1)
    assert not path.exists()
    assert hub.get(one["url"]).status_code == 404
    eventually(lambda: page.locator(".lane").count() == 1, "its lane has gone with it")
    assert row(page, other).count() == 1


def test_a_refused_deletion_says_why(start_hub, page):
    hub = start_hub("recording.enabled=true")
    (one,) = record(hub, "one", frames=12)
    opened(page, hub)
    row(page, one).locator("button.remove").click()
    (hub.folder / "recordings" / "one" / one["file"]).unlink()
    page.route(
        re.compile(one["file"]),
        lambda route: route.fulfill(status=409, json={"code": "RECORDING_ACTIVE", "error": "it is being written"}),
    )
    page.click("#delete-confirm")
    eventually(lambda: "it is being written" in page.locator("#delete-trouble").inner_text())
    assert page.locator("#delete-dialog").is_visible()


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_plays(start_hub, page, codec):
    hub = start_hub("recording.enabled=true", f"recording.codec={codec}")
    (recording,) = record(hub, "cam", frames=30)
    assert recording["codec"] == codec
    opened(page, hub)
    row(page, recording).locator("button.play").click()
    eventually(lambda: position(page) > 1, "it plays")
    assert page.locator("#player-video").is_visible() == recording["plays_in_browser"]
    if recording["plays_in_browser"]:
        length = page.evaluate("document.getElementById('player-video').duration")
        assert length == pytest.approx(recording["duration_seconds"], abs=0.5)
        page.evaluate("document.getElementById('player-video').currentTime = 0.2")
        page.click("#play")
        eventually(lambda: not playing(page))


def test_the_empty_page_says_how_to_begin(start_hub, page, output):
    hub = start_hub("recording.enabled=false")
    page.goto(hub.url + "/recordings")
    page.locator("#empty").wait_for()
    eventually(lambda: "recording.enabled=true" in page.locator("#empty").inner_text())
    picture_of(page, output / "recordings-empty.png")
    other = start_hub("recording.enabled=true")
    page.goto(other.url + "/recordings")
    eventually(lambda: "curl" in page.locator("#empty").inner_text())
    with Feeder(other.url, "camera1", fps=10):
        page.locator(".lane").wait_for(timeout=20_000)
    assert page.locator("#empty").is_hidden()


def test_a_hub_that_is_gone_is_said_so(start_hub, page):
    hub = start_hub("recording.enabled=true")
    record(hub, "one", frames=12)
    opened(page, hub)
    hub.stop()
    eventually(lambda: "does not answer" in page.locator("#banner").inner_text())
    assert page.locator("#link").get_attribute("data-phase") == "waiting"
    assert page.locator("#recordings tr").count() == 1, "what was known stays"


def test_recordings_that_cannot_be_read_are_said_so(start_hub, page):
    hub = start_hub("recording.enabled=true")
    page.route(
        "**/api/recordings?*",
        lambda route: route.fulfill(status=503, json={"code": "RECORDINGS_UNAVAILABLE", "error": "the disk is away"}),
    )
    page.goto(hub.url + "/recordings")
    eventually(lambda: "The disk is away." in page.locator("#trouble").inner_text())


def test_the_header_leads_there(start_hub, page):
    hub = start_hub("recording.enabled=true")
    page.goto(hub.url + "/")
    page.click("#recordings-link")
    page.wait_for_url("**/recordings")
    page.click("#stats-link")
    page.click("#recordings-link")
    page.click("#wall-link")
    page.wait_for_url(hub.url + "/")


def test_recorders_are_seen_from_outside(start_hub):
    """The helper that the tests above use."""
    hub = start_hub("recording.enabled=true")
    (recording,) = record(hub, "cam", frames=12)
    assert recording["status"] == "finished" and recording["total_frames"] >= 12
    assert recorder(hub, "cam")["recording"] is False
