"""docs/guide/keys.md: what it shows is run as it stands; only the port is the test's."""

import re
import subprocess

from support.hub import BINARY, ROOT
from support.waiting import eventually

GUIDE = (ROOT / "docs" / "guide" / "keys.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.M | re.S)


def block(kind: str, containing: str) -> str:
    (text,) = [text for block_kind, text in BLOCKS if block_kind == kind and containing in text]
    return text


def run(hub, command: str) -> str:
    command = command.replace("http://127.0.0.1:5000", hub.url).replace("framehub share", f"{BINARY} share")
    done = subprocess.run(
        ["bash", "-euc", command.replace("curl ", "curl -sS --fail-with-body ")],
        cwd=hub.folder,
        env=hub.env,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_key_and_a_link(start_hub):
    start, ask = block("sh", "API_KEYS=").splitlines()
    name, key = start.split()[0].split("=")
    hub = start_hub(env={name: key})
    assert hub.publish("door", 1, headers={"X-API-Key": key}).status_code == 200
    assert '"door"' in run(hub, ask)
    for command in block("sh", "framehub share").splitlines():
        link = re.search(r"http://\S+?/stream/door\?token=[\w.-]+", run(hub, command)).group()
        eventually(lambda: hub.get(link.removeprefix(hub.url).replace("?", "/snapshot.jpg?")).status_code == 200)


def test_the_keys_of_the_file(start_hub, tmp_path):
    config = tmp_path / "keys.yaml"
    config.write_text(block("yaml", "auth:"))
    hub = start_hub("--config", str(config))
    # The secret whose hash the guide shows.
    robot, display = {"X-API-Key": "robot-seven-1"}, {"X-API-Key": "watch-the-yard-1"}
    assert hub.publish("robot7", 1, headers=robot).status_code == 200
    assert hub.publish("robot8", 1, headers=robot).status_code == 403
    assert hub.get("/api/streams", headers=robot).status_code == 403
    assert hub.get("/api/streams", headers=display).json()["streams"] == []
    assert hub.get("/stream/robot7", headers=display).status_code == 403
    assert hub.get("/stream/yard-east", headers=display).status_code == 404
