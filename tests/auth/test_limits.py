"""What one address may do, and who counts as one behind a proxy."""

import socket

import requests

from support.waiting import eventually


def test_requests_beyond_the_rate_wait(start_hub):
    hub = start_hub("limits.requests_per_second=0.01", "limits.burst=3")
    answers = [hub.get("/api/streams") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["code"] == "TOO_MANY_REQUESTS"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 100


def test_a_trusted_proxy_speaks_for_many(start_hub):
    settings = ("limits.requests_per_second=0.01", "limits.burst=1")
    trusting = start_hub(*settings, "server.trusted_proxies=127.0.0.1")
    strict = start_hub(*settings)
    for hub, second in ((trusting, 200), (strict, 429)):
        seen = [hub.get("/api/streams", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in (1, 2)]
        assert seen == [200, second]


def test_a_link_names_the_host_that_a_trusted_proxy_names(start_hub):
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "video.example", "X-API-Key": "let-me-in-please"}
    for settings, base in (((), None), (("server.trusted_proxies=127.0.0.0/8",), "https://video.example")):
        hub = start_hub(*settings, env={"API_KEYS": "let-me-in-please"})
        shared = requests.post(f"{hub.url}/api/streams/door/share", headers=forwarded, timeout=10).json()
        assert shared["url"].startswith(f"{base or hub.url}/stream/door?token=")
        login = requests.post(f"{hub.url}/api/login", json={"key": "let-me-in-please"}, headers=forwarded, timeout=10)
        assert ("Secure" in login.headers["Set-Cookie"]) == bool(base)


def test_trying_many_keys_is_slowed_down(start_hub):
    hub = start_hub("limits.failed_keys_per_minute=3", env={"API_KEYS": "let-me-in-please"})

    def status(key: str) -> int:
        return hub.get("/api/streams", headers={"X-API-Key": key}).status_code

    assert [status(key) for key in ("one", "two", "two", "two", "three", "let-me-in-please")] == [401] * 5 + [429]


def test_connections_of_one_address(start_hub):
    hub = start_hub("limits.connections_per_address=2")
    held = [socket.create_connection(("127.0.0.1", hub.port)) for _ in range(2)]
    with socket.create_connection(("127.0.0.1", hub.port)) as third:
        answer = third.recv(1000)
        assert answer.startswith(b"HTTP/1.1 429 ") and b"ADDRESS_CONNECTION_LIMIT" in answer
    for connection in held:
        connection.close()
    eventually(lambda: requests.get(hub.url + "/health", timeout=5).status_code == 200, "room again")
