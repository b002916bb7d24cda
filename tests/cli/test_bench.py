"""`framehub bench`: against a hub of its own or a running one, as a table or JSON, and its exit code."""

import re

import pytest

from support.program import framehub, last_json

SMALL = ("--streams", "2", "--fps", "5", "--size", "10", "--viewers", "4", "--duration", "2", "--warmup", "0.5")


def assert_in_order(spread: dict, limit_ms: float) -> None:
    assert 0 < spread["p50"] <= spread["p99"] <= spread["max"] < limit_ms, spread


def test_against_a_hub_of_its_own(tmp_path):
    """Two streams of 5 frames a second for 2 seconds; three quick viewers and one that reads 20 kB a second."""
    done = framehub("bench", *SMALL, "--slow", "1", "--slow-kbps", "20", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = last_json(done.stdout)
    setup, publish, quick, slow = (report[part] for part in ("setup", "publish", "viewers", "slow_viewers"))
    assert (setup["streams"], setup["fps"], setup["frame_bytes"], setup["viewers"]) == (2, 5, 10_000, 4)
    # A beat that falls onto an end of the window may count on either side of it.
    offered = setup["streams"] * setup["fps"] * setup["duration_secs"]
    assert offered - 4 <= publish["frames"] + publish["lost_beats"] <= offered + 4
    assert publish["fps"] == pytest.approx(publish["frames"] / setup["duration_secs"], abs=0.1)
    assert publish["errors"] == quick["errors"] == slow["errors"] == {}
    assert_in_order(publish["answer_ms"], 2000)
    assert (quick["viewers"], slow["viewers"]) == (3, 1)
    assert 0 < quick["fps_min"] <= quick["fps_median"] <= 7
    # Each of the three watches one of the two streams: all frames of it, within the same beats.
    assert quick["frames"] + quick["skipped"] == pytest.approx(3 * publish["frames"] / 2, abs=6)
    assert_in_order(quick["age_ms"], 5000)
    for seen in (quick, slow):
        bytes_seen = seen["frames"] * setup["frame_bytes"]
        assert seen["megabytes_per_sec"] == pytest.approx(bytes_seen / setup["duration_secs"] / 1e6, abs=0.02)
    assert 0 < slow["frames"] < quick["frames"] / 3 and slow["age_ms"]["p50"] > quick["age_ms"]["p50"]
    hub = report["hub"]
    assert hub["started_here"] and not hub["lost"] and hub["memory_mb"] > 1 and 0 < hub["cpu_cores"] < 8


def test_as_a_table_against_a_running_hub(hub, tmp_path):
    """The table has the figures of one run: four viewers, the rate above the asked minimum, and what was published."""
    before = hub.get("/stats").json()["uptime_seconds"]
    done = framehub("bench", "--url", hub.url, *SMALL, "--min-fps", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    table = done.stdout
    assert hub.url in table and "started for this" not in table
    heading, row = re.search(r"^(viewers .*)\n(4 as fast .*)$", table, re.M).groups()
    figures = dict(zip(re.split(r"  +", heading)[1:], re.split(r"  +", row)[1:], strict=True))
    assert 1 <= float(figures["fps min"]) <= float(figures["median"]) <= 7
    assert figures["skipped"].isdigit()
    published = int(re.search(r"^publish +(\d+) frames", table, re.M)[1])
    assert published == pytest.approx(20, abs=4)
    assert hub.get("/stats").json()["uptime_seconds"] > before, "the hub goes on"


def test_exit_code_1_under_min_fps(tmp_path):
    done = framehub("bench", *SMALL, "--min-fps", "50", folder=tmp_path)
    assert done.returncode == 1
    assert re.search(r"\b50\b.*fps|fps.*\b50\b", done.stdout + done.stderr), done.stdout + done.stderr


def test_a_hub_that_is_not_there(tmp_path):
    done = framehub("bench", "--url", "http://127.0.0.1:1", *SMALL, folder=tmp_path)
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr


def test_uploads(tmp_path):
    done = framehub("bench", "upload", "--frames", "100", "--size", "10", "--sessions", "2", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = last_json(done.stdout)
    assert (report["frames"], report["sessions"]) == (200, 2) and report["frames_per_sec"] > 0


def test_the_pose_model(tmp_path):
    options = ("--size", "160x90", "--input-size", "160", "--threads", "1", "--frames", "5")
    done = framehub("bench", "pose", *options, "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = last_json(done.stdout)
    assert (report["model"], report["frames"]) == ("builtin:fencer-pose", 5)
    assert (report["picture"], report["input"], report["threads"]) == ([160, 90], [160, 96], 1)
    assert report["frames_per_sec"] > 0 and 0 < report["median_millis"] <= report["p95_millis"]
    done = framehub("bench", "pose", *options, folder=tmp_path)
    assert done.returncode == 0 and "frames/s" in done.stdout, done.stderr
    done = framehub("bench", "pose", "--model", "none.onnx", folder=tmp_path)
    assert done.returncode == 1 and "none.onnx" in done.stderr
    done = framehub("bench", "pose", "--size", "wide", folder=tmp_path)
    assert done.returncode == 2 and "640x384" in done.stderr
