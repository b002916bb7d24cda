"""The page behind proxies that pass no WebSocket, break it, or hold MJPEG back: the picture moves, and the page says why."""

import pytest

from support.browser import picture_of
from support.feeder import Feeder
from support.pictures import read_number
from support.ports import fixed_port
from support.proxy import Habits, Proxy
from support.waiting import eventually

BUFFER = 64 * 1024
IDLE = 2.0
#: Of the page's waits, where it is to find a way; where it is to give one up, half of that.
PATIENCE = 0.5

NO_UPGRADE = {
    "refuses": Habits(upgrades="refuse"),
    "strips the header": Habits(upgrades="strip"),
    "accepts and swallows": Habits(upgrades="swallow"),
}


def number_in(canvas) -> int | None:
    """The picture is 4:3 in the middle of its canvas."""
    picture = picture_of(canvas)
    height, width = picture.shape[:2]
    wide, high = min(width, height * 4 // 3), min(height, width * 3 // 4)
    top, left = (height - high) // 2, (width - wide) // 2
    return read_number(picture[top : top + high, left : left + wide])


def moves(canvas, times: int = 4) -> None:
    """So many pictures follow one another on the screen."""
    seen: list[int | None] = [None]
    for _ in range(times):
        eventually(
            lambda: (n := number_in(canvas)) is not None and n != seen[-1] and not seen.append(n), f"after {seen}"
        )


def reason(page) -> str:
    return page.locator("#banner-reason").inner_text()


def wait_for_phase(page, phase: str) -> None:
    eventually(
        lambda: page.locator("#link").get_attribute("data-phase") == phase, f"{phase}; {reason(page)}", timeout=20
    )


def opened(page, proxy: Proxy, patience: float = PATIENCE) -> None:
    page.goto(f"{proxy.url}/?patience={patience}")


@pytest.mark.parametrize("how", NO_UPGRADE)
def test_no_websocket_gets_through(start_hub, page, output, how):
    hub = start_hub()
    with Feeder(hub.url, "cam", "other", fps=8), Proxy(hub.port, NO_UPGRADE[how]) as proxy:
        opened(page, proxy)
        wait_for_phase(page, "mjpeg")
        assert "WebSockets are blocked" in reason(page) and "MJPEG" in reason(page)
        assert page.locator("#link-text").inner_text() == "MJPEG"
        moves(page.locator("a.tile[data-stream=cam] canvas"))
        moves(page.locator("a.tile[data-stream=other] canvas"))
        eventually(lambda: page.locator("a.tile[data-stream=cam]").get_attribute("data-state") == "live")
        picture_of(page, output / "fallback-mjpeg.png")
        # The single view, too, and only that stream then.
        page.click("a.tile[data-stream=cam]")
        moves(page.locator("#focus-canvas"))
        eventually(lambda: (hub.viewers("cam"), hub.viewers("other")) == (1, 0))
        eventually(lambda: page.locator("#focus").get_attribute("data-state") == "live")
        page.go_back()
        moves(page.locator("a.tile[data-stream=other] canvas"))


@pytest.mark.parametrize("after", [1, 40_000])
def test_websockets_are_accepted_and_then_dropped(start_hub, page, after):
    hub = start_hub()
    habits = Habits(upgraded_bytes=after)
    with Feeder(hub.url, "cam", fps=8), Proxy(hub.port, habits) as proxy:
        opened(page, proxy)
        wait_for_phase(page, "mjpeg")
        assert "WebSockets close soon after they open" in reason(page)
        moves(page.locator("a.tile canvas"))


@pytest.mark.parametrize("upgrades", ["refuse", "swallow"])
def test_mjpeg_is_held_back_wholly(start_hub, page, output, upgrades):
    hub = start_hub()
    habits = Habits(upgrades=upgrades, holds=b"multipart/")
    with Feeder(hub.url, "cam", fps=8), Proxy(hub.port, habits) as proxy:
        opened(page, proxy, PATIENCE / 2)
        wait_for_phase(page, "snapshots")
        assert "WebSockets are blocked" in reason(page) and "MJPEG is held back" in reason(page)
        assert page.locator("#link-text").inner_text() == "Snapshots"
        moves(page.locator("a.tile canvas"))
        picture_of(page, output / "fallback-snapshots.png")
        page.click("a.tile")
        moves(page.locator("#focus-canvas"))


def test_a_buffer_that_eats_what_is_small(start_hub, page):
    """64 kB, cut when nothing was handed on for a while: a slow stream of small pictures would stand still for ever."""
    hub = start_hub("viewers.heartbeat_interval=0.5")
    habits = Habits(idle=IDLE, buffer=BUFFER)
    with Feeder(hub.url, "cam", fps=2), Proxy(hub.port, habits) as proxy:
        opened(page, proxy, PATIENCE / 2)
        wait_for_phase(page, "snapshots")
        assert "MJPEG is held back" in reason(page)
        moves(page.locator("a.tile canvas"), times=6)
        eventually(lambda: page.locator("a.tile").get_attribute("data-state") == "live")


def test_a_stream_at_rest_behind_an_impatient_proxy(start_hub, page):
    """Long polls longer than the proxy waits are broken off; the page asks for shorter ones."""
    hub = start_hub()
    habits = Habits(upgrades="refuse", holds=b"multipart/", idle=IDLE)
    hub.put_frame("cam", 1)
    with Proxy(hub.port, habits) as proxy:
        opened(page, proxy, PATIENCE / 2)
        canvas = page.locator("a.tile canvas")
        wait_for_phase(page, "snapshots")
        eventually(lambda: number_in(canvas) == 1)
        polls = "/stream/cam/snapshot.jpg"
        eventually(lambda: any(seen.cut == "idle" for seen in proxy.of(polls)), "one is broken off")
        eventually(lambda: [seen.cut for seen in proxy.of(polls)][-4:-1] == [""] * 3, "no longer")
        hub.put_frame("cam", 2)
        eventually(lambda: number_in(canvas) == 2)


def test_more_streams_than_connections(start_hub, page):
    hub = start_hub()
    names = [f"cam{index}" for index in range(6)]
    page.set_viewport_size({"width": 1300, "height": 900})
    with Feeder(hub.url, *names, fps=4), Proxy(hub.port, Habits(upgrades="refuse")) as proxy:
        opened(page, proxy)
        wait_for_phase(page, "snapshots")
        assert "fetched one by one" in reason(page) and "held back" not in reason(page)
        for name in names:
            moves(page.locator(f"a.tile[data-stream={name}] canvas"), times=2)
        # One alone needs no polling.
        page.click("a.tile[data-stream=cam3]")
        wait_for_phase(page, "mjpeg")
        moves(page.locator("#focus-canvas"))


def test_the_websocket_comes_back(start_hub, page):
    hub = start_hub()
    with Feeder(hub.url, "cam", fps=8), Proxy(hub.port, Habits(upgrades="refuse")) as proxy:
        opened(page, proxy)
        wait_for_phase(page, "mjpeg")
        proxy.habits.upgrades = "pass"
        page.click("#banner-retry")
        wait_for_phase(page, "open")
        page.locator("#banner").wait_for(state="hidden")
        moves(page.locator("a.tile canvas"))
        eventually(lambda: hub.viewers("cam") == 1, "MJPEG is let go")


def test_the_hub_goes_away_meanwhile(start_hub, page):
    port = fixed_port()
    hub = start_hub(f"server.port={port}")
    with Proxy(hub.port, Habits(upgrades="refuse")) as proxy:
        hub.put_frame("cam", 1)
        opened(page, proxy)
        wait_for_phase(page, "mjpeg")
        eventually(lambda: number_in(page.locator("a.tile canvas")) == 1)
        hub.stop()
        page.click("#banner-retry")
        wait_for_phase(page, "waiting")
        assert reason(page) == "The hub does not answer."
        start_hub(f"server.port={port}").put_frame("cam", 2)
        eventually(lambda: number_in(page.locator("a.tile canvas")) == 2)


@pytest.mark.parametrize(
    ("habits", "words"),
    [
        (Habits(upgrades="refuse"), "MJPEG"),
        (Habits(upgrades="swallow"), "MJPEG"),
        (Habits(upgraded_bytes=1), "MJPEG"),
        (Habits(upgrades="refuse", holds=b"multipart/"), "snapshots"),
    ],
    ids=["refused", "swallowed", "dropped", "MJPEG held"],
)
def test_the_embedded_page(start_hub, page, habits, words):
    hub = start_hub()
    with Feeder(hub.url, "cam", fps=8), Proxy(hub.port, habits) as proxy:
        page.goto(f"{proxy.url}/stream/cam/embed?patience={PATIENCE}")
        status = page.locator("#status-text")
        eventually(lambda: words in status.inner_text(), f"{words}: {status.inner_text()}")
        moves(page.locator("#picture"))
        eventually(lambda: page.locator("body").get_attribute("data-state") == "live")
