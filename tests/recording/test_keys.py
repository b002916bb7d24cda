"""With keys configured, seeing, controlling or deleting a recording needs one."""

import pytest
import requests

from support.publishers import SocketPublisher
from support.recordings import pictures
from support.shapes import assert_error
from support.waiting import eventually

KEY = "correct-horse-battery"
WITH = {"X-API-Key": KEY}


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    from support.hub import Hub

    with Hub(tmp_path_factory.mktemp("locked"), env={"API_KEYS": KEY}) as hub:
        with SocketPublisher(hub.ws, "cam", f"?ack=1&api_key={KEY}") as publisher:
            publisher.send(pictures(1)[0])
        route = f"{hub.url}/api/streams/cam/recording"
        eventually(lambda: requests.get(route, headers=WITH, timeout=10).json()["recording"], "it is recorded")
        assert requests.post(route, json={"action": "stop"}, headers=WITH, timeout=10).status_code == 200
        (recording,) = requests.get(f"{hub.url}/api/recordings", headers=WITH, timeout=10).json()["recordings"]
        hub.recording = recording
        yield hub


ROUTES = [
    ("GET", "/api/recordings"),
    ("GET", "{url}"),
    ("HEAD", "{url}"),
    ("GET", "{json}"),
    ("GET", "{url}/mjpeg"),
    ("GET", "{url}/snapshot.jpg"),
    ("DELETE", "{url}"),
    ("GET", "/api/streams/cam/recording"),
    ("POST", "/api/streams/cam/recording"),
    ("POST", "/api/streams/cam/clip"),
    ("GET", "/stream/cam?t=-1s"),
    ("GET", "/stream/cam/snapshot.jpg?t=-1s"),
    ("GET", "/recordings"),
    ("GET", "/api/recordings/cam/..%2f..%2fstderr.log"),
]


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=[f"{method} {route}" for method, route in ROUTES])
@pytest.mark.parametrize(
    "headers", [{}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer"}], ids=["none", "wrong", "half"]
)
def test_without_the_key_nothing(locked, method, route, headers):
    url = locked.recording["url"]
    path = route.format(url=url, json=url.replace(".mp4", ".json"))
    body = {"action": "start", "seconds": 5} if method == "POST" else None
    response = requests.request(method, locked.url + path, headers=headers, json=body, timeout=10)
    assert response.status_code == 401
    if method != "HEAD":
        code = "API_KEY_UNKNOWN" if headers.get("X-API-Key") == "wrong" else "API_KEY_REQUIRED"
        message = assert_error(response, 401, code)
        assert "cam_" not in message, "it does not reveal what exists"
    assert "WWW-Authenticate" in response.headers
    assert (locked.folder / locked.recording["recording_path"]).exists()


def test_with_the_key_everything(locked):
    url = locked.url + locked.recording["url"]
    frame = pictures(1)[0]
    for path in (f"{url}?api_key={KEY}", f"{url}/snapshot.jpg?api_key={KEY}", f"{url}/mjpeg?api_key={KEY}"):
        response = requests.get(path, timeout=10)
        assert response.status_code == 200 and frame in response.content
    assert requests.get(url, headers={"Authorization": f"Bearer {KEY}"}, timeout=10).status_code == 200
    assert requests.get(url, auth=("anybody", KEY), timeout=10).status_code == 200
    clip = requests.post(f"{locked.url}/api/streams/cam/clip", json={"seconds": 3600}, headers=WITH, timeout=10)
    assert clip.status_code == 201
    assert requests.delete(locked.url + clip.json()["recording"]["url"], headers=WITH, timeout=10).status_code == 200
    assert KEY not in locked.stderr(), "the log does not contain it"
