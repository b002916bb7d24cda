"""Who may publish a stream: a connection claims it, another is refused unless it takes over or the first is stale."""

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.mjpeg import MjpegReader
from support.pictures import jpeg
from support.publishers import EndlessBody, SocketPublisher
from support.shapes import assert_error
from support.sockets import open_socket
from support.waiting import eventually


def test_a_second_connection_is_refused(hub, stream):
    with SocketPublisher(hub.ws, stream) as first:
        first.send(jpeg(1))
        with pytest.raises(InvalidStatus) as refused:
            open_socket(f"{hub.ws}/publish/{stream}")
        assert refused.value.response.status_code == 409
        assert b"STREAM_CLAIMED" in refused.value.response.body
        body = EndlessBody(hub.port, f"/publish/{stream}")
        status, answer = body.answer()
        assert (status, answer["code"]) == (409, "STREAM_CLAIMED")
        assert "takeover=1" in answer["error"]
        # One-shot requests would mix their pictures into the connection's.
        assert_error(hub.publish(stream, 2), 409, "STREAM_CLAIMED")
        assert first.send(jpeg(3))["seq"] == 2
    assert hub.snapshot(stream) == jpeg(3)


def test_the_next_publisher_follows_when_the_first_has_left(hub, stream):
    with SocketPublisher(hub.ws, stream) as first:
        first.send(jpeg(1))
    eventually(lambda: hub.stats(stream)["publisher_connected"] is False)
    with SocketPublisher(hub.ws, stream) as second:
        assert second.send(jpeg(2))["seq"] == 2, "the stream goes on"


def test_takeover(hub, stream):
    """A robot that comes back on a new connection replaces its own ghost; viewers notice nothing."""
    with SocketPublisher(hub.ws, stream) as first:
        first.send(jpeg(1))
        with MjpegReader(f"{hub.url}/stream/{stream}") as viewer:
            viewer.wait_for_number(1)
            with SocketPublisher(hub.ws, stream, "?ack=1&takeover=1") as second:
                assert second.send(jpeg(2))["seq"] == 2
                viewer.wait_for_number(2)
                answer = first.send(jpeg(3))
                assert (answer["type"], answer["code"]) == ("error", "TAKEN_OVER")
                with pytest.raises(ConnectionClosed) as closed:
                    first.answer()
                assert closed.value.rcvd.code == 1008
                assert second.send(jpeg(4))["type"] == "ack"
                viewer.wait_for_number(4)
            assert viewer.numbers == [1, 2, 4]


def test_takeover_by_an_endless_body(hub, stream):
    first = EndlessBody(hub.port, f"/publish/{stream}")
    first.part(jpeg(1))
    eventually(lambda: hub.get(f"/api/streams/{stream}/stats").status_code == 200)
    second = EndlessBody(hub.port, f"/publish/{stream}?takeover=1")
    second.part(jpeg(2))
    eventually(lambda: hub.snapshot(stream) == jpeg(2))
    first.part(jpeg(3))
    status, answer = first.answer()
    assert (status, answer["code"]) == (409, "TAKEN_OVER")
    assert second.end()[0] == 200
    assert hub.snapshot(stream) == jpeg(2)


def test_a_stale_claim_does_not_keep_others_out(hub, stream):
    """A connection that looks open but has sent nothing for five seconds: after a cut cable the robot comes back."""
    with SocketPublisher(hub.ws, stream) as ghost:
        ghost.send(jpeg(1))

        def let_in():
            try:
                return SocketPublisher(hub.ws, stream)
            except InvalidStatus as refused:
                assert refused.response.status_code == 409
                return None

        with eventually(let_in, "the claim goes stale") as second:
            assert second.send(jpeg(2))["type"] == "ack"
            assert ghost.send(jpeg(3))["code"] == "TAKEN_OVER"
    assert hub.snapshot(stream) == jpeg(2)


def test_a_deleted_stream_ends_its_publisher(hub, stream):
    with SocketPublisher(hub.ws, stream) as publisher:
        publisher.send(jpeg(1))
        requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
        answer = publisher.send(jpeg(2))
        assert (answer["type"], answer["code"]) == ("error", "STREAM_CLOSED")
    assert hub.get(f"/stream/{stream}").status_code == 404
