"""The analysis of live streams: what is found comes with exactly the picture that it was found in."""

from __future__ import annotations

import json

import numpy as np
import pytest
import requests

from support import pose_model
from support.browser import picture_of
from support.feeder import Feeder
from support.hub import Hub
from support.pictures import decode, encode_jpeg
from support.pose_model import RED
from support.sockets import Wall, open_socket
from support.waiting import PATIENCE, eventually

WIDTH, HEIGHT = 320, 180
#: Where the person stands in frame after frame: far enough apart that no two can be mixed up.
PLACES = [40, 180, 90, 250, 140, 280, 65, 215]


def scene(place: int) -> bytes:
    return encode_jpeg(pose_model.scene(WIDTH, HEIGHT, [(RED, place, 150, 36, 90)]), 92)


def red_columns(picture: np.ndarray) -> tuple[int, int]:
    """First and last column of the person."""
    row = picture[HEIGHT // 2].astype(int)
    columns = np.nonzero((row[:, 0] > 150) & (row[:, 1] < 100))[0]
    return int(columns[0]), int(columns[-1]) + 1


@pytest.fixture(scope="module")
def looking(tmp_path_factory):
    """A hub with a model that finds the person."""
    folder = tmp_path_factory.mktemp("looking")
    model = pose_model.rectangles(folder / "people.onnx")
    with Hub(folder, env={"REFEREE_YOLO_MODEL": str(model)}) as hub:
        yield hub


@pytest.fixture
def film(looking, stream):
    """The stream's name, while a person walks about in it."""
    feeder = Feeder(looking.url, stream, fps=15)
    feeder.frames = [scene(place) for place in PLACES]
    with feeder:
        eventually(lambda: looking.get(f"/api/streams/{stream}/stats").status_code == 200)
        yield stream
    requests.delete(f"{looking.url}/api/streams/{stream}", timeout=10)


def ask(hub, stream, **body):
    return requests.post(f"{hub.url}/api/streams/{stream}/analysis", json=body, timeout=10)


def state(hub, stream) -> dict:
    return hub.get(f"/api/streams/{stream}/analysis").json()


def assert_found(metadata: dict, jpeg: bytes) -> None:
    (person,) = metadata["pose"]["persons"]
    assert (metadata["pose"]["width"], metadata["pose"]["height"]) == (WIDTH, HEIGHT)
    assert np.allclose([person["box"][0], person["box"][2]], red_columns(decode(jpeg)), atol=4)
    assert len(person["key_points"]) == 17


def test_a_websocket_view_tells_what_was_found_before_each_frame(looking, film):
    begun = ask(looking, film, pipeline="pose")
    assert begun.status_code == 200 and begun.json()["running"], begun.text
    socket = open_socket(f"{looking.ws}/stream/{film}?format=binary&overlay=pose")
    assert json.loads(socket.recv(PATIENCE))["type"] == "status"
    numbers, places = [], set()
    while len(places) < 4:
        said, jpeg = json.loads(socket.recv(PATIENCE)), socket.recv(PATIENCE)
        assert said["type"] == "metadata" and (said["width"], said["height"]) == (WIDTH, HEIGHT)
        assert_found(said["metadata"], jpeg)
        numbers.append(said["seq"])
        places.add(red_columns(decode(jpeg))[0])
    assert numbers == sorted(set(numbers))
    now = eventually(lambda: (s := state(looking, film))["frames_analyzed"] > 4 and s)
    assert now["last_seq"] >= numbers[-1] and now["frame_errors"] == 0 and now["analysis_ms"] > 0
    stopped = ask(looking, film, pipeline=None)
    assert stopped.status_code == 200 and not stopped.json()["running"]
    with pytest.raises(Exception, match="1000"):
        while True:
            socket.recv(PATIENCE)
    assert looking.get(f"/stream/{film}?overlay=pose").json()["code"] == "ANALYSIS_NOT_RUNNING"


def test_the_metadata_of_the_publisher_can_be_read_without_an_analysis(looking, stream):
    with open_socket(f"{looking.ws}/publish/{stream}") as publisher:
        publisher.send(json.dumps({"seq": 7, "robot": "r2"}))
        publisher.send(scene(100))
        eventually(lambda: looking.get(f"/api/streams/{stream}/stats").status_code == 200)
        with open_socket(f"{looking.ws}/stream/{stream}?format=binary&metadata=1") as socket:
            socket.recv(PATIENCE)
            said = json.loads(socket.recv(PATIENCE))
            assert (said["seq"], said["metadata"]) == (1, {"robot": "r2"})
            assert socket.recv(PATIENCE) == scene(100)
        ask(looking, stream, pipeline="pose")
        with open_socket(f"{looking.ws}/stream/{stream}?format=binary&overlay=pose") as socket:
            socket.recv(PATIENCE)
            metadata = json.loads(socket.recv(PATIENCE))["metadata"]
            assert metadata["robot"] == "r2" and metadata["pose"]["persons"], "both"


def test_the_wall_shows_it_and_goes_on_without_it(looking, film):
    with Wall(looking.ws) as wall:
        wall.watch(**{film: {"overlay": "pose"}})
        eventually(lambda: wall.of(film), "as published")
        ask(looking, film, pipeline="pose")
        found = eventually(lambda: len(f := [it for it in wall.of(film) if "metadata" in it.header]) >= 5 and f)
        for frame in found:
            assert_found(frame.header["metadata"], frame.jpeg)
        wall.frames.clear()
        ask(looking, film, pipeline=None)
        eventually(lambda: any("metadata" not in frame.header for frame in wall.of(film)), "as published again")
        assert not wall.of_type("gone")
        wall.watch(**{film: {"overlay": "pose", "width": 64}})
        assert "leave width, height and quality out" in wall.wait_for_text("error")["message"]


def test_who_asks_for_nothing_sees_the_stream_as_published(looking, film):
    ask(looking, film, pipeline="pose")
    with Wall(looking.ws) as wall:
        wall.watch(film)
        eventually(lambda: len(wall.of(film)) >= 5)
        assert not any("metadata" in frame.header for frame in wall.of(film))
    response = looking.get(f"/stream/{film}?overlay=pose", stream=True)
    assert response.status_code == 200 and response.headers["content-type"].startswith("multipart/")
    response.close()


#: Of both canvases in one moment: where the person is in the picture, and where the drawing says so; 0 to 1.
LOOK = """() => {
  const columns = (id, isThere) => {
    const canvas = document.getElementById(id);
    const row = canvas.getContext('2d').getImageData(0, Math.round(canvas.height / 2), canvas.width, 1).data;
    const found = [];
    for (let x = 0; x < canvas.width; x += 1) if (isThere(row, x * 4)) found.push(x / canvas.width);
    return found.length ? [found[0], found.at(-1)] : null;
  };
  if (document.getElementById('focus-overlay').hidden) return null;
  return [
    columns('focus-canvas', (row, at) => row[at] > 150 && row[at + 1] < 100),
    columns('focus-overlay', (row, at) => row[at + 3] > 128),
  ];
}"""


def test_the_page_draws_each_skeleton_on_its_own_picture(looking, film, page, output):
    page.goto(f"{looking.url}/#{film}")
    page.click("#analyse")
    eventually(lambda: page.locator("#focus-overlay").get_attribute("data-persons") == "1")
    assert page.locator("#show-poses").get_attribute("aria-pressed") == "true"
    seen = set()

    def look() -> bool:
        found = page.evaluate(LOOK)
        if found is None:
            return False
        picture, drawing = found
        assert picture and drawing and np.allclose(picture, drawing, atol=0.03), found
        seen.add(round(picture[0], 2))
        return len(seen) >= 4

    eventually(look, "the person at different places")
    picture_of(page, output / "live-analysis.png")
    page.click("#show-poses")
    eventually(lambda: page.locator("#focus-overlay").is_hidden())
    assert state(looking, film)["running"], "hiding does not stop it"
    page.click("#analyse")
    eventually(lambda: not state(looking, film)["running"])
    eventually(lambda: page.locator("#focus").get_attribute("data-state") == "live")


def test_without_a_model_it_is_said_what_is_missing(start_hub, stream, page):
    hub = start_hub(env={"REFEREE_YOLO_MODEL": "none"})
    hub.put_frame(stream, 1)
    refused = ask(hub, stream, pipeline="pose")
    assert (refused.status_code, refused.json()["code"]) == (503, "MODEL_NOT_LOADED")
    assert "REFEREE_YOLO_MODEL" in refused.json()["error"]
    assert ask(hub, stream, pipeline="dance").json()["code"] == "UNKNOWN_PIPELINE"
    (pipeline,) = state(hub, stream)["pipelines"]
    assert pipeline["name"] == "pose" and not pipeline["ready"] and "REFEREE_YOLO_MODEL" in pipeline["reason"]
    with page.expect_response(lambda response: response.url.endswith("/analysis")):
        page.goto(f"{hub.url}/#{stream}")
    assert page.locator("#analysis").is_hidden()
