"""Links that open one stream for a while, from the command line and from the hub."""

import subprocess

import pytest
import requests
from websockets.exceptions import InvalidStatus

from support.hub import BINARY
from support.mjpeg import MjpegReader
from support.pictures import number_of
from support.sockets import open_socket
from support.waiting import eventually

KEY = {"X-API-Key": "let-me-in-please"}


@pytest.fixture
def hub(start_hub):
    hub = start_hub(env={"API_KEYS": "let-me-in-please"})
    for number, stream in enumerate(("door", "yard"), start=1):
        assert hub.publish(stream, number, headers=KEY).status_code == 200
    return hub


def share(hub, *arguments: str) -> subprocess.CompletedProcess:
    command = [str(BINARY), "share", *arguments]
    return subprocess.run(command, cwd=hub.folder, env=hub.env, capture_output=True, text=True, timeout=30)


def test_a_link_of_the_command_line_opens_one_stream(hub):
    made = share(hub, "door", "--for", "2h", "--url", hub.url)
    assert made.returncode == 0, made.stderr
    link = made.stdout.strip()
    assert link.startswith(f"{hub.url}/stream/door?token=")
    with MjpegReader(link) as reader:
        reader.wait_for_number(1)
    assert number_of(requests.get(link.replace("?", "/snapshot.jpg?"), timeout=10).content) == 1
    assert requests.get(link.replace("/door", "/yard"), timeout=10).status_code == 403
    assert requests.get(link[:-1] + ("A" if link[-1] != "A" else "B"), timeout=10).status_code == 401
    token = link.split("token=")[1]
    assert hub.get(f"/api/recordings?token={token}").status_code == 403
    assert [s["name"] for s in hub.get(f"/api/streams?token={token}").json()["streams"]] == ["door"]
    with pytest.raises(InvalidStatus):
        open_socket(f"{hub.ws}/publish/door?token={token}")
    mode = next(hub.folder.glob("**/.framehub-secret")).stat().st_mode
    assert mode & 0o777 == 0o600


def test_a_view_ends_with_its_link(hub):
    answer = requests.post(f"{hub.url}/api/streams/door/share", json={"seconds": 4}, headers=KEY, timeout=10).json()
    with MjpegReader(answer["url"]) as reader:
        reader.wait_for_number(1)
        reader.wait_for_end()
    assert requests.get(answer["url"], timeout=10).status_code == 401


def test_a_link_in_another_sites_frame(hub, chromium):
    """Where no cookie of the hub's is sent: the embed page and all that it loads come by the link alone."""
    answer = requests.post(f"{hub.url}/api/streams/door/share", json={}, headers=KEY, timeout=10).json()
    context = chromium.new_context()
    page = context.new_page()
    try:
        page.set_content(f'<iframe src="{answer["embed_url"]}" width="640" height="480"></iframe>')
        frame = page.frame_locator("iframe")
        eventually(lambda: frame.locator("body").get_attribute("data-state") == "live", "the picture in the frame")
        assert context.cookies() == []
    finally:
        context.close()


def test_a_stream_that_is_not_there_is_warned_of(hub):
    port = f"server.port={hub.port}"
    assert "warning" not in share(hub, "door", port).stderr
    made = share(hub, "dor", port)
    assert made.returncode == 0 and "has no stream dor now" in made.stderr, made.stderr


def test_what_cannot_be_shared_is_explained(start_hub, hub):
    assert "not a span" in share(hub, "door", "--for", "2w").stderr
    assert "no address" in share(hub, "door", "--url", "video.example").stderr
    assert share(hub, "a b").returncode == 2
    open_hub = start_hub()
    refused = share(open_hub, "door")
    assert refused.returncode == 1 and "no key is set" in refused.stderr
    url = f"{open_hub.url}/api/streams/door/share"
    assert requests.post(url, timeout=10).json()["code"] == "NO_KEYS"
