"""A hub without any setting judges a phrase with both lights on: the pose model is in the program."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from support.hub import ROOT
from support.program import framehub

README, SAMPLES = ROOT / "README.md", ROOT / "samples"
NAME = "builtin:fencer-pose"


def test_health_names_the_model(hub, start_hub):
    health = hub.get("/health").json()
    assert (health["model_loaded"], health["model_path"]) == (True, NAME)
    for written in ("builtin", ""):
        named = start_hub(env={"REFEREE_YOLO_MODEL": written}).get("/health").json()
        assert (named["model_loaded"], named["model_path"]) == (True, NAME), repr(written)


@pytest.mark.timeout(600)
def test_a_fresh_hub_judges_a_phrase_with_both_lights_on(hub, output):
    """As the README has it."""
    expected = json.loads((SAMPLES / "bout.json").read_text())
    assert "Fencer 1: HIT, Fencer 2: HIT" in (SAMPLES / "bout.txt").read_text(), "right of way has to decide"
    [command] = [line for line in README.read_text().splitlines() if " -- analyze " in line]
    words = command.replace("http://127.0.0.1:5000", hub.url).split(" -- ")[1].split()
    done = framehub(*words, folder=ROOT, timeout=600)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["decision"]["winner"] == expected["winner"], result["decision"]
    for words in ("video_reconstruction 100 %", "yolo 100 %", "decision 100 %", "overlay 100 %"):
        assert words in done.stderr

    folder = Path(result["artifact_dir"])
    tracks = json.loads((folder / "keypoints.json").read_text())
    both = sum(1 for pair in zip(tracks["left"], tracks["right"], strict=True) if all(pair))
    assert both > 0.8 * result["frames_analyzed"], "both fencers are seen nearly always"

    overlay = cv2.VideoCapture(str(folder / "overlay.mp4"))
    frames = 0
    while (read := overlay.read())[0]:
        frames += 1
        if frames == result["frames_analyzed"] // 2:
            cv2.imwrite(str(output / "builtin-overlay.png"), read[1])
    assert frames > result["frames_analyzed"], "a card with the verdict stands at the end"
