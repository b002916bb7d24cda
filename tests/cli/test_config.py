"""Configuration: file, `.env`, environment, arguments; all problems at once; every environment name of existing clients."""

import pytest

from support.program import framehub

BAD = """\
server:
  prot: 5000
  port: 99999
streams:
  max_concurrent: many
  timeout_seconds: -1
recordings:
  enabled: true
"""


def check(folder, *arguments, env=None):
    return framehub("config", "check", *arguments, folder=folder, env=env)


def shown(folder, *arguments, env=None) -> dict[str, tuple[str, str]]:
    """`section.key` → value and where it comes from, as `config show` prints them."""
    done = framehub("config", "show", *arguments, folder=folder, env=env)
    assert done.returncode == 0, done.stderr
    values, section = {}, ""
    for line in done.stdout.splitlines():
        if line and not line.startswith(" "):
            section = line.rstrip(":")
        elif ":" in line:
            key, rest = line.strip().split(":", 1)
            value, _, source = rest.partition("#")
            values[f"{section}.{key}"] = (value.strip().strip('"'), source.strip())
    return values


def test_good(tmp_path):
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "good" in done.stdout
    assert list(tmp_path.iterdir()) == [], "nothing is written, not even a log"


def test_all_problems_together(tmp_path):
    """Each with file, line, key and what is allowed; the start refuses with the same words."""
    (tmp_path / "config.yaml").write_text(BAD)
    done = check(tmp_path, "recording.codec=vp9", env={"LOG_LEVEL": "LOUD"})
    assert done.returncode == 1 and done.stdout == ""
    text = done.stderr
    for line, key, hint in [
        (2, "prot", "server.port"),
        (3, "server.port", "65535"),
        (5, "streams.max_concurrent", "whole number"),
        (6, "streams.timeout_seconds", ""),
        (7, "recordings", "recording"),
    ]:
        problem = next((part for part in text.split("\n\n") if f"config.yaml:{line}" in part), None)
        assert problem and key in problem and hint in problem, f"line {line}: {text}"
    assert "LOG_LEVEL" in text and "DEBUG" in text
    assert "recording.codec" in text and "mp4v" in text
    start = framehub("serve", "recording.codec=vp9", folder=tmp_path, env={"LOG_LEVEL": "LOUD"})
    assert (start.returncode, start.stdout, start.stderr) == (1, "", text)


@pytest.mark.parametrize(
    "text",
    ["server: [", "just text", "server:\n\tport: 1", "server: 5", "a: &a [*a]", "server:\n  port: 1\n  port: 2\n"],
)
def test_a_file_that_is_no_configuration(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    done = check(tmp_path)
    assert done.returncode == 1
    assert "config.yaml" in done.stderr


def test_a_file_that_is_not_there(tmp_path):
    done = check(tmp_path, "--config", "nowhere.yaml")
    assert done.returncode == 1
    assert "nowhere.yaml" in done.stderr


def test_precedence(tmp_path):
    """Defaults < file < .env < environment < arguments."""

    def port(*arguments, env=None):
        return shown(tmp_path, *arguments, env=env)["server.port"][0]

    assert port() == "5000"
    (tmp_path / "config.yaml").write_text("server:\n  port: 5001\n")
    assert port() == "5001"
    (tmp_path / ".env").write_text("SERVER_PORT=5002\n")
    assert port() == "5002"
    assert port(env={"SERVER_PORT": "5003"}) == "5003"
    assert port("server.port=5004", env={"SERVER_PORT": "5003"}) == "5004"


# Client (docs/ref/compatibility.md), name, value, key, value in force.
NAMES = [
    ("stream_server", "STREAM_TIMEOUT_SECONDS", "600", "streams.timeout_seconds", "600"),
    ("stream_server", "MAX_CONCURRENT_STREAMS", "100", "streams.max_concurrent", "100"),
    ("stream_server", "RECORDING_RETENTION_DAYS", "14", "recording.retention_days", "14"),
    ("stream_server", "LOG_LEVEL", "DEBUG", "logging.level", "DEBUG"),
    ("stream_server", "SERVER_PORT", "8080", "server.port", "8080"),
    ("stream_server", "SERVER_DEBUG", "true", "server.debug", "true"),
    ("simulator_proxy", "VIDEO_PROXY_PORT", "8889", "server.port", "8889"),
    ("simulator_proxy", "ISAAC_SIM_IP", "18.234.83.45", "simulator.ip", "18.234.83.45"),
    ("simulator_proxy", "ISAAC_SIM_PORT", "8212", "simulator.port", "8212"),
    ("simulator_proxy", "ISAAC_SIM_WS_PORT", "8213", "simulator.ws_port", "8213"),
    ("simulator_proxy", "ISAAC_STREAM_PORT", "8766", "simulator.stream_port", "8766"),
    ("frame_upload", "REFEREE_MAX_STREAMING_SESSIONS", "20", "referee.max_streaming_sessions", "20"),
    ("frame_upload", "REFEREE_MAX_STREAMING_MEMORY_MB", "4096", "referee.max_streaming_memory_mb", "4096"),
    ("frame_upload", "REFEREE_STREAMING_SESSION_TIMEOUT", "600", "referee.streaming_session_timeout", "600"),
    ("frame_upload", "REFEREE_YOLO_MODEL", "models/pose.onnx", "referee.yolo_model", "models/pose.onnx"),
    ("frame_upload", "REFEREE_OUTPUT_DIR", "out", "referee.output_dir", "out"),
    ("robot_stream", "STREAM_FPS", "15", "viewers.stream_fps", "15"),
    ("robot_stream", "STREAM_BUFFER_SIZE", "2", "streams.max_buffer_frames", "2"),
    ("robot_stream", "STREAM_TIMEOUT", "60", "streams.timeout_seconds", "60"),
    ("robot_stream", "ENABLE_FRAME_CACHE", "true", "camera.frame_cache", "true"),
    ("robot_stream", "HEARTBEAT_INTERVAL", "3.0", "viewers.heartbeat_interval", "3"),
    ("robot_stream", "CAMERA_INDEX", "1", "camera.index", "1"),
    ("robot_stream", "CAMERA_WIDTH", "1280", "camera.width", "1280"),
    ("robot_stream", "CAMERA_HEIGHT", "720", "camera.height", "720"),
    ("robot_stream", "CAMERA_FPS", "25", "camera.fps", "25"),
    ("robot_stream", "JPEG_QUALITY", "70", "camera.jpeg_quality", "70"),
    ("any", "FRAMEHUB__SERVER__MAX_CONNECTIONS", "99", "server.max_connections", "99"),
]


@pytest.mark.parametrize(("client", "name", "value", "key", "in_force"), NAMES, ids=[f"{n[0]}-{n[1]}" for n in NAMES])
def test_environment_names_of_existing_clients(tmp_path, client, name, value, key, in_force):
    text, source = shown(tmp_path, env={name: value})[key]
    assert text.removesuffix(".0") == in_force
    assert name in source, "it says where the value comes from"


def test_api_keys_are_masked(tmp_path):
    done = framehub("config", "show", folder=tmp_path, env={"API_KEYS": "very-secret-1,very-secret-2"})
    assert done.returncode == 0 and "very-secret" not in done.stdout + done.stderr
    assert "API_KEYS" in done.stdout


def test_the_reference_and_the_example_are_complete(tmp_path):
    reference = framehub("config", "reference", folder=tmp_path).stdout
    example = framehub("config", "reference", "--format", "yaml", folder=tmp_path).stdout
    for key in shown(tmp_path):
        section, name = key.split(".")
        assert f"`{key}`" in reference, key
        assert f"{name}:" in example, key
    (tmp_path / "config.yaml").write_text(example)
    assert check(tmp_path).returncode == 0, "the example is a good configuration"
