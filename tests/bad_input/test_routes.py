"""Unknown routes and wrong methods: JSON errors, with `Allow` where a method is wrong."""

import pytest
import requests

from support.shapes import assert_error


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api",
        "/api/stream",
        "/streams",
        "/stream/a/b",
        "/assets/none.js",
        "/assets/%FF",
        "/assets/../Cargo.toml",
        "/..%2f..%2fetc/passwd",
        "/favicon.ico",
        "/" + "x" * 3000,
    ],
)
def test_unknown_routes(hub, path):
    response = requests.Session().send(requests.Request("GET", hub.url + path).prepare(), timeout=10)
    assert_error(response, 404, "NOT_FOUND")
    assert len(response.content) < 1000


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET"),
        ("POST", "/stream", "GET"),
        ("POST", "/stream/s", "GET"),
        ("DELETE", "/stream/s", "GET"),
        ("PUT", "/stats", "GET"),
        ("POST", "/health", "GET"),
        ("POST", "/api/streams", "GET"),
        ("GET", "/api/streams/s", "DELETE"),
        ("POST", "/api/streams/s/stats", "GET"),
        ("DELETE", "/publish/s", "POST"),
        ("PATCH", "/publish/s", "PUT"),
        ("POST", "/metrics", "GET"),
        ("POST", "/openapi.json", "GET"),
        ("BREW", "/stream", "GET"),
    ],
)
def test_wrong_methods(hub, method, path, allowed):
    response = requests.request(method, hub.url + path, timeout=10)
    message = assert_error(response, 405, "METHOD_NOT_ALLOWED")
    assert allowed in response.headers["Allow"].replace(",", " ").split()
    assert method in message


def test_errors_can_be_read_by_pages_of_other_origins(hub):
    for response in (hub.get("/nothing"), hub.get("/stream/none"), requests.post(hub.url + "/stats", timeout=10)):
        assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_trailing_slashes_and_queries_do_no_harm(hub):
    assert hub.get("/health?x=%00&y=" + "z" * 5000).status_code == 200
    assert hub.get("/stats-page?x").status_code == 200
