"""Shows Gymnasium environments while they train: a wrapper that publishes the pictures of `render`.

A picture that cannot be rendered or shown never ends a training: there is one warning in the log, and no picture.

Pictures are rendered only while someone watches or records the stream, so otherwise a loop runs as fast as without the
wrapper. Step, episode, reward, return and length are sent with each picture: the hub's page shows them beside it, and
recordings keep them.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol

import gymnasium as gym
import numpy as np
from gymnasium.core import ActType, ObsType
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from . import Server, StreamPublisher
from ._once import Once

__all__ = ["StreamVectorVideo", "StreamVideo"]

#: More would be too small to see, and their numbers would not fit into a frame's metadata.
_MOST_TILES = 64

#: Seconds between two checks whether anyone watches: too short for a viewer to notice, and a hundred steps of a simulator.
_ASK_EVERY = 0.05

Extra = Callable[[], Mapping[str, Any]]


class Publisher(Protocol):
    """Where the pictures go: a `StreamPublisher`, a `VideoStream`, or anything with these two methods."""

    def publish(self, frame: np.ndarray, *, metadata: Mapping[str, Any] | None = None) -> object: ...

    def wanted(self) -> bool: ...


class StreamVideo(
    gym.Wrapper[ObsType, ActType, ObsType, ActType], gym.utils.RecordConstructorArgs, Generic[ObsType, ActType]
):
    """Publishes an environment's pictures into a stream.

    Example:
        >>> with framehub.Server() as server:
        ...     env = gym.make("CartPole-v1", render_mode="rgb_array")
        ...     env = StreamVideo(env, server, stream="cartpole")

    A vector environment gives a `StreamVectorVideo`, which shows several environments as tiles of one picture.

    Args:
        env: Its `render_mode` must be ``"rgb_array"``.
        to: A `StreamPublisher` or a `VideoStream`, which have their own stream; a `Server`; or a hub's URL, for
            which a publisher is created that stops with the environment.
        stream: The stream, if `to` is a `Server` or a URL.
        every: Show only every n-th step.
        fps: Pictures per second of real time at most, however fast the environment runs; 0 for no limit.
        tiles: How many environments of a vector environment are shown at most, from the first on: 1 to 64.
        extra: Called for each picture; returns further numbers to send with it.

    Raises:
        ValueError: For another render mode, or an invalid number.
    """

    def __new__(cls, env: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(env, VectorEnv):
            # Gymnasium has two families of wrappers; users should not have to care.
            return StreamVectorVideo(env, *args, **kwargs)
        return super().__new__(cls)

    def __init__(
        self,
        env: gym.Env[ObsType, ActType],
        to: StreamPublisher | Server | Publisher | str,
        stream: str = "training",
        *,
        every: int = 1,
        fps: float = 30,
        tiles: int = 16,
        extra: Extra | None = None,
    ) -> None:
        gym.utils.RecordConstructorArgs.__init__(
            self, _disable_deepcopy=True, to=to, stream=stream, every=every, fps=fps, tiles=tiles, extra=extra
        )
        gym.Wrapper.__init__(self, env)
        _check_render_mode(env.render_mode)
        self._screen = _Screen(to, stream, every, fps, extra)
        self._episode = 0
        self._return = 0.0
        self._length = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObsType, dict[str, Any]]:
        """Begins an episode, and shows its first picture."""
        observation, info = super().reset(seed=seed, options=options)
        self._episode += 1
        self._return, self._length = 0.0, 0
        try:
            if self._screen.is_open():
                self._show(0.0)
        except Exception as error:
            self._screen.passes_over(error)
        return observation, info

    def step(self, action: ActType) -> tuple[ObsType, Any, bool, bool, dict[str, Any]]:
        """Takes a step, and shows the new state."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        try:
            self._length += 1
            self._return += float(reward)
            if self._screen.is_open_after_step():
                self._show(float(reward))
        except Exception as error:
            self._screen.passes_over(error)
        return observation, reward, terminated, truncated, info

    def _show(self, reward: float) -> None:
        numbers = {"episode": self._episode, "reward": reward, "return": self._return, "length": self._length}
        self._screen.show(_picture(self.env.render()), numbers)

    def close(self) -> None:
        """Closes the environment, and the publisher if the wrapper created it."""
        super().close()
        self._screen.close()


class StreamVectorVideo(VectorWrapper[ObsType, ActType, ObsType, ActType, np.ndarray], gym.utils.RecordConstructorArgs):
    """Publishes pictures of a vector environment: some of its environments as tiles, row by row.

    The numbers beside the picture are lists with one entry per tile. See `StreamVideo` for the arguments.
    """

    def __init__(
        self,
        env: VectorEnv[ObsType, ActType, np.ndarray],
        to: StreamPublisher | Server | Publisher | str,
        stream: str = "training",
        *,
        every: int = 1,
        fps: float = 30,
        tiles: int = 16,
        extra: Extra | None = None,
    ) -> None:
        VectorWrapper.__init__(self, env)
        gym.utils.RecordConstructorArgs.__init__(
            self, _disable_deepcopy=True, to=to, stream=stream, every=every, fps=fps, tiles=tiles, extra=extra
        )
        _check_render_mode(env.render_mode)
        if not 1 <= tiles <= _MOST_TILES:
            raise ValueError(f"tiles is {tiles!r}: use 1 to {_MOST_TILES}")
        self._screen = _Screen(to, stream, every, fps, extra)
        self._tiles = min(tiles, env.num_envs)
        # The same default as in Gymnasium's own wrappers.
        self._autoreset = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._episodes = np.zeros(env.num_envs, int)
        self._returns = np.zeros(env.num_envs)
        self._lengths = np.zeros(env.num_envs, int)
        #: Environments that have ended and are reset by the next step.
        self._ended = np.zeros(env.num_envs, bool)

    def _begin(self, which: np.ndarray) -> None:
        self._episodes[which] += 1
        self._returns[which] = 0.0
        self._lengths[which] = 0
        self._ended[which] = False

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[ObsType, dict[str, Any]]:
        """Begins an episode in each environment, or only in those of ``options["reset_mask"]``."""
        mask = options.get("reset_mask") if options else None
        observations, infos = super().reset(seed=seed, options=options)
        try:
            self._begin(np.ones(self.num_envs, bool) if mask is None else np.asarray(mask, bool))
            if self._screen.is_open():
                self._show(np.zeros(self.num_envs))
        except Exception as error:
            self._screen.passes_over(error)
        return observations, infos

    def step(self, actions: ActType) -> tuple[ObsType, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Takes a step in each environment, and shows the new states."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        try:
            self._after_step(rewards, terminations, truncations)
        except Exception as error:
            self._screen.passes_over(error)
        return observations, rewards, terminations, truncations, infos

    def _after_step(self, rewards: np.ndarray, terminations: np.ndarray, truncations: np.ndarray) -> None:
        # A step that resets an environment is not part of an episode.
        stepped = ~self._ended
        self._begin(self._ended.copy())
        self._returns[stepped] += np.asarray(rewards, float)[stepped]
        self._lengths[stepped] += 1
        ended = np.logical_or(terminations, truncations)
        if self._autoreset == AutoresetMode.NEXT_STEP:
            self._ended = ended
        elif self._autoreset == AutoresetMode.SAME_STEP:
            # They already show the next episode's first picture.
            self._begin(ended)
        if self._screen.is_open_after_step():
            self._show(np.asarray(rewards, float))

    def _show(self, rewards: np.ndarray) -> None:
        shown = slice(self._tiles)
        numbers = {
            "episode": self._episodes[shown],
            "reward": rewards[shown],
            "return": self._returns[shown],
            "length": self._lengths[shown],
        }
        self._screen.show(tiled(self._pictures()), numbers)

    def _pictures(self) -> list[np.ndarray]:
        """Of the first environments. If these can be reached, the others are not rendered at all."""
        own = getattr(self.env.unwrapped, "envs", None)
        frames = [env.render() for env in own[: self._tiles]] if own is not None else self.env.render()
        return [_picture(frame) for frame in list(frames or ())[: self._tiles]]

    def close(self, **kwargs: Any) -> None:
        """Closes the environments, and the publisher if the wrapper created it."""
        super().close(**kwargs)
        self._screen.close()


class _Screen:
    """Where pictures go, how often, and whether anyone watches."""

    def __init__(self, to: Any, stream: str, every: int, fps: float, extra: Extra | None) -> None:
        if every < 1:
            raise ValueError(f"every is {every!r}: use 1 or more")
        if not 0 <= fps < math.inf:
            raise ValueError(f"fps is {fps!r}: use 0 (no limit) or a positive number")
        self._own: StreamPublisher | None = None
        self._to: Publisher
        if isinstance(to, str):
            self._own = StreamPublisher(to, stream, max_fps=fps, bgr=False)
            self._own.start()
            self._to = self._own
        elif isinstance(to, Server):
            self._to = _ServersStream(to, stream)
        else:
            self._to = to
        self._publish: Callable[..., object] = self._to.publish
        if isinstance(to, StreamPublisher) and to.bgr is None:
            # Environments render RGB; no warning is due in those that use OpenCV.
            self._publish = functools.partial(to.publish, bgr=False)
        self._every = every
        self._interval = 1 / fps if fps else 0.0
        self._next = -math.inf
        self._extra = extra
        self._warn = Once()
        #: Steps since the wrapper was created.
        self.step = 0

    def is_open_after_step(self) -> bool:
        """Counts a step. For most steps this is the only cost."""
        self.step += 1
        return self.step % self._every == 0 and self.is_open()

    def is_open(self) -> bool:
        """Whether a picture is due now and would be seen."""
        now = time.monotonic()
        if now < self._next:
            return False
        if not self._to.wanted():
            self._next = now + _ASK_EVERY
            return False
        return True

    def show(self, picture: np.ndarray, numbers: Mapping[str, Any]) -> None:
        # Counted from after the rendering: slow rendering must not take up all the time.
        self._next = time.monotonic() + self._interval
        metadata = {"step": self.step, **{name: _short(value) for name, value in numbers.items()}}
        if self._extra is not None:
            metadata.update({name: _short(value) for name, value in self._extra().items()})
        self._publish(picture, metadata=metadata)

    def passes_over(self, error: Exception) -> None:
        """A training goes on without its picture: what fails here is warned of once, and tried again a little later."""
        self._next = time.monotonic() + max(self._interval, _ASK_EVERY)
        self._warn("no picture of the environment is shown: %s: %s", type(error).__name__, error)

    def close(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.stop()


class _ServersStream:
    """One stream of a hub in this process."""

    def __init__(self, server: Server, stream: str) -> None:
        self._server, self._stream = server, stream

    def publish(self, frame: np.ndarray, *, metadata: Mapping[str, Any] | None = None) -> object:
        return self._server.publish(frame, stream=self._stream, metadata=metadata)

    def wanted(self) -> bool:
        return self._server.wanted(stream=self._stream)


def tiled(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """One picture of several of the same size, row by row, as near to a square of tiles as their number allows."""
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    height, width, channels = pictures[0].shape
    whole = np.zeros((rows * height, columns * width, channels), pictures[0].dtype)
    for index, picture in enumerate(pictures):
        top, left = index // columns * height, index % columns * width
        whole[top : top + height, left : left + width] = picture
    return whole


def _picture(frame: Any) -> np.ndarray:
    if not isinstance(frame, np.ndarray):
        raise ValueError(f"render() gave a {type(frame).__name__}: expected a picture, height×width×3")
    return frame


def _check_render_mode(mode: str | None) -> None:
    if mode != "rgb_array":
        raise ValueError(f'the render mode is {mode!r}: make the environment with render_mode="rgb_array"')


def _short(value: Any) -> Any:
    """Numbers rounded to six digits for people."""
    if isinstance(value, np.ndarray):
        return [_short(inner) for inner in value.tolist()]
    if isinstance(value, float):
        # JSON has no NaN or infinity; such a reward must not end the training.
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
