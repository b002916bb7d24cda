"""Names that cannot be streams: refused before anything is touched, on every route that takes a name."""

import http.client

import pytest
import requests

from support.pictures import jpeg
from support.shapes import assert_error

BAD = {
    "slash": "a%2Fb",
    "dots": "%2E%2E",
    "climb": "..%2F..%2Fetc%2Fpasswd",
    "dot": "a.b",
    "space": "a%20b",
    "65": "x" * 65,
    "umlaut": "%C3%A4",
    "null": "a%00b",
    "newline": "a%0D%0AX-Injected:1",
    "not-utf8": "%FF%FE",
    "percent": "100%25",
    "markup": "%3Cscript%3E",
}

ROUTES = [
    ("POST", "/publish/{}"),
    ("PUT", "/publish/{}"),
    ("GET", "/stream/{}"),
    ("GET", "/stream/{}/mjpeg"),
    ("GET", "/stream/{}/embed"),
    ("GET", "/stream/{}/snapshot.jpg"),
    ("GET", "/api/streams/{}/stats"),
    ("DELETE", "/api/streams/{}"),
]


def ask(hub, method: str, path: str) -> requests.Response:
    """The path as it is: `requests` would tidy it up."""
    request = requests.Request(
        method,
        hub.url + "/",
        data=jpeg(1) if method in ("POST", "PUT") else None,
        headers={"Content-Type": "image/jpeg"},
    )
    prepared = request.prepare()
    prepared.url = hub.url + path
    return requests.Session().send(prepared, timeout=10)


@pytest.mark.parametrize("name", BAD.values(), ids=BAD.keys())
def test_bad_names_are_400_everywhere(hub, name):
    for method, route in ROUTES:
        message = assert_error(ask(hub, method, route.format(name)), 400, "INVALID_STREAM_NAME")
        assert "64" in message, "it says what is allowed"
        assert len(message) < 400
    assert hub.get("/api/streams").json()["count"] == 0


@pytest.mark.parametrize(
    "path", ["/publish/a/b", "/publish/", "/publish", "/publish/../etc", "/stream/a/b/c", "/stream//mjpeg"]
)
def test_slashes_and_dots_in_the_path_reach_no_stream(hub, path):
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=10)
    connection.request("POST" if "publish" in path else "GET", path, headers={"Content-Type": "image/jpeg"}, body=b"")
    assert connection.getresponse().status in (400, 404)
    connection.close()
    assert hub.get("/api/streams").json()["count"] == 0
