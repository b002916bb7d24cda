"""docs/guide/https.md: the certificate that it makes, and the clients that are told to trust it."""

import re
import subprocess
import sys

import pytest

from support.hub import ROOT, Hub, clean_environment
from support.pictures import jpeg
from support.program import framehub

GUIDE = (ROOT / "docs" / "guide" / "https.md").read_text()
MAKE = re.search(r"```sh\n(openssl req .*?)\nframehub serve", GUIDE, re.DOTALL)[1]

PUBLISH = """
import sys, time, numpy, framehub
with framehub.StreamPublisher(sys.argv[1], "python") as publisher:
    deadline = time.monotonic() + 20
    while not publisher.get_stats()["total_frames"] and time.monotonic() < deadline:
        publisher.publish_frame(numpy.zeros((48, 64, 3), numpy.uint8))
        time.sleep(0.05)
    sys.exit(0 if publisher.get_stats()["total_frames"] else publisher.get_stats()["last_error"])
"""


def make(folder, command: str) -> Hub:
    subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True, timeout=30)
    return Hub(folder, "server.tls_cert=cert.pem", "server.tls_key=key.pem")


@pytest.fixture(scope="module")
def guided(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guided")
    with make(folder, MAKE) as hub:
        hub.verify = str(folder / "cert.pem")
        hub.put_frame("camera1", jpeg(1))
        yield hub


def test_watch_and_the_package_trust_it(guided):
    trusting = {"SSL_CERT_FILE": guided.verify}
    url = f"https://localhost:{guided.port}/stream/camera1"
    done = framehub("watch", url, "--count", "1", folder=guided.folder, env=trusting)
    assert done.returncode == 0, done.stderr
    asked = [sys.executable, "-c", PUBLISH, f"https://localhost:{guided.port}"]
    env = clean_environment(PYTHONPATH=str(ROOT / "python"), **trusting)
    done = subprocess.run(asked, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_without_it_the_error_says_how(guided):
    done = framehub("watch", guided.url, "--count", "1", folder=guided.folder)
    assert done.returncode == 1 and "SSL_CERT_FILE" in done.stderr, done.stderr


def test_a_certificate_that_is_an_authority(tmp_path):
    with make(tmp_path, MAKE.replace("CA:FALSE", "CA:TRUE")) as hub:
        trusting = {"SSL_CERT_FILE": str(tmp_path / "cert.pem")}
        done = framehub("watch", hub.url, "--count", "1", folder=tmp_path, env=trusting)
    assert done.returncode == 1 and "CA:FALSE" in done.stderr, done.stderr
