"""A request a frame: a form as Python's `requests` sends it, or the picture itself as the body."""

import io
import json
import subprocess

import cv2
import numpy as np
import pytest
import requests
from PIL import Image

from support.mjpeg import MjpegReader
from support.pictures import decode, encode_jpeg, jpeg, noise_jpeg, number_of, numbered, png
from support.publishers import EndlessBody
from support.shapes import assert_error
from support.sockets import SocketReader, Wall
from support.waiting import eventually


def post(hub, stream, data, content_type="image/jpeg", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type:
        headers["Content-Type"] = content_type
    return requests.post(f"{hub.url}/publish/{stream}", data=data, headers=headers, timeout=20)


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/jpg", "IMAGE/JPEG; q=1", "application/octet-stream", ""])
def test_raw_body(hub, stream, content_type):
    response = post(hub, stream, jpeg(4), content_type)
    assert response.status_code == 200, response.text
    assert response.json()["frame_size"] == len(jpeg(4))
    assert hub.snapshot(stream) == jpeg(4)


def test_put_takes_a_frame_too(hub, stream):
    response = requests.put(
        f"{hub.url}/publish/{stream}", data=jpeg(4), headers={"Content-Type": "image/jpeg"}, timeout=10
    )
    assert response.status_code == 200
    assert hub.snapshot(stream) == jpeg(4)


def test_curl_form_and_curl_binary(hub, stream, tmp_path):
    """The one-line command that the page shows."""
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(jpeg(6))
    url = f"{hub.url}/publish/{stream}"
    subprocess.run(["curl", "-sf", "-F", f"frame=@{picture}", url], check=True, capture_output=True, timeout=20)
    assert hub.snapshot(stream) == jpeg(6)
    picture.write_bytes(jpeg(7, 1280, 720, 100))
    command = ["curl", "-sf", "--data-binary", f"@{picture}", "-H", "Content-Type: image/jpeg", url]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    assert hub.snapshot(stream) == jpeg(7, 1280, 720, 100)


def test_form_with_further_fields(hub, stream):
    """Fields that the hub does not know stand beside the frame, before and after it."""
    data, files = {"camera": "left", "note": "x" * 3000}, {"frame": jpeg(3), "thumbnail": ("t.txt", b"not a picture")}
    response = requests.post(f"{hub.url}/publish/{stream}", data=data, files=files, timeout=10)
    assert response.status_code == 200, response.text
    assert hub.snapshot(stream) == jpeg(3)


@pytest.mark.parametrize("frame", [jpeg(1), ("frame.jpg", jpeg(1)), ("frame.jpg", io.BytesIO(jpeg(1)), "image/jpeg")])
def test_the_ways_of_requests_to_name_a_file(hub, stream, frame):
    assert requests.post(f"{hub.url}/publish/{stream}", files={"frame": frame}, timeout=10).status_code == 200
    assert hub.snapshot(stream) == jpeg(1)


def test_a_session_keeps_its_connection(hub, stream):
    session = requests.Session()
    with MjpegReader(f"{hub.url}/stream") as _some_viewer:
        for number in range(1, 30):
            files = {"frame": ("frame.jpg", jpeg(number), "image/jpeg")}
            answer = session.post(f"{hub.url}/publish/{stream}", files=files, timeout=10).json()
            assert answer["seq"] == number
    assert number_of(hub.snapshot(stream)) == 29


def grey_jpeg() -> bytes:
    return encode_jpeg(numbered(2).mean(axis=2).astype(np.uint8))


def progressive_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(numbered(2)).save(buffer, "JPEG", progressive=True)
    return buffer.getvalue()


def exif_jpeg() -> bytes:
    """With a thumbnail inside: end markers before the end."""
    exif = Image.Exif()
    exif[0x010E] = "\xff\xd9 as text"
    buffer = io.BytesIO()
    Image.fromarray(numbered(2)).save(buffer, "JPEG", exif=exif.tobytes() + jpeg(9), icc_profile=b"\xff\xd9" * 200)
    return buffer.getvalue()


def opencv_jpeg() -> bytes:
    return cv2.imencode(".jpg", numbered(2))[1].tobytes()


@pytest.mark.parametrize(
    "make",
    [lambda: jpeg(2), grey_jpeg, progressive_jpeg, exif_jpeg, opencv_jpeg, lambda: noise_jpeg(3_000_000)],
    ids=["plain", "grey", "progressive", "exif", "opencv", "3MB"],
)
def test_jpeg_passes_through_byte_for_byte(hub, stream, make):
    data = make()
    with_form, raw = stream + "f", stream + "r"
    hub.put_frame(with_form, data)
    assert post(hub, raw, data).status_code == 200
    for name in (with_form, raw):
        assert hub.snapshot(name) == data
        with MjpegReader(f"{hub.url}/stream/{name}") as reader:
            assert reader.wait_for_parts(1)[0].jpeg == data
        with SocketReader(f"{hub.ws}/stream/{name}?format=binary") as socket:
            eventually(lambda s=socket: s.binaries)
            assert socket.binaries[0] == data


def test_jpeg_without_huffman_tables(hub, stream):
    """USB cameras leave out the standard tables: they are put in, and the picture is the same."""
    whole = jpeg(77)
    assert whole.count(b"\xff\xc4") >= 1
    without = strip_tables(whole)
    assert len(without) < len(whole) and b"\xff\xc4" not in without[:300]
    hub.put_frame(stream, without)
    shown = hub.snapshot(stream)
    assert np.array_equal(decode(shown), decode(whole))


def strip_tables(data: bytes) -> bytes:
    """Without the DHT segments (Pillow's default tables are those of Annex K)."""
    out, at = data[:2], 2
    while True:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            return out + data[at:]
        if marker != 0xC4:
            out += data[at : at + 2 + length]
        at += 2 + length


def png_of(picture: np.ndarray | Image.Image, **options) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


PNG_KINDS = {
    "rgb": lambda: png(5),
    "grey": lambda: png_of(numbered(5).mean(axis=2).astype(np.uint8)),
    "palette": lambda: png_of(Image.fromarray(numbered(5)).quantize(64)),
    "alpha": lambda: png_of(np.dstack([numbered(5), np.full((240, 320), 255, np.uint8)])),
    "16bit": lambda: cv2.imencode(".png", numbered(5)[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes(),
    "1bit": lambda: png_of(Image.fromarray(numbered(5)).convert("1", dither=Image.Dither.NONE)),
}


@pytest.mark.parametrize("kind", PNG_KINDS)
def test_png_becomes_jpeg(hub, stream, kind):
    data = PNG_KINDS[kind]()
    response = post(hub, stream, data, "image/png")
    assert response.status_code == 200, response.text
    assert response.json()["frame_size"] == len(data)
    shown = hub.snapshot(stream)
    assert shown[:3] == b"\xff\xd8\xff"
    assert number_of(shown) == 5
    if kind in ("rgb", "alpha", "16bit"):
        difference = decode(shown).astype(int) - numbered(5).astype(int)
        assert abs(difference).mean() < 3


def test_png_is_transcoded_once(hub, stream):
    """Every view gets exactly the same bytes."""
    files = {"frame": ("frame.png", png(5, 640, 480), "image/png")}
    assert requests.post(f"{hub.url}/publish/{stream}", files=files, timeout=10).status_code == 200
    first = hub.snapshot(stream)
    assert hub.snapshot(stream) == first
    with (
        MjpegReader(f"{hub.url}/stream/{stream}") as one,
        SocketReader(f"{hub.ws}/stream/{stream}?format=binary") as two,
    ):
        assert one.wait_for_parts(1)[0].jpeg == first
        eventually(lambda: two.binaries)
        assert two.binaries[0] == first


def test_what_a_picture_is_decides_not_what_it_is_called(hub, stream):
    assert post(hub, stream, png(5), "image/jpeg").status_code == 200
    assert number_of(hub.snapshot(stream)) == 5
    assert post(hub, stream, jpeg(6), "image/png").status_code == 200
    assert hub.snapshot(stream) == jpeg(6)


def test_x_timestamp_travels(hub, stream):
    """The capture time comes out where it came in, for a raw body and for a form's part."""
    assert post(hub, stream, jpeg(1), X_Timestamp="1700000000.125").status_code == 200
    boundary = "b0undary"
    form = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="frame"; filename="f.jpg"\r\n'
            f"Content-Type: image/jpeg\r\nX-Timestamp: 1700000001.5\r\n\r\n"
        ).encode()
        + jpeg(2)
        + f"\r\n--{boundary}--\r\n".encode()
    )
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        assert float(reader.wait_for_number(1).headers["x-timestamp"]) == 1700000000.125
        assert post(hub, stream, form, f"multipart/form-data; boundary={boundary}").status_code == 200
        assert float(reader.wait_for_number(2).headers["x-timestamp"]) == 1700000001.5
    assert float(hub.get(f"/stream/{stream}/snapshot.jpg").headers["X-Timestamp"]) == 1700000001.5


@pytest.mark.parametrize("wrong", ["yesterday", "-5", "nan", "1e400", ""])
def test_a_senseless_timestamp_does_no_harm(hub, stream, wrong):
    assert post(hub, stream, jpeg(1), X_Timestamp=wrong).status_code == 200
    assert float(hub.get(f"/stream/{stream}/snapshot.jpg").headers["X-Timestamp"]) > 1.7e9


def test_metadata_travels(hub, stream):
    """What a WebSocket publisher says in a text message, a request says in a header of its own or of the form's part."""
    with Wall(hub.ws) as wall:
        said = {"reward": 0.7, "note": "ä\n", "episode": {"step": 41}}
        answer = post(hub, stream, jpeg(1), X_Frame_Metadata=json.dumps(said | {"timestamp": 1700000000.125}))
        assert answer.status_code == 200, answer.text
        wall.watch(stream)
        header = wall.wait_for_number(stream, 1).header
        assert header["metadata"] == said and header["timestamp"] == pytest.approx(1700000000.125)
        assert json.loads(hub.get(f"/stream/{stream}/snapshot.jpg").headers["X-Frame-Metadata"]) == said
        part = {"frame": ("frame.jpg", jpeg(2), "image/jpeg", {"X-Frame-Metadata": '{"reward": 0.8}'})}
        assert requests.post(f"{hub.url}/publish/{stream}", files=part, timeout=20).status_code == 200
        assert wall.wait_for_number(stream, 2).header["metadata"] == {"reward": 0.8}
        assert post(hub, stream, jpeg(3)).status_code == 200
        assert "metadata" not in wall.wait_for_number(stream, 3).header
        assert "X-Frame-Metadata" not in hub.get(f"/stream/{stream}/snapshot.jpg").headers


@pytest.mark.parametrize(
    "wrong, code",
    [
        ("yes", "BAD_METADATA"),
        ("[1]", "BAD_METADATA"),
        ('{"a":1', "BAD_METADATA"),
        ('{"a":"%s"}' % ("x" * 4096), "METADATA_TOO_LARGE"),
        ('{"a":' + "[" * 40 + "]" * 40 + "}", "METADATA_TOO_DEEP"),
    ],
)
def test_bad_metadata_is_refused_with_its_frame(hub, stream, wrong, code):
    assert post(hub, stream, jpeg(1)).status_code == 200
    assert_error(post(hub, stream, jpeg(2), X_Frame_Metadata=wrong), 400, code)
    part = {"frame": ("frame.jpg", jpeg(3), "image/jpeg", {"X-Frame-Metadata": wrong})}
    assert_error(requests.post(f"{hub.url}/publish/{stream}", files=part, timeout=20), 400, code)
    assert number_of(hub.snapshot(stream)) == 1
    assert hub.stats(stream)["frames_rejected"] == 2


def test_a_part_with_bad_metadata_is_passed_over(hub, stream):
    body = EndlessBody(hub.port, f"/publish/{stream}")
    body.part(jpeg(1), X_Frame_Metadata='{"step": 1}')
    body.part(jpeg(2), X_Frame_Metadata="step 2")
    body.part(jpeg(3), X_Frame_Metadata='{"step": 3}')
    status, answer = body.end()
    assert (status, answer["frames"], answer["rejected"]) == (200, 2, 1)


def test_many_publishers_share_a_stream(hub, stream):
    """Requests do not claim a stream: two robots may take turns."""
    one, two = requests.Session(), requests.Session()
    for number in range(1, 6):
        for session in (one, two):
            files = {"frame": ("f.jpg", jpeg(number), "image/jpeg")}
            assert session.post(f"{hub.url}/publish/{stream}", files=files, timeout=10).status_code == 200
    assert hub.stats(stream)["total_frames"] == 10
    assert hub.stats(stream)["publisher_connected"] is False


def test_a_plain_get_is_told_to_upgrade(hub, stream):
    assert_error(hub.get(f"/publish/{stream}"), 426, "UPGRADE_REQUIRED")
