"""What can go wrong with a simulator: clients are notified, the last picture stays, and all works again once it is back."""

import pytest
import requests

from support.mjpeg import MjpegReader
from support.pictures import number_of
from support.simulator import BINARY, Frame
from support.sockets import SocketReader
from support.waiting import always, eventually


def test_a_simulator_that_refuses_is_tried_until_it_is_there(hub, simulator, create):
    simulator.down()
    made = create()
    with SocketReader(made["wsUrl"]) as reader:
        error = reader.wait_for_text("error", 2)["message"]
        assert "No connection to the simulator: cannot reach" in error and "Trying again in" in error
        assert hub.stats(made["sessionId"])["source"]["state"] in ("failed", "connecting")
        assert not reader.of_type("frame")
        simulator.up()
        reader.wait_for_text("frame")
        eventually(lambda: reader.of_type("status")[-1]["message"] == "Connected to the simulator", "it says so")


def test_waits_between_attempts_grow_and_jitter(hub, simulator, create):
    simulator.switches.socket = simulator.switches.mjpeg = "refuse"
    with SocketReader(create()["wsUrl"]) as reader:
        reader.wait_for_text("error", 4)
        secs = [float(said["message"].split(" ")[-2]) for said in reader.of_type("error")]
        assert secs == sorted(secs) and secs[-1] > secs[0], secs
        assert all("503" in said["message"] for said in reader.of_type("error"))


@pytest.mark.parametrize("fault", ["swallow", "noise"])
def test_a_simulator_that_makes_no_sense_is_given_up_and_tried_again(simulator, create, fault):
    simulator.switches.socket, simulator.switches.mjpeg = fault, "refuse"
    with SocketReader(create()["wsUrl"]) as reader:
        reader.wait_for_text("error")
        simulator.switches.socket = "open"
        reader.wait_for_text("frame", 3)


def test_a_link_on_which_nothing_comes_any_more_is_opened_anew(simulator, create):
    """The connection goes silent: neither pictures nor pongs."""
    simulator.switches.mjpeg = "refuse"
    with SocketReader(create()["wsUrl"]) as reader:
        reader.wait_for_text("frame")
        simulator.switches.socket, simulator.switches.pictures = "deaf", "none"
        assert "no picture came" in reader.wait_for_text("error")["message"]
        simulator.switches.socket, simulator.switches.pictures = "open", "binary"
        count = len(reader.of_type("frame"))
        reader.wait_for_text("frame", count + 3)


def test_a_silent_link_whose_pings_are_answered_stays(simulator, create):
    simulator.switches.pictures, simulator.switches.mjpeg = "none", "refuse"
    with SocketReader(create()["wsUrl"]) as reader:
        link = simulator.link
        always(lambda: simulator.open == [link], 3, "signalling may be silent for long")
        simulator.say_text('{"type":"late"}')
        reader.wait_for_text("late")


def test_a_picture_that_breaks_off_is_not_shown(hub, simulator, create):
    made = create()
    with MjpegReader(made["httpStreamUrl"]) as mjpeg, SocketReader(made["wsUrl"]) as reader:
        mjpeg.wait_for_parts(3)
        simulator.switches.mjpeg = "refuse"
        simulator.switches.drop = True
        reader.wait_for_text("error")
        last = number_of(hub.snapshot(made["sessionId"]))
        eventually(lambda: mjpeg.parts[-1].number == last, "the last whole picture stays")
        simulator.switches.drop = False
        count = len(mjpeg.parts)
        mjpeg.wait_for_parts(count + 3)
        assert None not in mjpeg.numbers


def test_garbage_in_place_of_pictures_is_counted_and_told(hub, simulator, create):
    made = create()
    with SocketReader(made["wsUrl"]) as reader:
        reader.wait_for_text("frame")
        last = hub.snapshot(made["sessionId"])
        simulator.switches.payload = b"\xff\xd8 begins as a picture does, and is none"
        eventually(lambda: hub.stats(made["sessionId"])["source"]["frame_errors"] > 3, "they are counted")
        assert "a picture that cannot be used" in reader.wait_for_text("error")["message"]
        simulator.say_text('{"type":"frame","data":"!!! no base64"}')
        simulator.say_text('{"type":"frame"}')
        simulator.switches.payload = None
        count = len(reader.of_type("frame"))
        reader.wait_for_text("frame", count + 3)
        assert hub.snapshot(made["sessionId"]) != last
        assert len(simulator.links) == 1, "no picture ends the connection"


def test_a_flood_of_pictures_is_thinned_out(hub, simulator, create):
    simulator.switches.fps = 500
    made = create()
    with SocketReader(made["wsUrl"] + "?format=binary") as reader:
        eventually(lambda: len(reader.binaries) > 100, "pictures")
        before = hub.rss()
        eventually(lambda: len(reader.binaries) > 600, "more of them", timeout=30)
        assert hub.rss() - before < 20_000_000
        stats = hub.stats(made["sessionId"])
        assert stats["source"]["captures"] >= stats["total_frames"]


def test_messages_of_fifty_megabytes_cost_no_memory(hub, simulator, create):
    simulator.switches.mjpeg = "refuse"
    made = create()
    with SocketReader(made["wsUrl"]) as reader:
        reader.wait_for_text("frame")
        before = hub.rss()
        huge = bytes(50_000_000)
        simulator.say(Frame(BINARY, huge[:1], fin=False))
        with pytest.raises(OSError):
            simulator.say(Frame(BINARY, b"\xff\xd8" + huge))
        assert hub.rss() - before < 40_000_000
        reader.wait_for_text("error")
        count = len(reader.of_type("frame"))
        reader.wait_for_text("frame", count + 3)
    assert hub.get("/health").json()["status"] == "healthy"


def test_a_simulator_that_comes_back_with_another_size(hub, simulator, create):
    made = create()
    with SocketReader(made["wsUrl"]) as reader, MjpegReader(made["httpStreamUrl"]) as mjpeg:
        reader.wait_for_text("frame")
        simulator.down()
        reader.wait_for_text("error")
        simulator.switches.size = (160, 120)
        simulator.up()
        eventually(lambda: hub.stats(made["sessionId"])["width"] == 160, "the new size")
        count = len(mjpeg.parts)
        mjpeg.wait_for_parts(count + 3)
        assert None not in mjpeg.numbers


@pytest.mark.parametrize("socket", ["refuse", "open"])
def test_pictures_come_over_mjpeg_where_the_websocket_brings_none(hub, simulator, create, socket):
    simulator.switches.socket, simulator.switches.pictures = socket, "none"
    made = create()
    with SocketReader(made["wsUrl"]) as reader:
        reader.wait_for_text("frame", 3)
        assert "MJPEG stream" in reader.of_type("status")[-1]["message"]
        session = hub.get(f"/session/{made['sessionId']}").json()["session"]
        assert session["isIsaacSimConnected"] is True
        if socket == "open":
            simulator.say_text('{"type":"signalling beside it"}')
            reader.wait_for_text("signalling beside it")
        simulator.switches.socket, simulator.switches.pictures = "open", "json"
        eventually(
            lambda: reader.of_type("status")[-1]["message"] == "Connected to the simulator",
            "the WebSocket's again",
            timeout=30,
        )
        count = len(reader.of_type("frame"))
        reader.wait_for_text("frame", count + 3)


def test_one_faulty_simulator_leaves_the_others_alone(hub, simulator, create):
    simulator.down()
    requests.post(f"{hub.url}/publish/other", files={"frame": simulator.picture(1)}, timeout=10)
    with SocketReader(create()["wsUrl"]) as reader:
        reader.wait_for_text("error")
        assert number_of(hub.snapshot("other")) == 1
