"""The synthetic bouts that the pose model is trained and measured on: what is said of a picture is in the picture."""

from __future__ import annotations

import json
import sys

import cv2
import numpy as np
import onnx
import pytest

from support.hub import ROOT
from support.program import framehub

sys.path.insert(0, str(ROOT / "models"))

from bouts import phrases, recorded
from bouts.camera import Camera, Lens
from bouts.film import film
from bouts.footwork import Habit
from bouts.motions import Motions
from bouts.scene import Scene, Take
from bouts.skeleton import ANKLES, ELBOWS, HIPS, KNEES, SHOULDERS, WRISTS, Build, Stance, joints
from bouts.variety import HELD_OUT, TRAINING
from training import measure, oks

MODEL = ROOT / "models" / "fencer-pose.onnx"
MOST_BYTES = 8_000_000


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def scene(seed: int, variety=TRAINING, take: Take | None = None, **options) -> Scene:
    source = rng(seed)
    return Scene(source, variety, Motions().pair(source, 3), take or Take(), **options)


def test_the_same_seed_draws_the_same_pictures():
    first, again, other = (scene(seed).frame(1) for seed in (3, 3, 4))
    assert np.array_equal(first.picture, again.picture) and np.array_equal(first.points, again.points)
    assert not np.array_equal(first.picture, other.picture)


@pytest.mark.parametrize("seed", range(4))
def test_key_points_lie_on_the_fencers(seed):
    """Where a fencer's joint is said to be, the picture is no longer that of the empty hall."""
    drawn = scene(seed, whole=True)
    shot = drawn.frame(0)
    changed = np.abs(shot.picture.astype(int) - drawn.hall.picture).max(-1) > 6
    on_the_body = [*SHOULDERS, *ELBOWS, *HIPS, *KNEES, *ANKLES]
    places = shot.points[:, on_the_body, :2].reshape(-1, 2).round().astype(int)
    assert changed[places[:, 1], places[:, 0]].mean() > 0.9
    assert not changed[:20].all() and changed.mean() < 0.5, "the hall is still there"


@pytest.mark.parametrize("variety", [TRAINING, HELD_OUT], ids=["training", "held-out"])
def test_boxes_hold_the_key_points_and_stay_within_the_picture(variety):
    for seed in range(12):
        source = rng(seed)
        shot = scene(seed, variety, Take.random(source, variety, (640, 384))).frame(2)
        assert shot.picture.shape == (384, 640, 3) and shot.picture.dtype == np.uint8
        assert (shot.boxes >= 0).all() and (shot.boxes <= [640, 384, 640, 384]).all()
        for box, points in zip(shot.boxes, shot.points, strict=True):
            seen = points[points[:, 2] > 0, :2]
            assert (seen >= box[:2] - 3).all() and (seen <= box[2:] + 3).all()


@pytest.mark.parametrize("of", ["heights", "girths", "bends", "raised"])
def test_what_is_held_out_lies_beside_what_is_trained_on(of):
    for low, high in getattr(HELD_OUT, of):
        assert all(high <= begin or low >= end for begin, end in getattr(TRAINING, of)), (low, high)


@pytest.mark.parametrize("of", ["pistes", "floors", "walls", "lames"])
def test_held_out_halls_have_other_colours(of):
    assert not set(getattr(TRAINING, of)) & set(getattr(HELD_OUT, of))


def test_a_held_out_body_is_drawn_as_tall_as_it_is():
    for seed in range(6):
        drawn = scene(seed, HELD_OUT)
        for fencer in drawn.fencers:
            assert not 1.5 < fencer.build.height < 2.02
            thigh = np.linalg.norm(fencer.points[:, HIPS[0]] - fencer.points[:, KNEES[0]], axis=-1)
            assert thigh == pytest.approx(fencer.build.thigh, rel=0.03)


def test_the_blades_meet_when_the_log_says():
    """The parrying hand is drawn highest about then."""
    for seed in range(5):
        phrase = phrases.phrase(rng(seed), 60.0, "riposte")
        assert 0.26 <= phrase.hit_secs - phrase.contact_secs <= 0.42
        assert phrase.first == phrase.winner, "a riposte arrives before the remise"
        fencer = phrase.left if phrase.winner == "left" else phrase.right
        armed = int(fencer.build.right_handed)
        raised = fencer.points[:, WRISTS[armed], 1] - fencer.points[:, SHOULDERS[armed], 1]
        bent = np.linalg.norm(fencer.points[:, WRISTS[armed]] - fencer.points[:, SHOULDERS[armed]], axis=-1)
        about = slice(int((phrase.contact_secs - 0.3) * 60), int(phrase.hit_secs * 60))
        highest = (about.start + np.argmax(np.where(bent < np.median(bent) * 1.1, raised, -9)[about])) / 60
        assert highest == pytest.approx(phrase.contact_secs, abs=0.12)


def test_bones_keep_their_length_however_one_stands():
    build = Build(1.8, right_handed=False)
    for n in range(40):
        source = rng(n)
        feet = source.uniform([-0.1, 0], [0.6, 0.2]), source.uniform([-0.9, 0], [-0.2, 0.2])
        points = joints(build, 1, 0.0, Stance(0.0, *feet, crouch=source.uniform(0, 0.4), reach=source.uniform(0, 1)))
        for begin, end, length in (
            (HIPS, KNEES, build.thigh),
            (KNEES, ANKLES, build.shin),
            (SHOULDERS, ELBOWS, build.upper_arm),
            (ELBOWS, WRISTS, build.forearm),
        ):
            for side in (0, 1):
                assert np.linalg.norm(points[end[side]] - points[begin[side]]) == pytest.approx(length, rel=0.05)


def test_a_left_handers_left_hand_is_in_front():
    stance = Stance(0.0, np.array([0.3, 0.0]), np.array([-0.3, 0.0]))
    right, left = (joints(Build(right_handed=right), 1, 0.0, stance) for right in (True, False))
    assert right[WRISTS[1], 0] > right[WRISTS[0], 0] and right[ANKLES[1], 0] > right[ANKLES[0], 0]
    assert left[WRISTS[0], 0] > left[WRISTS[1], 0] and left[ANKLES[0], 0] > left[ANKLES[1], 0]


def test_a_foot_that_stands_does_not_slide():
    phrase = phrases.phrase(rng(2), 120.0, "wait")
    ankles = phrase.right.points[:, ANKLES]
    before_the_lunge = slice(0, int((phrase.hit_secs - 0.8) * 120))
    move = np.abs(np.diff(ankles[before_the_lunge, :, 0], axis=0))
    lifted = ankles[before_the_lunge][1:, :, 1] > ankles[..., 1].min() + 0.002
    assert move[~lifted].max() < 0.004, "metres in a 120th of a second"
    assert move.max() > 0.005, "and yet a fencer walks"


@pytest.mark.parametrize("bend", [-0.3, -0.18, 0.08])
def test_the_lens_bends_as_opencv_says(bend):
    width, height = 640, 360
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], float)
    straight = rng(1).uniform([40, 30], [600, 330], (50, 2))
    rays = (straight - [width / 2, height / 2]) * Lens.WIDER / width
    expected = cv2.fisheye.distortPoints(rays[:, None], camera, np.array([bend, 0, 0, 0]))[:, 0]
    picture = np.zeros((height, width, 3), np.uint8)
    for n, (x, y) in enumerate(straight[:8]):
        cv2.circle(picture, (round(x), round(y)), 5, (30 * (n + 1),) * 3, -1)
    bent, points = Lens(bend).bent(picture, straight)
    assert np.abs(points - expected).max() < 1e-6
    places = points[:8].round().astype(int)
    values = bent[places[:, 1], places[:, 0], 0]
    assert np.array_equal(values, 30 * np.arange(1, 9)), "the picture is bent as the points are"


def test_a_camera_sees_what_is_ahead_in_its_middle():
    camera = Camera.looking(np.array([1.0, 2.0, 9.0]), np.array([0.5, 1.0, 0.0]), 0.0, 500.0, (640, 384))
    (middle, right, above), _ = camera.project(np.array([[0.5, 1, 0], [1.5, 1, 0], [0.5, 2, 0]]))
    assert middle == pytest.approx([320, 192]) and right[0] > 330 and above[1] < 182


@pytest.mark.parametrize("kind", phrases.KINDS)
def test_the_referee_agrees_on_exact_key_points(kind, tmp_path):
    """The verdict of a planned phrase is what the rules say: the pictures are not needed for it."""
    labels = ["phrase,winner"]
    for n in range(15):
        phrase = phrases.phrase(rng(100 + n), 30.0, kind)
        sides = {
            side: (fencer.points[..., :2] * [100, -100] + [1000, 500]).tolist()
            for side, fencer in (("left", phrase.left), ("right", phrase.right))
        }
        (tmp_path / f"p{n}.keypoints.json").write_text(json.dumps({"fps": 30.0, "unit": "pixels", **sides}))
        (tmp_path / f"p{n}.txt").write_text(phrase.signal())
        labels.append(f"p{n},{phrase.winner}")
    (tmp_path / "labels.csv").write_text("\n".join(labels))
    done = framehub("referee", "evaluate", str(tmp_path), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    right = int(done.stdout.split("accuracy:")[1].split("(")[1].split(" of ")[0])
    assert right >= 13, done.stdout


def test_recorded_movement_is_taken_where_it_is_whole(tmp_path):
    phrase = phrases.phrase(rng(8), 15.0, "march")
    sides = {
        side: (fencer.points[..., :2] * [1, -1] + [5, 4]).tolist()
        for side, fencer in (("left", phrase.left), ("right", phrase.right))
    }
    (tmp_path / "good.keypoints.json").write_text(json.dumps({"fps": 15.0, **sides}))
    (tmp_path / "torn.keypoints.json").write_text(json.dumps({"fps": 15.0, **sides, "left": [None] * 20}))
    assert phrase.left.build.right_handed and phrase.right.build.right_handed
    [(left, right)] = recorded.pairs(tmp_path)
    assert (left.facing, right.facing) == (1, -1)
    for piece, drawn in ((left, phrase.left), (right, phrase.right)):
        ways = [points[-1, HIPS, 0].mean() - points[0, HIPS, 0].mean() for points in (piece.points, drawn.points)]
        assert ways[0] == pytest.approx(ways[1], abs=0.1), "metres along the piste"
        assert np.ptp(piece.points[0, :, 1]) == pytest.approx(1.5, abs=0.3), "metres from the sole to the head"


def test_a_film_goes_through_opencv_again(tmp_path):
    made = film(rng(5), TRAINING, "march")
    made.save(tmp_path / "bout.mp4")
    reader, frames = cv2.VideoCapture(str(tmp_path / "bout.mp4")), 0
    while (read := reader.read())[0]:
        difference = np.abs(read[1].astype(int) - made.pictures[frames]).mean()
        assert difference < 6, f"frame {frames}"
        frames += 1
    assert frames == made.phrase.frames == len(made.points)
    assert "Fencer 1: HIT, Fencer 2: HIT" in (tmp_path / "bout.txt").read_text()


def test_habits_and_builds_are_possible():
    for n in range(50):
        build, habit = Build.random(rng(n)), Habit.random(rng(n))
        assert 1.5 <= build.height <= 2.02 and 0.3 < habit.stride < 0.8


def test_average_precision_counts_what_is_found_and_what_is_not():
    truth = np.zeros((2, 17, 3))
    truth[..., :2] = rng(1).uniform(0, 100, (2, 17, 2)) + np.array([[[0, 0]], [[300, 0]]])
    truth[..., 2] = 1
    area = np.array([8000.0, 8000.0])
    exact, off = truth[..., :2], truth[..., :2] + 200
    perfect = oks.likeness(exact, truth, area)
    assert np.diag(perfect) == pytest.approx([1, 1]) and perfect[0, 1] < 0.01

    def average(sure: list[float], alike: np.ndarray) -> float:
        return oks.average_precision([np.array(sure)], [alike], 2, 0.5)

    assert average([0.9, 0.8], perfect) == pytest.approx(1.0)
    assert average([0.9], perfect[:1]) == pytest.approx(51 / 101), "one of two: the recall ends at a half"
    assert average([0.9, 0.8], oks.likeness(off, truth, area)) == 0.0
    # A wrong one that is surer halves the precision.
    wrong_first = np.concatenate([oks.likeness(off[:1], truth, area), perfect])
    assert average([0.9, 0.8, 0.7], wrong_first) == pytest.approx((2 / 3 * 51 + 2 / 3 * 50) / 101, abs=0.01)
    # By COCO's formula: off by one sigma's spread everywhere is exp(-1/2).
    moved = exact + np.sqrt(area[0]) * 2 * np.array(oks.SIGMAS)[None, :, None] * [1, 0]
    assert np.diag(oks.likeness(moved, truth, area)) == pytest.approx([np.exp(-0.5)] * 2)


def test_the_shipped_model_is_small_and_finds_both_fencers():
    """On scenes of the held-out kind that are drawn here and now."""
    assert MODEL.stat().st_size <= MOST_BYTES
    about = {entry.key: entry.value for entry in onnx.load(MODEL).metadata_props}
    assert about["trained_on"] == "synthetic pictures only"
    run, found = measure.onnx_runner(MODEL), 0
    assert isinstance(run(np.zeros((1, 3, 64, 96), np.float32)), np.ndarray), "the sides are free"
    for seed in range(12):
        shot = scene(7000 + seed, HELD_OUT, whole=True).frame(1)
        sure, places = measure.people(run(shot.picture[None, ..., ::-1].transpose(0, 3, 1, 2) / np.float32(255))[0])
        alike = oks.likeness(places[sure > 0.25], shot.points, oks.body_area(shot.boxes))
        found += bool(len(alike)) and bool((alike > 0.5).any(0).all())
    assert found >= 10, f"both in {found} of 12 pictures"
