"""MJPEG on the wire, byte by byte as the API has it: `Content-Length` framing and the browsers' framing."""

import time

import pytest
import requests

from support.mjpeg import MjpegReader
from support.pictures import jpeg
from support.shapes import assert_error
from support.waiting import eventually

LIVE_HEADERS = {
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "X-Accel-Buffering": "no",
}


def test_live_responses_forbid_caches_and_buffers(hub, stream):
    hub.put_frame(stream, 1)
    for path in (f"/stream/{stream}", f"/stream/{stream}/mjpeg", "/stream"):
        with MjpegReader(hub.url + path) as reader:
            for name, value in LIVE_HEADERS.items():
                assert reader.response.getheader(name) == value
            assert reader.response.getheader("Content-Type") == "multipart/x-mixed-replace; boundary=frame"
            assert reader.response.getheader("Content-Length") is None


def test_content_length_framing(hub, stream):
    """The exact bytes, the next part's delimiter included with the part."""
    pictures = [jpeg(1), jpeg(2)]
    stamps = [1700000000.5, 1700000001.25]
    url = f"{hub.url}/publish/{stream}"

    def send(index):
        headers = {"Content-Type": "image/jpeg", "X-Timestamp": str(stamps[index])}
        assert requests.post(url, data=pictures[index], headers=headers, timeout=10).status_code == 200

    def part(index):
        head = (
            f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(pictures[index])}\r\n"
            f"X-Timestamp: {stamps[index]:.6f}\r\nX-Frame-Seq: {index + 1}\r\n\r\n"
        )
        return head.encode() + pictures[index] + b"\r\n"

    send(0)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        first = part(0) + b"--frame\r\n"
        eventually(lambda: len(reader.raw) >= len(first), "the newest frame at once")
        assert reader.raw == first
        send(1)
        both = part(0) + part(1) + b"--frame\r\n"
        eventually(lambda: len(reader.raw) >= len(both), "the second frame")
        assert reader.raw == both


def test_headers_sent_ahead(hub, stream):
    """What browsers get: a part is followed by the next part's whole header, and there is no Content-Length."""
    head = b"--frame\r\nContent-Type: image/jpeg\r\n\r\n"
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}?advance_headers=1") as reader:
        expected = head + jpeg(1) + b"\r\n" + head
        eventually(lambda: len(reader.raw) >= len(expected), "the newest frame at once")
        assert reader.raw == expected
        hub.put_frame(stream, 2)
        expected += jpeg(2) + b"\r\n" + head
        eventually(lambda: len(reader.raw) >= len(expected), "the second frame")
        assert reader.raw == expected


@pytest.mark.parametrize(
    ("query", "headers", "ahead"),
    [
        ("", {}, False),
        ("", {"Sec-Fetch-Dest": "image"}, True),
        ("?advance_headers=1", {}, True),
        ("?advance_headers=0", {"Sec-Fetch-Dest": "image"}, False),
        # Browsers send Sec-Fetch-Dest to trustworthy origins only; on plain http in a network they have a name.
        ("", {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"}, True),
        ("", {"User-Agent": "Lavf/59.27.100"}, False),
    ],
)
def test_the_framing_is_chosen_by_the_kind_of_reader(hub, stream, query, headers, ahead):
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}{query}", headers) as reader:
        eventually(lambda: len(reader.raw) > 1000)
        assert reader.raw.startswith(b"--frame\r\n")
        assert (b"Content-Length" not in reader.raw) is ahead


def test_the_newest_frame_comes_at_once_on_connect(hub, stream):
    for number in (1, 2, 3):
        hub.put_frame(stream, number)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        assert reader.wait_for_parts(1)[0].number == 3


def test_timestamps_are_arrival_times_unless_the_capture_time_is_known(hub, stream):
    begun = time.time()
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        stamp = float(reader.wait_for_number(1).headers["x-timestamp"])
    assert begun - 1 <= stamp <= time.time() + 1


def test_bad_wishes_are_refused(hub, stream):
    hub.put_frame(stream, 1)
    for query in ("fps=-1", "fps=lots", "fps=nan", "fps=100000", "advance_headers=maybe"):
        assert_error(hub.get(f"/stream/{stream}?{query}"), 400, "BAD_QUERY")


def test_head_of_a_live_stream(hub, stream):
    """Link checkers and players ask with HEAD first: the headers, and the connection goes on."""
    hub.put_frame(stream, 1)
    session = requests.Session()
    for _ in range(3):
        response = session.head(f"{hub.url}/stream/{stream}", timeout=5)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
    assert session.get(f"{hub.url}/livez", timeout=5).status_code == 200
    hub.wait_for_viewers(stream, 0)


def test_a_viewer_that_leaves_is_noticed(hub, stream):
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}"):
        hub.wait_for_viewers(stream, 1)
    hub.wait_for_viewers(stream, 0)
