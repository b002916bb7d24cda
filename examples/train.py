"""Trains a humanoid in MuJoCo by random search, while you watch it in a browser.

    python train.py --config-name test_stream

prints an address to open. Nothing is rendered while no one watches, so training is as fast as without. Every setting
can be given on the command line: `env.videoStreamPort=8081 env.videoResolution=[1920,1080] train.task=Ant-v5`.

The method is augmented random search (Mania, Guy, Recht 2018): a linear policy is tried with a little noise added and
with the same noise taken away, and moved towards the better of the two.
"""

import logging
import os

import framehub
import hydra
import numpy as np
from framehub.gymnasium import StreamVideo
from omegaconf import DictConfig

# MuJoCo reads this once, when Gymnasium is imported. Without a screen it renders through EGL, or OSMesa if you set that.
os.environ.setdefault("MUJOCO_GL", "egl")

import gymnasium as gym  # noqa: E402

log = logging.getLogger("train")


class LinearPolicy:
    """Actions are a matrix times the observation, normalised to mean 0 and deviation 1."""

    def __init__(self, observations: int, actions: int) -> None:
        self.weights = np.zeros((actions, observations))
        self.count = 1e-4
        self.mean = np.zeros(observations)
        self.squares = np.ones(observations) * self.count

    def observe(self, observation: np.ndarray) -> None:
        """Welford's running mean and variance."""
        self.count += 1
        difference = observation - self.mean
        self.mean += difference / self.count
        self.squares += difference * (observation - self.mean)

    def act(self, weights: np.ndarray, observation: np.ndarray) -> np.ndarray:
        deviation = np.sqrt(self.squares / self.count) + 1e-6
        return weights @ ((observation - self.mean) / deviation)


class RandomSearch:
    def __init__(self, env: gym.Env, cfg: DictConfig) -> None:
        self.env = env
        self.cfg = cfg
        self.random = np.random.default_rng(cfg.seed)
        observations, actions = env.observation_space, env.action_space
        if not isinstance(observations, gym.spaces.Box) or not isinstance(actions, gym.spaces.Box):
            raise SystemExit("train.task has to be one with continuous observations and actions, such as Humanoid-v5")
        self.low, self.high = actions.low, actions.high
        self.policy = LinearPolicy(observations.shape[0], actions.shape[0])
        self.iterations = 0
        self.steps = 0
        self.best: float | None = None

    def episode(self, weights: np.ndarray) -> float:
        """The return of one episode."""
        observation, _ = self.env.reset(seed=int(self.random.integers(2**31)))
        total = 0.0
        for _ in range(self.cfg.episodeSteps):
            self.policy.observe(observation)
            action = np.clip(self.policy.act(weights, observation), self.low, self.high)
            observation, reward, terminated, truncated, _ = self.env.step(action)
            total += float(reward)
            self.steps += 1
            if terminated or truncated:
                break
        self.best = total if self.best is None else max(self.best, total)
        return total

    def iterate(self) -> float:
        """Tries some directions, moves towards the better ones, and returns the mean return of all trials."""
        self.iterations += 1
        tried = []
        for _ in range(self.cfg.directions):
            noise = self.random.standard_normal(self.policy.weights.shape)
            there = self.episode(self.policy.weights + self.cfg.noise * noise)
            back = self.episode(self.policy.weights - self.cfg.noise * noise)
            tried.append((there, back, noise))
        tried.sort(key=lambda it: -max(it[0], it[1]))
        kept = tried[: self.cfg.keep]
        deviation = np.std([result for there, back, _ in kept for result in (there, back)]) + 1e-6
        ascent = sum((there - back) * noise for there, back, noise in kept)
        self.policy.weights += self.cfg.stepSize / (len(kept) * deviation) * ascent
        return float(np.mean([result for there, back, _ in tried for result in (there, back)]))

    def progress(self) -> dict[str, float | None]:
        """Shown beside the picture."""
        return {"iteration": self.iterations, "best": self.best}


def make_env(cfg: DictConfig) -> gym.Env:
    if cfg.env.viewer and (cfg.env.videoStream or cfg.env.videoRecord):
        raise SystemExit(
            "env.viewer opens a window, but videos need rendering without one: set one of the two to false"
        )
    width, height = cfg.env.videoResolution
    mode = "human" if cfg.env.viewer else "rgb_array"
    return gym.make(cfg.train.task, render_mode=mode, width=width, height=height)


@hydra.main(version_base="1.3", config_path="cfg", config_name="train")
def main(cfg: DictConfig) -> None:
    env = make_env(cfg)
    search = RandomSearch(env, cfg.train)
    with framehub.VideoStream.from_config(cfg) as video:
        if cfg.env.videoStream or cfg.env.videoRecord:
            search.env = StreamVideo(env, video, fps=cfg.env.videoFps, extra=search.progress)
        try:
            while search.iterations < cfg.train.iterations:
                mean = search.iterate()
                log.info("iteration %d: %d steps, return %.1f", search.iterations, search.steps, mean)
        except KeyboardInterrupt:
            log.info("stopped after %d steps", search.steps)
    env.close()


if __name__ == "__main__":
    main()
