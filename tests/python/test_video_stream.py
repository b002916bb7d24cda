"""`framehub.VideoStream`: the `env:` keys of a training configuration."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import requests
from framehub import VideoStream
from omegaconf import OmegaConf

from support.pictures import number_of, numbered
from support.recordings import assert_plays
from support.waiting import eventually

#: 'Basic Streaming Setup', on a port of the system's choice.
BASIC = {
    "env": {
        "viewer": False,
        "videoRecord": False,
        "videoStream": True,
        "videoStreamHost": "127.0.0.1",
        "videoStreamPort": 0,
        "videoStreamQuality": 85,
        "videoStreamBufferSize": 10,
        "videoFps": 30.0,
        "videoResolution": [1024, 768],
    }
}


def config(**env: object) -> dict:
    return {"env": BASIC["env"] | env}


@pytest.mark.parametrize(
    "make",
    [
        lambda cfg: cfg,
        lambda cfg: cfg["env"],
        OmegaConf.create,
        lambda cfg: OmegaConf.create(cfg).env,
        lambda cfg: SimpleNamespace(env=SimpleNamespace(**cfg["env"])),
    ],
    ids=["dict", "the section", "Hydra", "Hydra's section", "object"],
)
def test_basic_streaming_setup(make, capsys):
    with VideoStream.from_config(make(BASIC)) as video:
        line = capsys.readouterr().out
        assert re.fullmatch(r"HTTP video streamer started: http://127\.0\.0\.1:\d+\n", line)
        assert video.enabled and video.url in line
        assert (video.resolution, video.fps) == ((1024, 768), 30.0)
        assert video.wanted()
        assert video.publish(numbered(3))
        eventually(lambda: video.stats()["frames_received"] == 1)
        assert number_of(requests.get(f"{video.url}/stream/default/snapshot.jpg", timeout=10).content) == 3
        stats = requests.get(f"{video.url}/stats", timeout=10).json()
        assert stats["server_running"] is True and stats["frames_received"] == 1
    assert not video.enabled


def test_frames_come_as_often_as_the_configuration_says():
    with VideoStream.from_config(config(videoFps=0.1)) as video:
        assert [video.publish(numbered(number)) for number in range(3)] == [True, False, False]


def test_without_streaming_nothing_happens(capsys):
    for cfg in ({"env": {}}, {}, {"env": {"videoStream": False}}, SimpleNamespace(env={"videoStream": None})):
        with VideoStream.from_config(cfg) as video:
            assert not video.enabled and video.url is None
            assert video.publish(numbered(3)) is False and video.wanted() is False and video.stats() == {}
    assert capsys.readouterr().out == ""


def test_recording_and_streaming(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = config(videoRecord=True, videoFps=60, videoCodec="MJPG", videoMaxDuration=60)
    with VideoStream.from_config(cfg, stream="train") as video:
        for number in range(1, 11):
            eventually(lambda: video.publish(numbered(number)), "its turn")
    (film,) = (tmp_path / "recordings" / "train").glob("*.mp4")
    assert_plays(film)


def test_recording_alone(tmp_path, capsys):
    cfg = config(videoStream=False, videoRecord=True, videoStreamBindAll=True)
    with VideoStream.from_config(cfg, record_directory=tmp_path) as video:
        video.publish(numbered(1))
        assert "127.0.0.1" in video.url, "other machines cannot connect"
    assert capsys.readouterr().out == ""
    assert list((tmp_path / "default").glob("*.mp4"))


def test_remote_access(caplog):
    for env in ({"videoStreamHost": "0.0.0.0"}, {"videoStreamBindAll": True}):
        with VideoStream.from_config(config(**env)) as video:
            assert video.url.startswith("http://0.0.0.0:")
            port = video.server.port
            assert requests.get(f"http://127.0.0.1:{port}/stats", timeout=10).ok


def test_quality_is_what_it_says():
    def size(quality: int) -> int:
        with VideoStream.from_config(config(videoStreamQuality=quality)) as video:
            video.publish(numbered(3))
            eventually(lambda: video.stats()["frames_received"])
            return len(requests.get(f"{video.url}/stream/default/snapshot.jpg", timeout=10).content)

    assert size(30) < size(70) < size(95)


@pytest.mark.parametrize(
    "env, error, words",
    [
        ({"videoStream": "yes"}, TypeError, "videoStream"),
        ({"videoStreamPort": "8080"}, TypeError, "videoStreamPort"),
        ({"videoStreamPort": 80_000}, ValueError, "videoStreamPort"),
        ({"videoStreamQuality": 0}, ValueError, "videoStreamQuality"),
        ({"videoStreamBufferSize": 0}, ValueError, "videoStreamBufferSize"),
        ({"videoFps": -1}, ValueError, "videoFps"),
        ({"videoResolution": 640}, ValueError, "videoResolution"),
        ({"videoResolution": [640, 0]}, ValueError, "videoResolution"),
        ({"videoCodec": "divx"}, ValueError, "videoCodec"),
        ({"videoMaxDuration": 1}, ValueError, "videoMaxDuration"),
        ({"logLevel": "LOUD"}, ValueError, "logLevel"),
    ],
)
def test_what_cannot_be_right(env, error, words):
    with pytest.raises(error) as raised:
        VideoStream.from_config(config(**env))
    assert words in str(raised.value)


def test_what_is_no_configuration():
    for cfg in (None, 3, "env"):
        with pytest.raises(TypeError, match="env"):
            VideoStream.from_config(cfg)


def test_a_frame_that_is_none_ends_no_training(caplog):
    with VideoStream.from_config(config()) as video:
        for wrong in (None, np.zeros((3, 40, 60), np.uint8), np.array([[None]]), "picture"):
            assert video.publish(wrong) is False
        assert video.publish(numbered(3)) is True
    assert video.publish(numbered(4)) is False, "nothing is streamed any more"
    assert len(caplog.records) == 2, "one of the missing frame, one of what cannot be shown"


def test_every_address_without_a_key_is_warned_of(caplog):
    with VideoStream.from_config(config(videoStreamBindAll=True)):
        assert any("without an API key" in record.getMessage() for record in caplog.records)
    caplog.clear()
    with VideoStream.from_config(config(videoStreamBindAll=True), api_keys=["long-enough-key"]):
        assert not caplog.records
