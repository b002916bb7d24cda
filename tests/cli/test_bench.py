"""`framehub bench`: against a hub of its own or a running one, as a table or JSON, and its exit code."""

from support.program import framehub, last_json

SMALL = ("--streams", "2", "--fps", "5", "--size", "10", "--viewers", "4", "--duration", "2", "--warmup", "0.5")


def test_against_a_hub_of_its_own(tmp_path):
    done = framehub("bench", *SMALL, "--slow", "1", "--slow-kbps", "20", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = last_json(done.stdout)
    text = done.stdout
    for word in ("fps", "p50", "p99", "max", "skipped", "cpu", "memory"):
        assert word in text.lower(), f"{word} is missing: {report}"


def test_as_a_table_against_a_running_hub(hub, tmp_path):
    done = framehub("bench", "--url", hub.url, *SMALL, "--min-fps", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in ("fps", "p50", "p99"):
        assert word in done.stdout.lower()
    assert hub.get("/livez").status_code == 200


def test_exit_code_1_under_min_fps(tmp_path):
    done = framehub("bench", *SMALL, "--min-fps", "50", folder=tmp_path)
    assert done.returncode == 1
    assert "fps" in done.stdout + done.stderr


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
