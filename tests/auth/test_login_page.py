"""A browser in front of a hub with keys: asked once, in by a cookie, or by what stands in the address."""

import pytest
import requests
from playwright.sync_api import expect

from support.mjpeg import MjpegReader
from support.sockets import SocketReader
from support.waiting import eventually

KEY = "let-me-in-please"


@pytest.fixture
def hub(start_hub):
    hub = start_hub(env={"API_KEYS": KEY})
    assert hub.publish("door", 1, headers={"X-API-Key": KEY}).status_code == 200
    return hub


def shows_the_wall(page):
    eventually(lambda: page.locator("a.tile[data-stream=door]").get_attribute("data-seq") == "1", "the picture")


def test_the_page_asks_once(hub, page):
    answers = []
    page.on("response", lambda response: answers.append(response.status))
    page.goto(hub.url + "/recordings")
    page.fill("#key", "a wrong one")
    page.click("#send")
    expect(page.locator("#note")).to_contain_text("not known here")
    page.fill("#key", KEY)
    page.click("#send")
    expect(page).to_have_title("Recordings – Framehub")
    answers.clear()
    page.goto(hub.url + "/")
    shows_the_wall(page)
    assert 401 not in answers, "the page and its files come with the cookie"
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert KEY not in cookie["value"]
    assert page.evaluate("document.cookie") == ""

    assert page.evaluate("fetch('api/logout', { method: 'POST' }).then((answer) => answer.status)") == 200
    page.goto(hub.url + "/stream/door/embed")
    expect(page.locator("#key")).to_be_visible()


def test_logging_out_ends_the_cookie_and_what_it_has_opened(hub):
    with requests.Session() as session:
        assert session.post(hub.url + "/api/login", json={"key": KEY}, timeout=10).status_code == 200
        cookie = {"Cookie": f"framehub_login={session.cookies['framehub_login']}"}
        with (
            MjpegReader(hub.url + "/stream/door", headers=cookie) as picture,
            SocketReader(hub.ws + "/stream/door", additional_headers=cookie) as socket,
        ):
            picture.wait_for_number(1)
            socket.wait_for_text("frame")
            assert session.post(hub.url + "/api/logout", timeout=10).status_code == 200
            picture.wait_for_end()
            socket.wait_for_end()
    assert hub.get("/api/streams", headers=cookie).status_code == 401, "a copy of it is as good"


def test_a_key_in_the_address(hub, page):
    answers = []
    page.on("response", lambda response: answers.append((response.status, response.url)))
    page.goto(f"{hub.url}/?api_key={KEY}")
    shows_the_wall(page)
    assert [answer for answer in answers if answer[0] == 401] == []


def test_other_sites_cannot_use_the_login(hub, page):
    page.goto(hub.url + "/")
    page.fill("#key", KEY)
    page.click("#send")
    shows_the_wall(page)
    # The same machine under another name is another site with another cookie jar; the hub sees its origin.
    outcome = """(url) => new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('refused');
    })"""
    wall = hub.ws + "/api/wall"
    assert page.evaluate(outcome, wall) == "open"
    page.goto(hub.url.replace("127.0.0.1", "localhost") + "/health")
    assert page.evaluate(outcome, wall + f"?api_key={KEY}") == "refused"
