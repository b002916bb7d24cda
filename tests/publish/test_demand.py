"""`?demand=1`: a WebSocket publisher learns how many read its stream, so that it renders only when someone does."""

import json

import requests
from websockets.exceptions import ConnectionClosed

from support.mjpeg import MjpegReader
from support.pictures import jpeg
from support.publishers import SocketPublisher
from support.sockets import Wall
from support.waiting import PATIENCE, eventually


def demand(viewers: int, services: int = 0) -> dict:
    return {"type": "demand", "viewers": viewers, "services": services}


def test_viewers_come_and_go(start_hub, stream):
    hub = start_hub("recording.enabled=false")
    with SocketPublisher(hub.ws, stream, "?demand=1") as publisher:
        assert publisher.answer() == demand(0), "at once, before the stream is there"
        publisher.send(jpeg(1))
        eventually(lambda: hub.get(f"/api/streams/{stream}/stats").ok, "the stream is there")
        with MjpegReader(f"{hub.url}/stream/{stream}"):
            assert publisher.answer() == demand(1)
            with Wall(hub.ws) as wall:
                wall.watch(stream)
                assert publisher.answer() == demand(2)
            assert publisher.answer() == demand(1)
        assert publisher.answer() == demand(0)


def test_a_recorder_is_a_service(hub, stream):
    with SocketPublisher(hub.ws, stream, "?demand=1") as publisher:
        assert publisher.answer() == demand(0)
        publisher.send(jpeg(1))
        assert publisher.answer() == demand(0, services=1)


def test_a_publisher_that_comes_back_finds_its_viewers(start_hub, stream):
    hub = start_hub("recording.enabled=false")
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}"), SocketPublisher(hub.ws, stream, "?demand=1") as publisher:
        assert publisher.answer() == demand(1)


def test_refused_frames_are_told_and_taken_ones_are_not(start_hub, stream):
    hub = start_hub("recording.enabled=false")
    with SocketPublisher(hub.ws, stream, "?demand=1") as publisher:
        assert publisher.answer() == demand(0)
        publisher.send(jpeg(1))
        publisher.send(b"no picture")
        answer = publisher.answer()
        assert (answer["type"], answer["code"]) == ("error", "NOT_AN_IMAGE")


def test_with_acks_both_are_sent(start_hub, stream):
    hub = start_hub("recording.enabled=false")
    with SocketPublisher(hub.ws, stream, "?demand=1&ack=1") as publisher:
        publisher.socket.send(jpeg(1))
        assert {publisher.answer()["type"], publisher.answer()["type"]} == {"demand", "ack"}


def test_a_publisher_at_rest_whose_stream_is_deleted_is_sent_away(start_hub, stream):
    """It may be waiting for demand, which it would never hear of again."""
    hub = start_hub("recording.enabled=false")
    with SocketPublisher(hub.ws, stream, "?demand=1") as publisher:
        assert publisher.answer() == demand(0)
        publisher.send(jpeg(1))
        eventually(lambda: hub.get(f"/api/streams/{stream}/stats").ok, "the stream is there")
        requests.delete(f"{hub.url}/api/streams/{stream}", timeout=PATIENCE)
        try:
            while True:
                json.loads(publisher.socket.recv(timeout=PATIENCE))
        except ConnectionClosed as closed:
            assert closed.rcvd.code == 1008 and "deleted" in closed.rcvd.reason


def test_a_bad_switch(hub, stream):
    response = hub.get(f"/publish/{stream}?demand=maybe", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert response.status_code == 400, response.text
