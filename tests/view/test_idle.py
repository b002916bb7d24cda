"""Idle spells: heartbeats keep proxies awake, and every reader ignores them."""

import pytest

from support.browser import number_on, wait_until_painted
from support.feeder import Feeder
from support.hub import Hub
from support.mjpeg import MjpegReader
from support.readers import Ffmpeg, OpenCv
from support.waiting import always, eventually

HEARTBEAT = 0.2
#: Long enough for several heartbeats between two frames.
SPELL = 5 * HEARTBEAT


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("idle"), f"viewers.heartbeat_interval={HEARTBEAT}") as started:
        yield started


def heartbeats(reader: MjpegReader) -> int:
    return reader.raw.count(b"X-Heartbeat: ")


@pytest.mark.parametrize("kind", [OpenCv, Ffmpeg])
def test_exactly_the_published_frames_are_handed_over(hub, stream, kind):
    """Over idle times of many heartbeats: no duplicate, no loss, no disconnect."""
    hub.put_frame(stream, 1)
    url = f"{hub.url}/stream/{stream}"
    with kind(url) as reader, MjpegReader(url) as watch:
        published = [1]
        reader.wait_for(1)
        for burst in range(4):
            before = heartbeats(watch)
            eventually(lambda: heartbeats(watch) >= before + 5, "an idle spell of five heartbeats")
            for _ in range(burst + 1):
                published.append(published[-1] + 1)
                hub.put_frame(stream, published[-1])
                reader.wait_for(published[-1])
        before = heartbeats(watch)
        eventually(lambda: heartbeats(watch) >= before + 5, "one more idle spell")
        assert reader.numbers == published
        assert not reader.ended.is_set()


def test_heartbeats_are_header_lines_of_the_coming_part(hub, stream):
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        reader.wait_for_number(1)
        eventually(lambda: heartbeats(reader) >= 3)
        hub.put_frame(stream, 2)
        part = reader.wait_for_number(2)
        assert int(part.headers["x-heartbeat"]) >= 3
        assert reader.numbers == [1, 2]


def test_a_browser_keeps_its_picture_over_an_idle_spell(hub, stream, page):
    """Browsers get the newest frame again, which is invisible."""
    hub.put_frame(stream, 1)
    page.goto(f"{hub.url}/stream/{stream}", wait_until="commit")
    image = page.locator("img")
    wait_until_painted(image, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}?advance_headers=1") as reader:
        always(lambda: number_on(image) == 1, 2 * SPELL, "the picture stays")
        reader.wait_for_parts(5)
        assert set(reader.numbers) == {1}
    hub.put_frame(stream, 2)
    wait_until_painted(image, 2)


def test_heartbeats_come_only_after_silence(hub, stream):
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader, Feeder(hub.url, stream, fps=25):
        parts = reader.wait_for_parts(30)
    times = [float(part.headers["x-timestamp"]) for part in parts]
    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    # On a slow machine there may be such pauses; nowhere else is there a heartbeat.
    assert [
        p for p, part in zip(pauses, parts[1:], strict=True) if "x-heartbeat" in part.headers and p < HEARTBEAT - 0.02
    ] == []
