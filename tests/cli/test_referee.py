"""`framehub referee`: phrases that are made up, so that everyone knows who has right of way."""

import json
import random

import numpy as np
import pytest

from support.program import framehub
from tools import right_of_way

FPS = 15
STANDS, ADVANCES, RETREATS = 0.0, 1.2, -1.2


def write_log(path, *, hits=("HIT: Simultaneous valid hits!",), scores="Fencer 1: HIT, Fencer 2: HIT", contacts=()):
    lines = ["Phrase 1 initialized at 2026-01-27 19:38:32", " 0.000s | Phrase recording started"]
    lines += [f" {time:.3f}s | Off-Target: Blade-to-blade contact." for time in contacts]
    lines += [f" {1.4 + 0.1 * n:.3f}s | {hit}" for n, hit in enumerate(hits)]
    lines += [" 1.800s | Phrase recording ended", f"Scores -> {scores}"]
    path.write_text("\n".join(lines) + "\n")


def write_points(path, left: float, right: float, *, wobble: random.Random | None = None):
    """Fencers who come forward at these speeds, 4 apart at the start; their points wobble if wanted."""

    def person(front: float, towards: int) -> list:
        reach = {9: 0.2, 10: 0.2, 15: 0.3, 16: 0.0}
        shake = [(wobble.gauss(0, 0.05), wobble.gauss(0, 0.05)) if wobble else (0, 0) for _ in range(17)]
        return [[front - (0.3 - reach.get(n, 0)) * towards + x, 3 + n / 20 + y] for n, (x, y) in enumerate(shake)]

    times = [n / FPS for n in range(27)]
    tracks = {
        "fps": FPS,
        "left": [person(-2 + left * time, 1) for time in times],
        "right": [person(2 - right * time, -1) for time in times],
    }
    path.write_text(json.dumps(tracks))


def decide(folder, name="phrase", *, keypoints=True):
    points = ["--keypoints", f"{name}.keypoints.json"] if keypoints else []
    return framehub("referee", "decide", "--signal", f"{name}.txt", *points, folder=folder)


def decided(folder, name="phrase", **options) -> dict:
    done = decide(folder, name, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def failed(done) -> str:
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


@pytest.fixture
def phrase(tmp_path):
    write_log(tmp_path / "phrase.txt")
    write_points(tmp_path / "phrase.keypoints.json", ADVANCES, RETREATS)
    return tmp_path


def test_right_of_way(phrase):
    """The sentence that clients of the frame upload know, with its evidence."""
    decision = decided(phrase)
    assert decision["winner"] == "left"
    assert decision["reason"] == "Right fencer retreated at 0.00s"
    assert 0.5 < decision["confidence"] <= 1
    evidence = decision["evidence"]
    assert (evidence["lights"], evidence["hit_secs"]) == ("both", 1.4)
    assert len(evidence["right"]["retreats"]) == 1 and evidence["left"]["retreats"] == []
    weighed = sum(feature["difference"] * feature["weight"] for feature in evidence["features"])
    assert weighed == pytest.approx(evidence["score"])


def test_one_light_decides_whatever_the_feet_do(phrase):
    write_log(phrase / "phrase.txt", hits=["HIT: Right scores on Left!"], scores="Fencer 1: HIT, Fencer 2: MISS")
    for keypoints in (True, False):
        decision = decided(phrase, keypoints=keypoints)
        assert (decision["winner"], decision["confidence"]) == ("right", 1.0)


def test_no_verdict_without_a_light(phrase):
    write_log(phrase / "phrase.txt", hits=[], scores="Fencer 1: MISS, Fencer 2: MISS")
    assert decided(phrase, keypoints=False)["winner"] == "abstain"


def test_utf_16_with_windows_line_ends(phrase):
    log = phrase / "phrase.txt"
    expected = decided(phrase)
    log.write_bytes(log.read_text().replace("\n", "\r\n").encode("utf-16"))
    assert decided(phrase) == expected


def test_bad_files_are_explained(phrase):
    """Which file, which line or frame, and how to fix it; exit code 1."""
    log, points = phrase / "phrase.txt", phrase / "phrase.keypoints.json"
    assert "both lights are on" in failed(decide(phrase, keypoints=False))
    good_log, good_points = log.read_text(), points.read_text()
    for text, expected in [
        (good_log.replace("1.400s", "soon"), "line 3: `soon | HIT"),
        (good_log.split(" 1.800s")[0], "ends at line 3 without `Scores"),
        (good_log.replace("Fencer 1", "Fencer 7"), "line 5: `Scores -> Fencer 7"),
        ("\0\1\2", "is no text"),
        ("x" * 1_100_000, "1048576 are allowed"),
    ]:
        log.write_text(text)
        error = failed(decide(phrase))
        assert "phrase.txt" in error and expected in error, error
    log.write_text(good_log)
    tracks = json.loads(good_points)
    for change, expected in [
        ({"left": tracks["left"][1:]}, "26 frames of the left fencer and 27 of the right"),
        ({"left": [tracks["left"][0][:16]] * 27}, "left fencer, frame 0: invalid length 16"),
        ({"right": None}, "right fencer, invalid type: null"),
        ({"fps": 0}, "fps is 0"),
    ]:
        points.write_text(json.dumps(tracks | change))
        error = failed(decide(phrase))
        assert "phrase.keypoints.json" in error and expected in error, error
    points.unlink()
    assert "No such file" in failed(decide(phrase))


def test_unseen_fencer(phrase):
    """What was not seen cannot be judged: an abstention that says when."""
    points = phrase / "phrase.keypoints.json"
    tracks = json.loads(points.read_text())
    tracks["right"][5:24] = [None] * 19
    points.write_text(json.dumps(tracks))
    decision = decided(phrase)
    assert (decision["winner"], decision["confidence"]) == ("abstain", 0)
    assert "Right fencer is not seen between" in decision["reason"]


def test_usage(tmp_path):
    for wrong in (["decide"], ["evaluate"], ["evaluate", ".", "--folds", "1"], ["evaluate", ".", "--shuffles", "3"]):
        done = framehub("referee", *wrong, folder=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")


@pytest.fixture(scope="module")
def bouts(tmp_path_factory):
    """Two days of phrases in which the fencer who comes forward wins, and one without a verdict."""
    folder, dice, labels = tmp_path_factory.mktemp("bouts"), random.Random(7), ["phrase,winner"]
    for n in range(24):
        name, winner = f"2026010{n % 2}_{n:02}", dice.choice(["left", "right"])
        speeds = (ADVANCES, RETREATS) if winner == "left" else (RETREATS, ADVANCES)
        hits = dice.sample(["HIT: Left scores on Right!", "HIT: Right scores on Left!"], 2)
        write_log(folder / f"{name}.txt", hits=hits, contacts=dice.sample([0.3, 0.9, 1.2], 1))
        write_points(folder / f"{name}.keypoints.json", *speeds, wobble=dice)
        labels.append(f"{name},{winner if n else 'abstain'}")
    (folder / "labels.csv").write_text("\n".join(labels) + "\n")
    return folder


def test_evaluate(bouts):
    done = framehub("referee", "evaluate", ".", "--folds", "10", "--shuffles", "3", folder=bouts)
    assert (done.returncode, done.stderr) == (0, "")
    assert "24 phrases, 23 of them decided" in done.stdout
    assert "accuracy: 1.000 (23 of 23)" in done.stdout
    assert "10-fold cross-validation, 3 shuffles: 1.000 ± 0.000" in done.stdout
    assert "20260100: 1.000 (11 of 11)" in done.stdout and "20260101: 1.000 (12 of 12)" in done.stdout


def test_evaluate_explains_what_is_missing(bouts, tmp_path):
    def evaluate(*more) -> str:
        return failed(framehub("referee", "evaluate", ".", *more, folder=tmp_path))

    labels = tmp_path / "labels.csv"
    assert "labels.csv" in evaluate()
    labels.write_text("phrase,winner\na,middle\n")
    assert "line 2: `a,middle` is no label" in evaluate()
    labels.write_text("phrase,winner\n../secret,left\n")
    assert "line 2" in evaluate()
    labels.write_text("phrase,winner\na,left\n")
    assert "a.txt" in evaluate()
    write_log(tmp_path / "a.txt")
    assert "key points" in evaluate()
    write_points(tmp_path / "a.keypoints.json", ADVANCES, RETREATS)
    assert "10 folds for 1 decided phrases" in evaluate("--folds", "10")


def test_the_features_are_those_of_the_model_in_numpy(bouts):
    """Both are written apart: what one has wrong, the other shows."""
    for name in ("20260100_02", "20260101_05"):
        expected = right_of_way.features(right_of_way.read(bouts, name))
        found = [feature["difference"] for feature in decided(bouts, name)["evidence"]["features"]]
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_model_in_numpy_learns_and_reports(bouts, capsys):
    right_of_way.main(bouts)
    report = capsys.readouterr().out
    assert "10-fold, 50 shuffles: 1.000 ± 0.000" in report and "fitted to all: 1.000" in report
