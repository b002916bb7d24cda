"""Keys with rights of their own, end to end: every protocol with every sort of key, and no byte of video too many."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
from websockets.exceptions import InvalidStatus

from support.mjpeg import MjpegReader
from support.pictures import jpeg, number_of
from support.sockets import Wall, open_socket
from support.waiting import eventually

CONFIG = """
auth:
  api_keys: [all-of-it-1]
  keys:
    - {name: front watcher, secret: watch-front-1, scopes: [view], streams: [front]}
    - {name: front robot, secret: publish-front-1, scopes: [publish], streams: [front]}
    - {name: front recorder, secret: record-front-1, scopes: [view, record], streams: [front]}
    - {name: yard, secret: all-of-yard-1, scopes: [admin], streams: [yard*]}
    - {name: old, secret: expired-key-1, scopes: [admin], expires: 2020-01-01T00:00:00Z}
"""

ALL = {"X-API-Key": "all-of-it-1"}


@pytest.fixture
def house(start_hub, tmp_path):
    """A hub with keys and the streams `front`, which shows 1, and `yard`, which shows 2."""
    config = tmp_path / "keys.yaml"
    config.write_text(CONFIG)
    hub = start_hub("--config", str(config))
    for number, stream in enumerate(("front", "yard"), start=1):
        assert hub.publish(stream, number, headers=ALL).status_code == 200
    return hub


def key(secret: str | None) -> dict[str, str]:
    return {"X-API-Key": secret} if secret else {}


VIEWS = ("/stream/front", "/stream/front/mjpeg", "/stream/front/snapshot.jpg", "/stream/front?t=-1s")


@pytest.mark.parametrize(
    ("secret", "status"),
    [(None, 401), ("wrong", 401), ("expired-key-1", 401), ("all-of-yard-1", 403), ("publish-front-1", 403)],
)
def test_no_byte_of_video_without_the_right(house, secret, status):
    for view in VIEWS:
        with requests.get(house.url + view, headers=key(secret), stream=True, timeout=10) as response:
            assert response.status_code == status, view
            assert b"\xff\xd8\xff" not in response.content, view
    for socket in ("/stream/front", "/stream/front?format=binary"):
        with pytest.raises(InvalidStatus) as refused:
            open_socket(house.ws + socket, additional_headers=key(secret))
        assert refused.value.response.status_code == status
        assert b"\xff\xd8\xff" not in refused.value.response.body


def test_the_right_key_in_every_place_that_clients_have(house):
    secret = "watch-front-1"
    url = house.url + "/stream/front/snapshot.jpg"
    ways = [
        {"headers": {"X-API-Key": secret}},
        {"headers": {"Authorization": f"Bearer {secret}"}},
        {"auth": ("anybody", secret)},
        {"params": {"api_key": secret}},
    ]
    for way in ways:
        assert number_of(requests.get(url, timeout=10, **way).content) == 1
    with MjpegReader(f"{house.url}/stream/front?api_key={secret}") as reader:
        reader.wait_for_number(1)


def test_each_scope_does_its_own(house):
    def status(method: str, path: str, secret: str, **kwargs: object) -> int:
        return requests.request(method, house.url + path, headers=key(secret), timeout=20, **kwargs).status_code

    assert house.publish("front", 3, headers=key("publish-front-1")).status_code == 200
    assert house.publish("front", 4, headers=key("watch-front-1")).status_code == 403
    assert house.publish("yard", 4, headers=key("publish-front-1")).status_code == 403
    begin = {"json": {"action": "start"}}
    assert status("POST", "/api/streams/front/recording", "watch-front-1", **begin) == 403
    assert status("POST", "/api/streams/front/recording", "record-front-1", **begin) == 200
    assert status("POST", "/api/streams/front/recording", "record-front-1", json={"action": "stop"}) == 200
    assert status("DELETE", "/api/streams/front", "record-front-1") == 403
    assert status("DELETE", "/api/streams/front", "all-of-yard-1") == 403
    assert status("DELETE", "/api/streams/yard", "all-of-yard-1") == 200
    assert status("GET", "/health", "") == 200


def test_recordings_are_as_private_as_their_stream(house):
    begin = {"json": {"action": "start"}, "headers": key("record-front-1"), "timeout": 20}
    url = f"{house.url}/api/streams/front/recording"
    assert requests.post(url, **begin).status_code == 200
    for number in range(10, 20):
        assert house.publish("front", number, headers=ALL).status_code == 200
    requests.post(url, **begin | {"json": {"action": "stop"}})

    def listed(secret: str) -> dict:
        return house.get("/api/recordings", headers=key(secret)).json()

    (recording,) = eventually(lambda: listed("watch-front-1")["recordings"])
    yard = listed("all-of-yard-1")
    # Its own stream may have been recorded by now, too.
    theirs = [one["size_bytes"] for one in yard["recordings"] if one["stream_name"] == "yard"]
    assert (len(yard["recordings"]), yard["total"], yard["total_bytes"]) == (len(theirs), len(theirs), sum(theirs))
    assert [one["name"] for one in yard["streams"]] == ["yard"] * bool(theirs)
    for address in ("url", "mjpeg_url", "snapshot_url"):
        assert house.get(recording[address], headers=key("watch-front-1"), stream=True).status_code == 200
        for secret, status in ((None, 401), ("all-of-yard-1", 403), ("publish-front-1", 403)):
            refused = house.get(recording[address], headers=key(secret))
            assert refused.status_code == status
            assert b"\xff\xd8\xff" not in refused.content
    assert requests.delete(house.url + recording["url"], headers=key("record-front-1"), timeout=10).status_code == 403
    assert requests.delete(house.url + recording["url"], headers=ALL, timeout=10).status_code == 200


def test_a_body_without_end_ends_with_its_key(start_hub, tmp_path):
    expires = datetime.now(UTC) + timedelta(seconds=3)
    config = tmp_path / "keys.yaml"
    config.write_text(
        "auth:\n  api_keys: [all-of-it-1]\n  keys:\n    - {name: brief, secret: for-three-seconds, scopes: [publish], "
        f"expires: {expires:%Y-%m-%dT%H:%M:%SZ}}}\n"
    )
    hub = start_hub("--config", str(config))
    sent = 0

    def parts():
        nonlocal sent
        picture = jpeg(1)
        while datetime.now(UTC) < expires + timedelta(seconds=20):
            yield b"--b\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture + b"\r\n"
            sent += 1
            time.sleep(0.1)

    headers = {"X-API-Key": "for-three-seconds", "Content-Type": "multipart/x-mixed-replace; boundary=b"}
    try:
        answer = requests.post(hub.url + "/publish/front", data=parts(), headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (401, "API_KEY_EXPIRED")
    except requests.ConnectionError:
        pass  # It was still writing when the hub closed.
    assert datetime.now(UTC) < expires + timedelta(seconds=10)
    frames = hub.get("/api/streams/front/stats", headers=ALL).json()["total_frames"]
    assert 0 < frames <= sent + 1


def test_the_wall_shows_what_the_key_may_see(house):
    with Wall(house.ws, additional_headers=key("watch-front-1")) as wall:
        wall.watch("front", "yard")
        wall.wait_for_number("front", 1)
        # Two lists later a frame of the other stream would have come long ago.
        lists = len(wall.of_type("streams"))
        wall.wait_for_text("streams", lists + 2)
        assert {frame.header["stream"] for frame in wall.frames} == {"front"}
        assert all([s["name"] for s in listed["streams"]] == ["front"] for listed in wall.of_type("streams"))
    for secret in (None, "wrong", "expired-key-1", "publish-front-1"):
        with pytest.raises(InvalidStatus):
            open_socket(house.ws + "/api/wall", additional_headers=key(secret))


def test_a_revoked_key_is_wrong_after_the_restart(start_hub, tmp_path):
    config = tmp_path / "keys.yaml"
    config.write_text(CONFIG)
    hub = start_hub("--config", str(config))
    session = requests.Session()
    assert session.post(f"{hub.url}/api/login", json={"key": "watch-front-1"}, timeout=10).status_code == 200
    assert session.get(f"{hub.url}/api/streams", timeout=10).status_code == 200
    hub.stop()
    config.write_text("\n".join(line for line in CONFIG.splitlines() if "watch-front-1" not in line))
    hub.start()
    assert hub.get("/api/streams", headers=key("watch-front-1")).status_code == 401
    # requests sends cookies to the same host, whatever the port.
    assert session.get(f"{hub.url}/api/streams", timeout=10).status_code == 401, "the login went with its key"
    assert hub.get("/api/streams", headers=key("record-front-1")).status_code == 200


def test_no_key_is_in_the_log(start_hub):
    hub = start_hub("logging.level=TRACE", env={"API_KEYS": "hush-hush-hush"})
    for path in ("/api/streams?api_key=hush-hush-hush", "/stream/x?api_key=hush-hush-hush", "/?api_key=hush-hush-hush"):
        hub.get(path, headers={"X-API-Key": "hush-hush-hush"})
    hub.get("/api/streams?api_key=hush-hush-wrong")
    requests.post(f"{hub.url}/api/login", json={"key": "hush-hush-hush"}, timeout=10)
    assert hub.stop() == 0
    assert "hush-hush" not in hub.stderr()
