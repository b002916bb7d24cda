"""The page at `/` in Chromium: a wall of live streams over one WebSocket."""

import re

import pytest
import requests

from support.browser import picture_of
from support.feeder import Feeder
from support.pictures import jpeg, read_number
from support.ports import fixed_port
from support.waiting import always, eventually

TWELVE = [f"camera{index:02}" for index in range(12)]


def tiles(page) -> list[str]:
    return page.eval_on_selector_all("a.tile", "tiles => tiles.map(t => t.dataset.stream)")


def seqs(page) -> dict[str, int]:
    pairs = page.eval_on_selector_all(
        "a.tile", "tiles => tiles.map(t => [t.dataset.stream, Number(t.dataset.seq ?? 0)])"
    )
    return dict(pairs)


def seen_numbers(page, save_as=None) -> dict[str, int | None]:
    """What a person sees: one screenshot, and in it the picture of each tile."""
    boxes = page.eval_on_selector_all(
        "a.tile canvas",
        "all => all.map(c => { const r = c.getBoundingClientRect(); "
        "return [c.closest('a').dataset.stream, r.x, r.y, r.width, r.height]; })",
    )
    shot = picture_of(page, save_as)
    numbers = {}
    for name, x, y, width, height in boxes:
        # `object-fit: contain` centres a 4:3 picture in its box.
        wide, high = min(width, height * 4 / 3), min(height, width * 3 / 4)
        left, top = round(x + (width - wide) / 2), round(y + (height - high) / 2)
        if top < 0 or top + high > shot.shape[0]:
            continue
        numbers[name] = read_number(shot[top : top + round(high), left : left + round(wide)])
    return numbers


def test_twelve_tiles_all_move(start_hub, page, output):
    """More than six, the number at which a wall of `<img>` freezes: over one connection."""
    hub = start_hub()
    sockets, images = [], []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.on("request", lambda request: images.append(request.url) if "/stream/" in request.url else None)
    page.set_viewport_size({"width": 1400, "height": 1000})
    with Feeder(hub.url, *TWELVE, fps=5):
        page.goto(hub.url + "/")
        eventually(lambda: tiles(page) == TWELVE, "twelve tiles in the order of their names")
        eventually(lambda: all(seqs(page).values()), "a picture in each")
        first = eventually(lambda: (n := seen_numbers(page)) and all(n.values()) and n, "twelve pictures on the screen")
        assert set(first) == set(TWELVE)

        def all_changed():
            now = seen_numbers(page, output / "wall-12.png")
            return all(now[name] not in (None, first[name]) for name in TWELVE)

        eventually(all_changed, "all twelve pictures have changed")
        before = seqs(page)
        eventually(lambda: all(seqs(page)[name] >= before[name] + 5 for name in TWELVE), "and go on moving")
    assert len(sockets) == 1 and sockets[0].endswith("/api/wall"), sockets
    assert images == [], "no connection a stream"


def test_a_tile_says_name_rate_size_viewers_and_age(start_hub, page):
    hub = start_hub()
    with Feeder(hub.url, "robot-arm", fps=10):
        page.goto(hub.url + "/")
        tile = page.locator("a.tile")
        eventually(lambda: tile.get_attribute("data-state") == "live")
        assert "robot-arm" in tile.locator(".tile-name").inner_text()
        facts = tile.locator(".tile-facts")
        eventually(lambda: re.search(r"\b([4-9]|10|11)(\.\d)? fps", facts.inner_text()), "its rate")
        text = facts.inner_text()
        assert "320" in text and "240" in text
        eventually(lambda: "1 viewer" in facts.inner_text() and "1 viewers" not in facts.inner_text())
        assert re.search(r"\d", tile.locator(".age").inner_text()), "the age of the picture"
        eventually(lambda: "1 stream" in page.locator("#summary").inner_text())
    # The publisher stops: the age grows, and the tile says that it is stale.
    eventually(lambda: tile.get_attribute("data-state") == "stale", "a stale picture looks stale")
    assert read_number_of_tile(tile) is not None, "the last picture stays"


def read_number_of_tile(tile) -> int | None:
    return read_number(picture_of(tile.locator("canvas")))


def test_tiles_off_screen_stop_costing_bandwidth(start_hub, page):
    hub = start_hub()
    page.set_viewport_size({"width": 640, "height": 420})
    with Feeder(hub.url, *TWELVE, fps=5):
        page.goto(hub.url + "/")
        eventually(lambda: len(tiles(page)) == 12)
        eventually(lambda: hub.viewers(TWELVE[0]) == 1, "the first is watched")

        def watched() -> list[str]:
            return [s["name"] for s in hub.get("/api/streams").json()["streams"] if s["viewer_count"] > 0]

        eventually(lambda: hub.viewers(TWELVE[-1]) == 0 and 0 < len(watched()) < 12, "only what is on the screen")
        top = set(watched())
        stopped = seqs(page)[TWELVE[-1]]
        always(lambda: seqs(page)[TWELVE[-1]] == stopped, 0.5, "nothing is painted off screen")
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        eventually(lambda: hub.viewers(TWELVE[-1]) == 1 and hub.viewers(TWELVE[0]) == 0, "scrolled to the last")
        assert set(watched()) != top
        eventually(lambda: seqs(page)[TWELVE[-1]] > stopped, "and it moves")
        page.evaluate("window.scrollTo(0, 0)")
        eventually(lambda: hub.viewers(TWELVE[0]) == 1 and hub.viewers(TWELVE[-1]) == 0, "and back")


def test_a_lone_frame_is_painted_when_it_arrives(start_hub, page):
    hub = start_hub()
    hub.put_frame("still", 1)
    page.goto(hub.url + "/")
    for number in range(1, 5):
        if number > 1:
            hub.put_frame("still", number)
        eventually(lambda n=number: seen_numbers(page).get("still") == n, f"frame {number}")


def test_the_empty_wall_says_how_to_begin(start_hub, page, output):
    hub = start_hub()
    page.goto(hub.url + "/")
    empty = page.locator("#empty")
    empty.wait_for(state="visible")
    text = empty.inner_text()
    assert f"{hub.url}/publish/camera1" in text and "curl" in text
    picture_of(page, output / "wall-empty.png")
    hub.put_frame("camera1", 1)
    eventually(lambda: tiles(page) == ["camera1"], "it appears by itself")
    empty.wait_for(state="hidden")


def test_a_deleted_stream_says_farewell_and_goes(start_hub, page):
    hub = start_hub()
    for name in ("stays", "goes"):
        hub.put_frame(name, 1)
    page.goto(hub.url + "/")
    eventually(lambda: len(tiles(page)) == 2)
    requests.delete(hub.url + "/api/streams/goes", timeout=10)
    eventually(lambda: page.locator("a.tile[data-stream=goes]").get_attribute("data-state") == "ended")
    eventually(lambda: tiles(page) == ["stays"], "it goes after a while")


def test_a_publisher_that_comes_back_is_seen_at_once(start_hub, page):
    hub = start_hub()
    hub.put_frame("s", 1)
    page.goto(hub.url + "/")
    eventually(lambda: seen_numbers(page).get("s") == 1)
    requests.delete(hub.url + "/api/streams/s", timeout=10)
    hub.put_frame("s", 2)
    eventually(lambda: seen_numbers(page).get("s") == 2)


def test_reconnect_after_a_restart_on_the_same_port(start_hub, page, output):
    port = fixed_port()
    hub = start_hub(f"server.port={port}")
    with Feeder(hub.url, "a", "b", fps=5):
        page.goto(hub.url + "/")
        eventually(lambda: all(seqs(page).get(name, 0) > 2 for name in "ab"))
        hub.stop()
        banner = page.locator("#banner")
        banner.wait_for(state="visible")
        eventually(lambda: "econnecting" in banner.inner_text(), "it says that it tries again")
        picture_of(page, output / "wall-disconnected.png")
        again = start_hub(f"server.port={port}")
        assert again.port == port
        banner.wait_for(state="hidden", timeout=30_000)
        before = seen_numbers(page)
        eventually(lambda: all(seen_numbers(page).get(n) not in (None, before.get(n)) for n in "ab"), "both move again")
        assert page.locator("#link").inner_text() == "Connected"


def test_the_filter(start_hub, page):
    hub = start_hub()
    for name in TWELVE:
        hub.put_frame(name, 1)
    page.goto(hub.url + "/")
    eventually(lambda: len(tiles(page)) == 12)
    page.fill("#filter", "camera1")
    eventually(lambda: page.locator("a.tile:visible").count() == 2)
    eventually(lambda: hub.viewers("camera05") == 0 and hub.viewers("camera10") == 1, "only these are watched")
    page.fill("#filter", "zzz")
    page.locator("#no-match").wait_for(state="visible")


def test_phone(start_hub, chromium, output):
    """390 points wide: nothing is cut off sideways, tiles fill the width, and the single view fits too."""
    hub = start_hub()
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    page = context.new_page()
    try:
        with Feeder(hub.url, "front-door", "a_name_as_long_as_they_may_be_" + "0123456789" * 3 + "abcd", fps=5):
            page.goto(hub.url + "/")
            eventually(lambda: len(tiles(page)) == 2 and all(seqs(page).values()))
            fits = "document.scrollingElement.scrollWidth <= document.documentElement.clientWidth"
            assert page.evaluate(fits), "the wall scrolls sideways"
            width = page.locator("a.tile").first.bounding_box()["width"]
            assert width > 300
            picture_of(page, output / "phone-wall.png")
            page.tap("a.tile[data-stream=front-door]")
            canvas = page.locator("#focus-canvas")
            eventually(lambda: page.locator("#focus").get_attribute("data-seq"))
            assert page.evaluate(fits), "the single view scrolls sideways"
            assert canvas.bounding_box()["width"] > 330
            picture_of(page, output / "phone-focus.png")
            for button in ("#focus-snapshot", "#focus-back"):
                assert page.locator(button).bounding_box()["height"] >= 32, "large enough for a finger"
    finally:
        context.close()


def test_with_an_api_key(start_hub, chromium):
    hub = start_hub(env={"API_KEYS": "let-me-in-please"})
    assert hub.get("/stream").status_code == 401
    key = {"X-API-Key": "let-me-in-please"}
    answer = requests.post(
        f"{hub.url}/publish/s", data=jpeg(1), headers=key | {"Content-Type": "image/jpeg"}, timeout=10
    )
    assert answer.status_code == 200
    context = chromium.new_context()
    page = context.new_page()
    try:
        page.goto(hub.url + "/")
        page.fill("#key", "let-me-in-please")
        page.click("#send")
        page.locator("a.tile[data-stream=s]").wait_for()
        eventually(lambda: seen_numbers(page).get("s") == 1, "the picture, after the login")
    finally:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_it_looks_at_1000_points(start_hub, chromium, output, scheme):
    hub = start_hub("demo.enabled=true")
    context = chromium.new_context(viewport={"width": 1000, "height": 720}, color_scheme=scheme)
    page = context.new_page()
    try:
        with Feeder(hub.url, "gripper", "front-left", "front-right", fps=8):
            page.goto(hub.url + "/")
            eventually(lambda: len(tiles(page)) == 4 and all(seqs(page).values()))
            assert page.evaluate("document.scrollingElement.scrollWidth <= document.documentElement.clientWidth")
            eventually(lambda: page.locator(".tile-facts", has_text="1 viewer").count() == 4)
            picture_of(page, output / f"wall-1000-{scheme}.png")
            page.click("a.tile[data-stream=demo]")
            eventually(lambda: page.locator("#focus").get_attribute("data-state") == "live")
            eventually(lambda: page.locator("#stats-panel [data-key=current_fps]").get_attribute("data-value"))
            assert page.evaluate("document.scrollingElement.scrollWidth <= document.documentElement.clientWidth")
            eventually(lambda: page.locator("#focus-shown").inner_text() != "0 fps")
            picture_of(page, output / f"focus-1000-{scheme}.png")
    finally:
        context.close()
