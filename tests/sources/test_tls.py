"""`https://` and `wss://`, for sources and for the command-line tools: a real certificate, and a wrong one."""

import subprocess

import pytest

from support.camera import Camera
from support.hub import BINARY, clean_environment
from support.mjpeg import MjpegReader
from support.waiting import eventually


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A folder with an authority's certificate, and one that it signed for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    new = ("req", "-newkey", "rsa:2048", "-nodes")
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    openssl(*new, "-x509", "-days", 2, "-subj", "/CN=test authority", "-keyout", ca_key, "-out", ca)
    request, extensions = folder / "request.pem", folder / "extensions"
    openssl(*new, "-subj", "/CN=camera", "-keyout", folder / "key.pem", "-out", request)
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    sign = ("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", 2)
    openssl(*sign, "-extfile", extensions, "-out", folder / "cert.pem")
    return folder


@pytest.fixture
def camera(tls):
    with Camera(tls=(tls / "cert.pem", tls / "key.pem")) as camera:
        yield camera


def test_a_camera_with_a_certificate_that_is_trusted(start_hub, camera, tls):
    hub = start_hub("--source", f"cam={camera.url('/video')}", env={"SSL_CERT_FILE": str(tls / "ca.pem")})
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        reader.wait_for_parts(5)


def test_an_untrusted_certificate(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url('/video')}#on_demand=no")

    def error():
        state = hub.stats("cam")["source"]
        return state["state"] == "failed" and state["error"]

    message = eventually(error, "it fails")
    assert "no secure connection" in message and "localhost" in message
    assert camera.asked == [], "nothing was asked of it"


def test_watching_over_tls(camera, tls, tmp_path):
    command = [str(BINARY), "watch", camera.url("/video"), "--duration", "1"]
    trusting = clean_environment(SSL_CERT_FILE=str(tls / "ca.pem"))
    run = subprocess.run(command, cwd=tmp_path, env=trusting, capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stderr
    doubting = subprocess.run(
        command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, timeout=30
    )
    assert doubting.returncode == 1 and "no secure connection" in doubting.stderr
