"""What the pages forbid themselves and other sites: no script but their own files, no frame of another site but the embed page."""

import pytest
import requests
from playwright.sync_api import expect

from support.waiting import eventually

PAGES = ("/", "/stats-page", "/recordings", "/analyses", "/analyses/none", "/docs/", "/stream/policies/embed")


@pytest.fixture
def violations(page) -> list[str]:
    """What the browser refused for a page's policy; empty when all went well."""
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text) if "Content Security Policy" in message.text else None)
    return seen


@pytest.mark.parametrize("path", PAGES)
def test_pages_work_within_their_policy(hub, page, violations, path):
    assert hub.publish("policies", 3).status_code == 200
    page.goto(hub.url + path)
    page.wait_for_load_state("load")
    shown = {"/": "a.tile[data-stream=policies]", "/docs/": ".opblock", "/stream/policies/embed": "canvas, img"}
    expect(page.locator(shown.get(path, "main, body")).first).to_be_visible()
    answer = hub.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; ") and "script-src" not in policy, policy
    assert ("frame-ancestors" in policy) != path.endswith("/embed"), policy
    assert path.endswith("/embed") or policy.endswith("; frame-ancestors 'self'"), policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert violations == []


def test_the_wall_paints_within_its_policy(hub, page, violations):
    assert hub.publish("policies", 3).status_code == 200
    page.goto(hub.url + "/")
    eventually(lambda: page.locator("a.tile[data-stream=policies]").get_attribute("data-seq") is not None, "a picture")
    assert violations == []


def test_the_page_that_asks_for_a_key_works_within_its_policy(start_hub, page, violations):
    hub = start_hub(env={"API_KEYS": "let-me-in-please"})
    page.goto(hub.url + "/")
    page.fill("#key", "let-me-in-please")
    page.click("#send")
    expect(page).to_have_title("Framehub")
    policy = requests.get(hub.url, headers={"User-Agent": "Mozilla/5.0", "Accept": "text/html"}, timeout=10).headers
    assert policy["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert violations == []


def test_only_the_embed_page_is_shown_in_another_sites_frame(hub, start_hub, page):
    assert hub.publish("policies", 4).status_code == 200
    # The same machine under another name is another site.
    elsewhere = start_hub()
    page.goto(elsewhere.url.replace("127.0.0.1", "localhost") + "/livez")

    def framed(path: str) -> bool:
        page.evaluate(
            """(url) => new Promise((resolve) => {
                document.body.replaceChildren(Object.assign(document.createElement('iframe'), { src: url, onload: resolve }));
            })""",
            hub.url + path,
        )
        return page.frames[-1].evaluate("location.protocol") == "http:"

    assert framed("/stream/policies/embed")
    assert not framed("/")
    assert not framed("/recordings")
