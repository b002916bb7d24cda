"""`framehub.gymnasium.StreamVideo`: pictures of environments with their numbers, only while someone watches."""

import json

import framehub
import gymnasium as gym
import numpy as np
import pytest
from framehub.gymnasium import StreamVectorVideo, StreamVideo
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from support.browser import picture_of
from support.mjpeg import MjpegReader
from support.pictures import decode, numbered, read_number
from support.recordings import only, wait_for_frames
from support.sockets import Wall
from support.waiting import eventually

#: Steps of an episode.
LONG = 4


class Counter(gym.Env):
    """Shows how often it was stepped, plus what it begins with; each step is worth a half."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}
    observation_space = gym.spaces.Discrete(10_000)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, begin: int = 0, render_mode: str | None = "rgb_array"):
        self.begin, self.render_mode = begin, render_mode
        self.length = self.rendered = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.length = 0
        return self.begin, {}

    def step(self, action):
        self.length += 1
        return self.begin + self.length, 0.5, self.length == LONG, False, {}

    def render(self):
        self.rendered += 1
        return numbered(self.begin + self.length, 160, 120)


def counters(count: int, mode: AutoresetMode) -> SyncVectorEnv:
    return SyncVectorEnv([lambda begin=begin: Counter(100 * begin) for begin in range(count)], autoreset_mode=mode)


@pytest.fixture(scope="module")
def server():
    """A hub in this process that records nothing."""
    with framehub.Server(port=0) as server:
        yield server


def shown(wall: Wall, stream: str, **numbers: object):
    """The frame with these numbers."""
    return eventually(
        lambda: next((f for f in wall.of(stream) if numbers.items() <= f.header.get("metadata", {}).items()), None),
        f"{numbers} of {stream}",
    )


def step_until(env, done) -> None:
    """Steps, and begins anew, until something has happened."""

    def once() -> bool:
        if env.step(0)[2]:
            env.reset()
        return done()

    eventually(once)


def test_numbers_travel_with_the_picture(server, stream):
    env = StreamVideo(Counter(), server, stream, fps=0, extra=lambda: {"loss": 0.25})
    env.reset()
    with Wall(server.url.replace("http", "ws")) as wall:
        wall.watch(stream)
        # Before the first picture is there, it is wanted in any case.
        eventually(lambda: wall.of(stream), "the first picture")
        for length in range(1, LONG + 1):
            env.step(0)
            frame = shown(wall, stream, step=length)
            assert frame.number == length
            assert frame.header["metadata"] == {
                "step": length,
                "episode": 1,
                "reward": 0.5,
                "return": 0.5 * length,
                "length": length,
                "loss": 0.25,
            }
        env.reset()
        begun = shown(wall, stream, episode=2)
        assert begun.number == 0
        assert begun.header["metadata"].items() >= {"step": LONG, "reward": 0, "return": 0, "length": 0}.items()
    env.close()


def test_nothing_is_rendered_without_viewers(server, stream):
    inner = Counter()
    env = StreamVideo(inner, server, stream, fps=0)
    env.reset()
    assert inner.rendered == 1, "the first picture, so that the stream is there to be found"
    step_until(env, lambda: not server.wanted(stream=stream))
    before = inner.rendered
    for _ in range(1000):
        env.step(0)
    assert inner.rendered == before
    with MjpegReader(f"{server.url}/stream/{stream}"):
        step_until(env, lambda: inner.rendered > before + 2)
    env.close()


def test_every_so_many_steps_and_so_many_pictures_a_second(server, stream):
    inner = Counter()
    env = StreamVideo(inner, server, stream, every=10, fps=0)
    server.publish(numbered(1), stream=stream)
    eventually(lambda: server.stats(stream)["frames_received"], "the stream is there")
    with MjpegReader(f"{server.url}/stream/{stream}"):
        eventually(lambda: server.wanted(stream=stream))
        for _ in range(100):
            env.step(0)
        assert inner.rendered == 10
        slow = StreamVideo(Counter(), server, stream, fps=0.01)
        for _ in range(100):
            slow.step(0)
        assert slow.unwrapped.rendered == 1


def test_beside_the_picture_on_the_page(server, stream, page, output):
    env = StreamVideo(Counter(), server, stream, fps=0)
    env.reset()
    page.goto(f"{server.url}/#{stream}")
    panel = page.locator("#metadata")

    def shown() -> bool:
        env.reset()
        env.step(0)
        env.step(0)
        # Numbers are shown a fifth of a second apart, the last ones in any case.
        page.wait_for_timeout(300)
        length = page.locator("[data-meta=length]")
        return panel.is_visible() and length.count() == 1 and length.inner_text() == "2"

    eventually(shown)
    for name, value in {"return": "1", "reward": "0.5"}.items():
        assert page.locator(f"[data-meta={name}]").inner_text() == value
    assert int(page.locator("[data-meta=episode]").inner_text()) > 1
    picture_of(page, output / "gymnasium.png")
    env.close()


def test_kept_with_the_recording(hub, stream):
    """A hub elsewhere, by its URL, that records."""
    env = StreamVideo(Counter(), hub.url, stream, fps=0)
    env.reset()
    step_until(env, lambda: hub.get(f"/api/streams/{stream}/recording").status_code == 200)
    step_until(env, lambda: hub.get(f"/api/streams/{stream}/recording").json()["total_frames"] > 2)
    env.close()
    wait_for_frames(hub, stream, 3)
    kept = hub.get(only(hub, stream)["snapshot_url"])
    numbers = json.loads(kept.headers["X-Frame-Metadata"])
    assert numbers["return"] == 0.5 * numbers["length"]
    assert read_number(decode(kept.content)) == numbers["length"]


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_tiles_of_a_vector_environment(server, stream, mode):
    envs = counters(5, mode)
    env = StreamVideo(envs, server, stream, fps=0, tiles=4)
    assert isinstance(env, StreamVectorVideo) and isinstance(env, gym.vector.VectorWrapper)
    env.reset()
    with Wall(server.url.replace("http", "ws")) as wall:
        wall.watch(stream)
        # Before the first picture is there, it is wanted in any case.
        eventually(lambda: wall.of(stream), "the first picture")
        actions = np.zeros(5, int)
        env.step(actions)
        frame = shown(wall, stream, step=1)
        picture = decode(frame.jpeg)
        assert picture.shape == (240, 320, 3)
        tiles = [picture[:120, :160], picture[:120, 160:], picture[120:, :160], picture[120:, 160:]]
        assert [read_number(tile) for tile in tiles] == [1, 101, 201, 301]
        assert frame.header["metadata"] == {
            "step": 1,
            "episode": [1] * 4,
            "reward": [0.5] * 4,
            "return": [0.5] * 4,
            "length": [1] * 4,
        }
        assert envs.envs[4].rendered == 0, "only what is shown is rendered"
        for _ in range(LONG - 1):
            env.step(actions)
        after = {
            # It ended, and the next step will reset it.
            AutoresetMode.NEXT_STEP: (1, LONG),
            AutoresetMode.SAME_STEP: (2, 0),
            AutoresetMode.DISABLED: (1, LONG),
        }[mode]
        last = shown(wall, stream, step=LONG).header["metadata"]
        assert (last["episode"][0], last["length"][0]) == after
        if mode == AutoresetMode.NEXT_STEP:
            env.step(actions)
            reset = shown(wall, stream, step=LONG + 1).header["metadata"]
            assert (reset["episode"][0], reset["return"][0]) == (2, 0)
        if mode == AutoresetMode.DISABLED:
            env.reset(options={"reset_mask": np.array([True, False, False, False, False])})
            assert shown(wall, stream, episode=[2, 1, 1, 1]).header["metadata"]["length"] == [0, LONG, LONG, LONG]
    env.close()


def test_environments_in_processes_of_their_own(server, stream):
    env = StreamVideo(AsyncVectorEnv([Counter, Counter]), server, stream, fps=0)
    with Wall(server.url.replace("http", "ws")) as wall:
        env.reset()
        wall.watch(stream)
        frame = shown(wall, stream, episode=[1, 1])
        assert decode(frame.jpeg).shape == (120, 320, 3)
    env.close()


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"every": 0}, "every"),
        ({"fps": -1}, "fps"),
        ({"fps": float("nan")}, "fps"),
        ({"tiles": 0}, "tiles"),
        ({"tiles": 65}, "tiles"),
    ],
)
def test_what_cannot_be_right(server, wrong, words):
    with pytest.raises(ValueError, match=words):
        StreamVideo(counters(2, AutoresetMode.NEXT_STEP), server, **wrong)


@pytest.mark.parametrize("mode", [None, "human", "rgb_array_list"])
def test_another_render_mode(server, mode):
    with pytest.raises(ValueError, match="rgb_array"):
        StreamVideo(Counter(render_mode=mode), server)


def test_gymnasium_can_make_it_anew(hub, stream):
    """Its specification holds the wrapper with its arguments, as those of Gymnasium's own wrappers do."""
    gym.register("Counter-v0", entry_point=lambda **kwargs: Counter(**kwargs))
    env = StreamVideo(gym.make("Counter-v0", render_mode="rgb_array"), hub.url, stream, every=3)
    again = gym.make(env.spec)
    assert isinstance(again, StreamVideo)
    assert again.spec.additional_wrappers[-1].kwargs["every"] == 3
    env.close()
    again.close()


class Broken(Counter):
    """Gives what is no picture, or raises, from its second picture on."""

    def __init__(self, wrong: object):
        super().__init__()
        self.wrong = wrong

    def render(self):
        picture = super().render()
        if self.rendered < 2:
            return picture
        if isinstance(self.wrong, Exception):
            raise self.wrong
        return self.wrong


WRONG = {
    "none": None,
    "a list": [[1, 2]],
    "object": np.array([[None]]),
    "shape": np.zeros((3, 40, 60), np.uint8),
    "type": np.zeros((40, 60, 3), np.int64),
    "NaN": np.full((40, 60, 3), np.nan),
    "closed": RuntimeError("the window is closed"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_training_goes_on_without_its_picture(server, stream, caplog, wrong):
    env = StreamVideo(Broken(wrong), server, stream, fps=0)
    with Wall(server.url.replace("http", "ws")) as wall:
        wall.watch(stream)
        env.reset()
        rewards = [env.step(0)[1] for _ in range(3 * LONG)]
        eventually(lambda: env.step(0)[1] == 0.5 and env.unwrapped.rendered >= 3)
    assert rewards == [0.5] * len(rewards)
    warned = [record for record in caplog.records if record.name == "framehub"]
    assert len(warned) == 1, [record.getMessage() for record in warned]


def test_a_training_of_many_goes_on_without_its_picture(server, stream, caplog):
    inner = SyncVectorEnv([lambda: Broken(RuntimeError("no display"))] * 2)
    envs = StreamVideo(inner, server, stream, fps=0)
    envs.reset()
    with Wall(server.url.replace("http", "ws")) as wall:
        wall.watch(stream)
        eventually(lambda: envs.step([0, 0])[1][0] >= 0 and inner.envs[0].unwrapped.rendered >= 3)
    assert len([record for record in caplog.records if record.name == "framehub"]) == 1
