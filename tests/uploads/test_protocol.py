"""Uploads over a real WebSocket: acknowledgements, limits, lost connections, rights. What a session does in each state
is tested with the room itself (crates/uploads/tests)."""

import struct

import cv2
import numpy
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.pictures import jpeg, number_of
from support.sockets import open_socket
from support.uploads import Upload, sessions
from support.waiting import eventually


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    from support.hub import Hub

    limits = ("referee.max_streaming_sessions=4", "referee.max_frame_mb=2", "referee.spool_memory_mb=0.5")
    # Frames are taken here; who is in them does not matter.
    with Hub(tmp_path_factory.mktemp("uploads"), *limits, "referee.yolo_model=none") as started:
        yield started


def test_frames_are_acknowledged_in_order_however_many_are_on_the_way(hub, stream):
    with Upload(hub) as upload:
        assert upload.start(stream) == {"type": "session_started", "session_id": stream}
        for number in range(200):
            upload.send_frame(number)
        upload.send_frame(7)
        acks = [upload.hear() for _ in range(201)]
        assert [ack["frame_number"] for ack in acks] == [*range(200), 7]
        assert {ack["status"] for ack in acks[:200]} == {"received"} and acks[200]["status"] == "duplicate"
        assert all(ack["type"] == "frame_ack" and ack["session_id"] == stream for ack in acks)
        state = sessions(hub)[stream]
        assert (state["frames_received"], state["state"]) == (200, "receiving_frames")
        validation = upload.end(200)["validation"]
        assert (validation["valid"], validation["duplicate_frames"], validation["has_signal"]) == (True, 1, False)


def test_the_frames_are_a_live_stream_while_they_come(hub, stream):
    with Upload(hub) as upload:
        upload.start(stream)
        upload.frames(range(3))
        assert number_of(hub.snapshot(f"session_{stream}")) == 2
        picture = cv2.imdecode(numpy.frombuffer(jpeg(9), numpy.uint8), cv2.IMREAD_COLOR)
        height, width, channels = picture.shape
        upload.frame(9, struct.pack("<III", height, width, channels) + picture.tobytes(), encoding="raw")
        eventually(lambda: number_of(hub.snapshot(f"session_{stream}")) == 9)
        upload.frame(10, cv2.imencode(".png", picture)[1].tobytes(), encoding="png")
        eventually(lambda: hub.stats(f"session_{stream}")["total_frames"] == 5)
        upload.say("session_abort")
        eventually(lambda: hub.get(f"/stream/session_{stream}").status_code == 404)


def test_bad_frames_cost_nothing_else(hub, stream):
    bomb = cv2.imencode(".png", numpy.zeros((4, 4, 3), numpy.uint8))[1].tobytes()
    bomb = bomb[:16] + struct.pack(">II", 20_000, 20_000) + bomb[24:]
    with Upload(hub) as upload:
        upload.start(stream)
        for payload, encoding in (
            (jpeg(0)[:-20], "jpeg"),
            (b"", "jpeg"),
            (bomb, "png"),
            (struct.pack("<III", 2**31, 2**31, 3) + b"x" * 50, "raw"),
        ):
            error = upload.frame(0, payload, encoding=encoding)
            assert (error["type"], error["error_code"]) == ("error", "FRAME_PROCESSING_FAILED")
            assert error["recoverable"] is True and error["session_id"] == stream
            assert upload.hear()["status"] == "error"
        assert upload.frame(0, size=1)["status"] == "received", "a size that differs is a warning"
        eventually(lambda: "Frame size mismatch" in hub.stderr())
        assert upload.frame(1_000_000_000, jpeg(1))["status"] == "received"


def test_a_lost_connection_is_resumed(hub, stream):
    with Upload(hub) as upload:
        upload.start(stream)
        upload.frames(range(5))
        upload.socket.socket.close()
    eventually(lambda: not sessions(hub)[stream]["connected"])
    with Upload(hub) as upload:
        started = upload.start(stream, resume=True)
        assert (started["resumed"], started["next_frame"]) == (True, 5)
        upload.frames(range(5, 12))
        assert upload.end(12)["validation"]["valid"]


def test_two_clients_with_one_id(hub, stream):
    with Upload(hub) as first, Upload(hub) as second:
        first.start(stream)
        refused = second.start(stream)
        assert refused["error_code"] == "SESSION_START_FAILED" and "in use" in refused["error_message"]
        assert first.frame(0)["status"] == "received", "the first notices nothing"


def test_sessions_are_limited(hub, stream):
    uploads = [Upload(hub) for _ in range(5)]
    kinds = [upload.start(f"{stream}_{n}") for n, upload in enumerate(uploads)]
    refused = [answer for answer in kinds if answer["type"] == "error"]
    assert refused and refused[-1]["error_message"].startswith("Maximum concurrent sessions reached")
    for upload in uploads:
        upload.__exit__()


def test_messages_that_are_none(hub):
    with Upload(hub) as upload:
        for text, code, recoverable in (
            ("{", "INVALID_MESSAGE", False),
            ('{"type": 1}', "PROTOCOL_ERROR", False),
            ('{"type": "dance"}', "UNKNOWN_MESSAGE_TYPE", True),
            ('{"type": "session_end"}', "NO_ACTIVE_SESSION", False),
        ):
            upload.socket.send(text)
            error = upload.hear()
            assert (error["error_code"], error["recoverable"]) == (code, recoverable)
        upload.say("ping")
        assert upload.hear() == {"type": "pong"}


def test_a_message_over_the_limit_ends_the_connection_and_keeps_the_session(hub, stream):
    with Upload(hub) as upload:
        upload.start(stream)
        upload.frame(0)
        with pytest.raises(ConnectionClosed) as ended:
            upload.frame(1, b"x" * (2 * 1024 * 1024 + 1))
        assert ended.value.rcvd.code == 1009 and "max_frame_mb" in ended.value.rcvd.reason
    with Upload(hub) as upload:
        assert upload.start(stream, resume=True)["next_frame"] == 1


def test_memory_stays_bounded_however_long_a_session_is(hub, stream):
    grey = struct.pack("<III", 40, 50, 1)
    with Upload(hub) as upload:
        upload.start(stream)
        for batch in range(25):
            for number in range(batch * 400, batch * 400 + 400):
                upload.send_frame(number, grey + bytes([number % 256]) * 2000, encoding="raw")
            assert {upload.hear()["status"] for _ in range(400)} == {"received"}
        state = sessions(hub)[stream]
        assert state["frames_received"] == 10_000 and state["memory_mb"] <= 0.5 and state["spooled_mb"] > 18


def test_idle_sessions_and_connections_end(start_hub, stream):
    hub = start_hub("referee.streaming_session_timeout=1")
    with Upload(hub) as upload:
        upload.start(stream)
        error = upload.hear()
        assert error["error_message"] == "Session timeout: no activity for 1 seconds"
        with pytest.raises(ConnectionClosed) as ended:
            upload.hear()
        assert ended.value.rcvd.code == 1008
    assert sessions(hub) == {}
    with Upload(hub) as silent, pytest.raises(ConnectionClosed):
        silent.hear()


def test_uploads_turned_off(start_hub):
    hub = start_hub(env={"REFEREE_MAX_STREAMING_SESSIONS": "0"})
    with Upload(hub) as upload:
        assert upload.hear()["error_code"] == "STREAMING_DISABLED"
    assert hub.get("/streaming/stats").json()["max_sessions"] == 0


def test_a_frame_over_the_memory_of_all(start_hub, stream):
    hub = start_hub(env={"REFEREE_MAX_STREAMING_MEMORY_MB": "1"})
    with Upload(hub) as upload:
        upload.start(stream)
        raw = struct.pack("<III", 1000, 1100, 1) + bytes(1_100_000)
        assert upload.frame(0, raw, encoding="raw")["error_message"].startswith("Maximum memory limit reached")
        assert upload.hear()["status"] == "error"
        assert upload.frame(0)["status"] == "received"


KEYS = """
auth:
  keys:
    - {name: robot, secret: the-robots-key, scopes: [publish], streams: [session_mine*]}
    - {name: wall, secret: the-walls-key, scopes: [view]}
"""


def test_keys(start_hub, tmp_path):
    (tmp_path / "hub.yaml").write_text(KEYS)
    hub = start_hub("--config", str(tmp_path / "hub.yaml"))
    robot, wall = {"X-API-Key": "the-robots-key"}, {"X-API-Key": "the-walls-key"}
    for headers, status in ((None, 401), (wall, 403)):
        with pytest.raises(InvalidStatus) as refused:
            open_socket(hub.ws + "/stream", additional_headers=headers)
        assert refused.value.response.status_code == status
    with Upload(hub, additional_headers=robot) as upload:
        assert "session_other" in upload.start("other")["error_message"]
        assert upload.start("mine1")["type"] == "session_started"
        upload.frame(0)
        assert list(hub.get("/streaming/stats", headers=robot).json()["sessions"]) == ["mine1"]
        assert list(hub.get("/streaming/stats", headers=wall).json()["sessions"]) == ["mine1"]
        assert hub.get("/streaming/stats").status_code == 401
        assert hub.get("/stream/session_mine1/snapshot.jpg", headers=wall).status_code == 200
        assert hub.get("/stream", headers=robot).status_code == 403, "a key to publish does not watch"
