"""Isaac Lab's tasks: an environment of many robots, which gives tensors, and one picture of all."""

from typing import Any

import gymnasium as gym
import numpy as np


class ManagerBasedRLEnv(gym.Env[Any, Any]):
    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, cfg: Any, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.action_space = gym.spaces.Box(-1, 1, (cfg.num_envs, 2))
        self.observation_space = gym.spaces.Box(-1, 1, (cfg.num_envs, 2))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        count = len(action)
        return action, np.full(count, 0.5), np.zeros(count, bool), np.zeros(count, bool), {}

    def render(self) -> Any:
        return np.full((48, 64, 3), (200, 0, 0), np.uint8)


gym.register(
    "Isaac-Cartpole-v0", entry_point="isaaclab_tasks:ManagerBasedRLEnv", disable_env_checker=True, order_enforce=False
)
