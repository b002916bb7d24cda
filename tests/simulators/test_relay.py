"""Signalling through a session: what either side says reaches the other byte for byte, in order, cut as it was."""

import json
import random
import socket
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed

from support.simulator import BINARY, CONTINUATION, PING, PONG, QUICK, TEXT, Frame
from support.sockets import SocketReader, open_socket
from support.waiting import eventually

OFFER = json.dumps({"type": "offer", "sdp": "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n", "ü": "😀"}, ensure_ascii=False)


def conversation(seed: int) -> list[list[bytes | str]]:
    """Messages as a list of their fragments: text or binary, empty, short, at the borders of the length fields."""
    dice = random.Random(seed)
    lengths = [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 100_000]
    messages: list[list[bytes | str]] = []
    for _message in range(60):
        fragments = dice.choice([1, 1, 2, 5])
        lengths_here = [dice.randrange(300) for _ in range(fragments)]
        lengths_here[dice.randrange(fragments)] = dice.choice(lengths)
        if dice.random() < 0.5:
            messages.append(["".join(dice.choices("{}\"':,aü€\0\n", k=n // 2)) for n in lengths_here])
        else:
            # A JPEG or PNG would be a picture.
            messages.append([(b"\0" + dice.randbytes(n))[:n] for n in lengths_here])
    return messages


def frames_of(message: list[bytes | str]) -> list[Frame]:
    first = TEXT if isinstance(message[0], str) else BINARY
    pieces = [piece.encode() if isinstance(piece, str) else piece for piece in message]
    last = len(pieces) - 1
    return [Frame(CONTINUATION if at else first, piece, at == last) for at, piece in enumerate(pieces)]


class Hearing:
    """A client that keeps every fragment of what is no status, error or picture of the hub's."""

    def __init__(self, url: str):
        self.socket = open_socket(url)

    def __enter__(self):
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.close()

    def until(self, count: int) -> list[list[bytes | str]]:
        heard: list[list[bytes | str]] = []
        while len(heard) < count:
            fragments = list(self.socket.recv_streaming())
            if not is_the_hubs(fragments):
                heard.append(fragments)
        return heard


def is_the_hubs(fragments: list[bytes | str]) -> bool:
    text = fragments[0]
    return isinstance(text, str) and text.startswith('{"type":') and '"status"' in text[:20] or text == b"\xff\xd8"


@pytest.fixture
def talk(hub, simulator, create):
    """A session whose simulator only talks."""
    simulator.switches.pictures = "none"
    simulator.switches.mjpeg = "refuse"
    return create()["wsUrl"]


def test_what_the_simulator_says_comes_as_it_was_said(simulator, talk):
    messages = conversation(1)
    with Hearing(talk) as one, Hearing(talk) as two:
        simulator.link  # noqa: B018 (waits for it)
        for message in messages:
            # Pings between fragments belong to this hop, and tear nothing.
            first, *rest = frames_of(message)
            simulator.say(first, Frame(PING, b"between"), *rest)
        for client in (one, two):
            assert client.until(len(messages)) == messages
    pongs = eventually(lambda: len(simulator.links[0].of(PONG)) > 10 and simulator.links[0].of(PONG))
    assert set(pongs) == {Frame(PONG, b"between")}


def test_what_a_client_says_comes_as_it_was_said(simulator, talk):
    messages = conversation(2)
    with Hearing(talk) as client:
        for message in messages:
            client.socket.send(message if len(message) > 1 else message[0])
            assert client.socket.ping(b"between").wait(10), "the hub answers a client's pings"
        sent = [frame for message in messages for frame in as_the_library_cuts(message)]
        assert eventually(lambda: len(said(simulator)) >= len(sent) and said(simulator)) == sent


def said(simulator) -> list[Frame]:
    return simulator.link.of(TEXT, BINARY, CONTINUATION)


def as_the_library_cuts(message: list[bytes | str]) -> list[Frame]:
    """`websockets` ends a message in fragments with an empty one of its own."""
    frames = frames_of(message)
    if len(frames) == 1:
        return frames
    return [frame._replace(fin=False) for frame in frames] + [Frame(CONTINUATION, b"")]


def test_a_conversation_beside_pictures_loses_nothing(simulator, hub, create):
    """Pictures are newest-only; what is said is not."""
    simulator.switches.fps = 60
    made = create()
    with SocketReader(made["wsUrl"]) as reader:
        reader.wait_for_text("frame")
        for number in range(200):
            simulator.say_text(json.dumps({"type": "candidate", "number": number}))
            reader.socket.send(f"answer {number}")
        eventually(lambda: len(reader.of_type("candidate")) == 200, "all candidates")
        assert [message["number"] for message in reader.of_type("candidate")] == list(range(200))
        eventually(lambda: len(simulator.link.messages) == 200, "all answers")
        assert simulator.link.messages == [f"answer {number}".encode() for number in range(200)]


def test_what_is_said_before_the_simulator_is_there_waits_for_it(hub, simulator, create):
    simulator.switches.pictures = "none"
    simulator.down()
    made = create()
    with SocketReader(made["wsUrl"]) as reader:
        assert "No connection to the simulator" in reader.wait_for_text("error")["message"]
        for number in range(10):
            reader.socket.send(f"offer {number}")
        simulator.up()
        eventually(lambda: simulator.links and len(simulator.links[0].messages) == 10, "they are delivered")
        assert simulator.links[0].messages == [f"offer {number}".encode() for number in range(10)]


def test_a_view_without_the_relay_hears_no_signalling(simulator, talk):
    with SocketReader(talk + "?relay=0") as deaf, SocketReader(talk) as hearing:
        simulator.link  # noqa: B018
        simulator.say(Frame(BINARY, b"no picture"))
        simulator.say_text(OFFER)
        assert hearing.wait_for_text("offer") == json.loads(OFFER)
        simulator.close(4000, "the end")
        assert deaf.wait_for_text("error")["message"].startswith("No connection to the simulator")
        assert not deaf.of_type("offer") and not deaf.binaries


@pytest.mark.parametrize(("code", "reason"), [(1008, "not so"), (3000, "who"), (4001, "robot is busy ü")])
def test_a_simulators_close_that_answers_closes_the_clients(simulator, talk, code, reason):
    with SocketReader(talk) as one, SocketReader(talk) as two:
        simulator.say_text('{"type":"last"}')
        simulator.close(code, reason)
        for client in (one, two):
            assert client.wait_for_end() == (code, reason)
            assert client.of_type("last"), "after what was said before"


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012])
def test_a_simulators_close_that_is_a_loss_is_mended(simulator, talk, code):
    with SocketReader(talk) as reader:
        eventually(lambda: simulator.open)
        simulator.close(code, "restarting")
        error = reader.wait_for_text("error")["message"]
        assert f'({code} "restarting")' in error
        eventually(lambda: len(simulator.links) == 2, "connected anew")
        simulator.say_text('{"type":"again"}')
        reader.wait_for_text("again")


def test_the_last_clients_close_reaches_the_simulator(simulator, talk):
    first, last = open_socket(talk), open_socket(talk)
    last.recv()
    link = simulator.link
    first.close(4002, "the first of two")
    last.close(4003, "bye ü")
    assert eventually(lambda: link.close, "the simulator gets the close frame") == (4003, "bye ü")


def test_a_client_that_cannot_keep_up_is_closed_and_delays_no_other(hub, simulator, talk):
    before = hub.rss()
    # Nothing is read beyond what buffers hold: the library's queue is short, the kernel's small.
    slow = open_socket(talk, max_queue=1)
    with SocketReader(talk) as quick:
        simulator.link  # noqa: B018
        count, size = 300, 100_000
        for number in range(count):
            simulator.say(Frame(BINARY, number.to_bytes(2, "big") + bytes(size)))
            eventually(lambda: len(quick.binaries) == number + 1, "the quick one hears everything", every=0.001)
        assert [int.from_bytes(said[:2], "big") for said in quick.binaries] == list(range(count))
    assert hub.rss() - before < 40_000_000, "what waits for the slow one is bounded"
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            slow.recv(timeout=10)
    assert closed.value.rcvd and closed.value.rcvd.code == 1013
    slow.close()


def test_a_client_is_closed_if_the_simulator_takes_nothing(start_hub, simulator):
    simulator.switches.socket = "deaf"
    hub = start_hub(*QUICK, *simulator.settings)
    made = requests.post(hub.url + "/session/create", timeout=10).json()
    with SocketReader(made["wsUrl"]) as reader:
        reader.wait_for_text("frame")
        before = hub.rss()
        fill(reader.socket.socket)
        assert reader.wait_for_end()[0] == 1013
        assert hub.rss() - before < 40_000_000


def fill(connection: socket.socket) -> None:
    """Sends binary messages below the library, which would not read while it writes, until none is accepted for a while."""
    size = 200_000
    message = b"\x82\xff" + size.to_bytes(8, "big") + bytes(4) + bytes(size)
    rest, taken_at = message, time.monotonic()
    while time.monotonic() - taken_at < 0.5:
        try:
            sent = connection.send(rest, socket.MSG_DONTWAIT)
        except BlockingIOError:
            time.sleep(0.01)
            continue
        rest, taken_at = rest[sent:] or message, time.monotonic()


def test_a_message_that_is_too_large_ends_its_client_alone(hub, simulator, talk):
    with SocketReader(talk) as other, SocketReader(talk) as large:
        large.socket.send("x" * 256 * 1024)
        eventually(lambda: simulator.link.messages == [b"x" * 256 * 1024], "the largest passes")
        large.socket.send("x" * (256 * 1024 + 1))
        assert large.wait_for_end()[0] == 1009
        other.socket.send("still here")
        eventually(lambda: simulator.link.messages[-1] == b"still here")
