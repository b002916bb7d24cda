"""Sessions as clients make, ask for and end them, and their streams as everything else sees them."""

import re

import pytest
import requests
import yaml

from support.mjpeg import MjpegReader
from support.pictures import number_of
from support.program import framehub
from support.shapes import assert_error, assert_shape
from support.simulator import QUICK, Simulator
from support.sockets import SocketReader
from support.waiting import always, eventually


def session_of(hub, session: str) -> dict:
    return hub.get(f"/session/{session}").json()["session"]


def post(hub, path: str, **kwargs) -> requests.Response:
    return requests.post(hub.url + path, timeout=30, **kwargs)


def test_a_session_from_its_making_to_its_end(hub, simulator, create):
    made = create(userId="user123", robotName="demo-robot")
    session = made["sessionId"]
    assert re.fullmatch(r"stream_\d{13}_[0-9a-z]{9}", session)
    assert made["success"] is True and made["message"] == "Streaming session created"
    host = hub.url.removeprefix("http://")
    assert made["wsUrl"] == f"ws://{host}/stream/{session}"
    assert made["httpStreamUrl"] == f"http://{host}/stream/{session}/mjpeg"
    assert made["embedUrl"] == f"http://{host}/stream/{session}/embed"
    assert hub.get("/health").json()["active_sessions"] == 1
    assert hub.get("/health").json()["isaac_sim_port"] == str(simulator.port)

    before = session_of(hub, session)
    assert_shape(before, {"id": "", "createdAt": "", "lastActivity": "", "connections": 0, "isIsaacSimConnected": True})
    assert (before["userId"], before["robotName"]) == ("user123", "demo-robot")
    assert (before["connections"], before["isIsaacSimConnected"]) == (0, False)
    assert not simulator.links, "no one watches"
    with SocketReader(made["wsUrl"]) as reader:
        reader.wait_for_text("frame")
        during = session_of(hub, session)
        assert (during["connections"], during["isIsaacSimConnected"]) == (1, True)
        assert during["lastActivity"] > before["lastActivity"]
        ended = post(hub, f"/session/{session}/destroy")
        assert ended.json() == {"success": True, "message": "Session destroyed"}
        assert reader.wait_for_end()[0] == 1000
    eventually(
        lambda: simulator.links[0].close == (1000, "the session has ended"), "the simulator gets the close frame"
    )
    for gone in (hub.get(f"/session/{session}"), post(hub, f"/session/{session}/destroy")):
        assert gone.status_code == 404
        assert gone.json() | {"code": ""} == {"success": False, "error": "Session not found", "code": ""}
    assert hub.get("/health").json()["active_sessions"] == 0
    assert_error(hub.get(f"/stream/{session}/mjpeg"), 404, "STREAM_NOT_FOUND")


def test_a_session_of_a_robot_is_used_again(hub, create):
    first = create(robotId="arm_7", userId=12)
    assert re.fullmatch(r"robot_arm_7_\d{13}", first["sessionId"])
    assert session_of(hub, first["sessionId"])["userId"] == "12"
    again = create(robotId="arm_7")
    assert again["sessionId"] == first["sessionId"] and again["message"] == "Streaming session reused"
    assert create(robotId="arm_8")["sessionId"] != first["sessionId"]
    assert create()["sessionId"] != create()["sessionId"]
    destroy = f"/session/{first['sessionId']}/destroy"
    assert post(hub, destroy).json()["success"]
    assert session_of(hub, first["sessionId"])["robotId"] == "arm_7", "the other client has it still"
    assert post(hub, destroy).json()["success"]
    assert create(robotId="arm_7")["message"] == "Streaming session created"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "BAD_BODY"),
        (b"7", "BAD_BODY"),
        (b'{"userId": {}}', "BAD_BODY"),
        (b'{"robotId": "../x"}', "BAD_ROBOT_ID"),
        (b'{"robotId": "' + b"r" * 45 + b'"}', "BAD_ROBOT_ID"),
        (b'{"userId": "' + b"u" * 257 + b'"}', "TEXT_TOO_LONG"),
    ],
)
def test_what_makes_no_session_is_refused_in_the_documents_form(hub, body, code):
    refused = post(hub, "/session/create", data=body)
    assert_error(refused, 400, code)
    assert refused.json()["success"] is False
    assert hub.get("/health").json()["active_sessions"] == 0


def test_every_refusal_of_a_session_route_says_that_it_was_no_success(hub):
    for refused, status in [
        (hub.get("/session/a.b"), 400),
        (hub.get("/session/create/x"), 404),
        (requests.delete(hub.url + "/session/x", timeout=10), 405),
    ]:
        assert (refused.status_code, refused.json()["success"]) == (status, False), refused.text
        assert refused.json()["error"] and refused.json()["code"]
    assert "Allow" in refused.headers
    assert "success" not in hub.get("/stream/none").json()


def test_there_are_no_more_sessions_than_the_limit(start_hub, simulator):
    hub = start_hub(*simulator.settings, "sessions.max_concurrent=2")
    made = [post(hub, "/session/create").json()["sessionId"] for _ in range(2)]
    refused = post(hub, "/session/create")
    assert_error(refused, 503, "SESSION_LIMIT")
    assert refused.headers["Retry-After"]
    requests.delete(f"{hub.url}/api/streams/{made[0]}", timeout=10)
    eventually(lambda: hub.get(f"/session/{made[0]}").status_code == 404, "a session ends with its stream")
    assert post(hub, "/session/create").status_code == 200


def test_a_session_without_activity_ends_and_a_watched_one_stays(start_hub, simulator):
    hub = start_hub(*QUICK, *simulator.settings, "sessions.timeout_seconds=1", "sessions.check_seconds=0.1")
    watched, idle = (post(hub, "/session/create").json()["sessionId"] for _ in range(2))
    with SocketReader(f"{hub.ws}/stream/{watched}") as reader:
        eventually(lambda: hub.get(f"/session/{idle}").status_code == 404, "the idle one ends")
        reader.wait_for_text("frame")
        always(lambda: hub.get(f"/session/{watched}").status_code == 200, 1.5, "the watched one lives")
    eventually(lambda: hub.get(f"/session/{watched}").status_code == 404, "and ends when it is idle", timeout=30)


def test_a_sessions_stream_is_an_ordinary_one(start_hub, simulator):
    hub = start_hub(*QUICK, *simulator.settings, "recording.enabled=false")
    session = post(hub, "/session/create").json()["sessionId"]
    listed = {stream["name"]: stream for stream in hub.get("/api/streams").json()["streams"]}
    assert listed[session]["on_demand"] is True
    with MjpegReader(f"{hub.url}/stream/{session}") as reader:
        eventually(lambda: len(reader.parts) >= 3, "MJPEG")
        source = hub.stats(session)["source"]
        assert (source["kind"], source["state"], source["attempts"]) == ("simulator", "live", 1)
        assert number_of(hub.snapshot(session)) is not None
        small = hub.get(f"/stream/{session}/snapshot.jpg?width=160")
        assert small.status_code == 200 and len(small.content) < len(hub.snapshot(session))
        recorder = f"/api/streams/{session}/recording"
        assert post(hub, recorder, json={"action": "start"}).status_code == 200
        eventually(lambda: hub.get(recorder).json()["recording"], "it is recorded")
        assert post(hub, recorder, json={"action": "stop"}).status_code == 200
        files = hub.get(f"/api/recordings?stream={session}").json()
        assert files["count"] == 1
    assert len(simulator.links) == 1, "one upstream for all of it"


def test_many_clients_share_one_link_which_ends_after_the_last(hub, simulator, create):
    made = create()
    with SocketReader(made["wsUrl"]) as one, SocketReader(made["wsUrl"] + "?format=binary") as two:
        with MjpegReader(made["httpStreamUrl"]) as three:
            one.wait_for_text("frame")
            eventually(lambda: two.binaries and three.parts, "everybody sees it")
            assert session_of(hub, made["sessionId"])["connections"] == 3
        assert len(simulator.links) == 1
    eventually(lambda: not simulator.open, "the link is closed some seconds later")
    assert simulator.links[0].close == (1000, "")
    with SocketReader(made["wsUrl"]) as reader:
        reader.wait_for_text("frame")
    assert len(simulator.links) == 2


def test_a_simulator_is_chosen_by_its_name_or_by_the_robots(start_hub, simulator, tmp_path):
    with Simulator(size=(160, 120)) as lab:
        config = {"simulators": {"lab": f"127.0.0.1:{lab.port}", "arm 7": f"127.0.0.1:{lab.port}#ws_path=/live?arm=7"}}
        path = tmp_path / "named.yaml"
        path.write_text(yaml.safe_dump(config))
        hub = start_hub("--config", str(path), env=simulator.environment)
        for request, asked, path in [
            ({"robotName": "arm 7"}, lab, "/live?arm=7"),
            ({"robotName": "arm 7", "simulator": "lab"}, lab, "/streaming/webrtc"),
            ({"robotName": "unknown"}, simulator, "/streaming/webrtc"),
        ]:
            asked.asked.clear()
            made = post(hub, "/session/create", json=request).json()
            with SocketReader(made["wsUrl"]) as reader:
                reader.wait_for_text("frame")
            assert asked.asked[:2] == ["/ping", path], request


def test_a_ping_that_fails_is_a_warning(hub, simulator, create):
    assert "warning" not in create()
    simulator.switches.ping = 500
    assert "500" in create()["warning"]
    simulator.down()
    made = create()
    assert "/ping" in made["warning"]
    eventually(lambda: "does not answer GET /ping" in hub.stderr(), "it is logged, too")
    assert hub.get(f"/session/{made['sessionId']}").status_code == 200


def test_addresses_are_those_by_which_the_client_came(start_hub, simulator):
    hub = start_hub(*simulator.settings, "server.base_path=/sim", "server.trusted_proxies=127.0.0.1")
    assert hub.url.endswith("/sim")
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "video.example"}
    made = post(hub, "/session/create", headers=forwarded).json()
    session = made["sessionId"]
    assert made["wsUrl"] == f"wss://video.example/sim/stream/{session}"
    assert made["embedUrl"] == f"https://video.example/sim/stream/{session}/embed"
    made = post(hub, "/session/create", headers={"Host": "robots.example:8889"}).json()
    assert made["httpStreamUrl"] == f"http://robots.example:8889/sim/stream/{made['sessionId']}/mjpeg"


KEYS = """
auth:
  keys:
    - {name: app, secret: app-secret, scopes: [publish, view], streams: [stream_*, robot_7_*]}
    - {name: maker, secret: maker-secret, scopes: [publish]}
    - {name: viewer, secret: viewer-secret, scopes: [view]}
"""


def test_with_keys_a_session_needs_one_and_its_addresses_need_none(start_hub, simulator, tmp_path):
    path = tmp_path / "keys.yaml"
    path.write_text(KEYS)
    hub = start_hub("--config", str(path), *simulator.settings)

    def make(key: str | None, **request: object) -> requests.Response:
        return post(hub, "/session/create", json=request, headers={"X-API-Key": key} if key else {})

    for key, status in [(None, 401), ("wrong", 401), ("viewer-secret", 403)]:
        refused = make(key)
        assert (refused.status_code, refused.json()["success"]) == (status, False)
    assert make("app-secret", robotId="8").status_code == 403, "the key is for other streams"
    watching = {"X-API-Key": "viewer-secret"}
    assert hub.get("/health", headers=watching).json()["active_sessions"] == 0

    made = make("app-secret", robotId="7").json()
    assert hub.get("/health", headers=watching).json()["active_sessions"] == 1
    assert hub.get("/health").json()["active_sessions"] == 0, "who may see none counts none"
    session = made["sessionId"]
    with SocketReader(made["wsUrl"]) as reader:
        reader.wait_for_text("frame")
        with MjpegReader(made["httpStreamUrl"]) as mjpeg:
            eventually(lambda: mjpeg.parts, "MJPEG")
    assert requests.get(made["embedUrl"], timeout=10).status_code == 200
    token = made["wsUrl"].split("?")[1]
    assert hub.get(f"/session/{session}").status_code == 401
    assert hub.get(f"/session/{session}?{token}").status_code == 403, "a link opens views alone"
    assert hub.get(f"/session/{session}", headers={"X-API-Key": "viewer-secret"}).status_code == 200
    for key, status in [("viewer-secret", 403), ("app-secret", 200)]:
        assert post(hub, f"/session/{session}/destroy", headers={"X-API-Key": key}).status_code == status
    assert "token" not in make("maker-secret").json()["wsUrl"], "who may not watch hands on no right to watch"
    assert token.split("=")[1] not in hub.stderr()


def test_viewers_steer_no_simulator(start_hub, simulator, tmp_path):
    path = tmp_path / "keys.yaml"
    path.write_text(KEYS.replace("auth:", "auth:\n  public: [view]"))
    hub = start_hub("--config", str(path), *QUICK, *simulator.settings)
    key = {"X-API-Key": "app-secret"}
    made = post(hub, "/session/create", headers=key).json()
    session = made["sessionId"]
    link = post(hub, f"/api/streams/{session}/share", headers=key).json()["token"]
    view = f"{hub.ws}/stream/{session}"
    for address in (view, f"{view}?token={link}", f"{view}?api_key=viewer-secret"):
        with SocketReader(address) as viewer:
            viewer.wait_for_text("frame")
            viewer.socket.send("stop")
            viewer.socket.send("stop at once")
            assert "publish" in viewer.wait_for_text("error")["message"]
            viewer.socket.send("please")
            viewer.wait_for_text("frame", len(viewer.of_type("frame")) + 2)
            assert len(viewer.of_type("error")) == 1, "it is told once"
            viewer.socket.close(4001, "a viewer's own")
    for number, address in enumerate((made["wsUrl"], f"{view}?api_key=app-secret"), start=1):
        with SocketReader(address) as maker:
            maker.socket.send(f"go {number}")
            eventually(lambda: any(f"go {number}".encode() in link.messages for link in simulator.links), "it is heard")
    assert not [said for link in simulator.links for said in link.messages if not said.startswith(b"go")]
    assert all(link.close is None or link.close[0] != 4001 for link in simulator.links)


def test_the_configuration_says_what_is_no_simulator(start_hub, tmp_path):
    (tmp_path / "config.yaml").write_text("simulators:\n  lab: a b\n  two: host#prot=1\n  three: [x]\n")
    checked = framehub("config", "check", folder=tmp_path)
    assert checked.returncode == 1
    for problem in ('config.yaml:2: simulators: lab: "a b" is no host', "'prot'", "config.yaml:4"):
        assert problem in checked.stderr, checked.stderr
    (tmp_path / "config.yaml").write_text("simulators:\n  lab: 10.0.0.7:9000\n")
    shown = framehub("config", "show", folder=tmp_path).stdout
    assert yaml.safe_load(shown)["simulators"]["lab"].startswith("10.0.0.7:9000#"), shown
