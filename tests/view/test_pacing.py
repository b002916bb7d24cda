"""Rates: `?fps=` caps one viewer, `viewers.stream_fps` all who do not ask; the last frame always comes through."""

from support.feeder import Feeder
from support.mjpeg import MjpegReader, rate
from support.waiting import eventually


def skipping(reader: MjpegReader) -> bool:
    seqs = [part.seq for part in list(reader.parts)]
    return any(later - earlier > 1 for earlier, later in zip(seqs, seqs[1:], strict=False))


def test_fps_caps_one_viewer_only(hub, stream):
    hub.put_frame(stream, 1)
    url = f"{hub.url}/stream/{stream}"
    with (
        MjpegReader(url + "?fps=5") as slow,
        MjpegReader(url) as all_frames,
        MjpegReader(url + "?fps=0") as as_published,
        Feeder(hub.url, stream, fps=30),
    ):
        slow.wait_for_parts(15, timeout=30)
    assert rate(slow.parts) < 7.5
    assert skipping(slow)
    assert len(all_frames.parts) > len(slow.parts)
    assert len(as_published.parts) > len(slow.parts)


def test_a_capped_viewer_gets_the_last_frame(hub, stream):
    """The wait comes before the frame is taken, so what is left over at the end is the newest frame."""
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}?fps=2") as reader:
        reader.wait_for_number(1)
        for number in range(2, 12):
            hub.put_frame(stream, number)
        reader.wait_for_number(11)
        assert len(reader.parts) < 6


def test_the_default_cap(start_hub):
    hub = start_hub("viewers.stream_fps=4")
    hub.put_frame("s", 1)
    url = f"{hub.url}/stream/s"
    with (
        MjpegReader(url) as capped,
        MjpegReader(url + "?fps=0") as uncapped,
        MjpegReader(url + "?fps=8") as asked,
        Feeder(hub.url, "s", fps=25),
    ):
        capped.wait_for_parts(10, timeout=30)
        eventually(lambda: len(uncapped.parts) > len(asked.parts) > len(capped.parts))
    assert rate(capped.parts) < 6
    assert rate(asked.parts) < 12
