"""Shows an Isaac Lab environment: rendered only while someone watches, so that training runs at full speed.

./isaaclab.sh -p isaac_lab.py --task Isaac-Repose-Cube-Shadow-Direct-v0 --num_envs 64 --headless
"""

import argparse
from typing import Any

from framehub import StreamPublisher
from isaaclab.app import AppLauncher

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--task", default="Isaac-Cartpole-v0")
parser.add_argument("--num_envs", type=int, default=64)
parser.add_argument("--server", default="http://localhost:5000")
AppLauncher.add_app_launcher_args(parser)
arguments = parser.parse_args()
# A headless simulator cannot render without it.
arguments.enable_cameras = True
app = AppLauncher(arguments).app

# Only a running simulator can import these.
import gymnasium as gym  # noqa: E402
import isaaclab_tasks  # noqa: E402, F401
import torch  # noqa: E402
from isaaclab_tasks.utils import parse_env_cfg  # noqa: E402


def main() -> None:
    cfg = parse_env_cfg(arguments.task, device=arguments.device, num_envs=arguments.num_envs)
    # Isaac Lab returns tensors, one entry per environment, where Gymnasium's types say numbers.
    env: Any = gym.make(arguments.task, cfg=cfg, render_mode="rgb_array")
    env.reset()
    print(f"{arguments.server}/stream/isaac-lab  (Ctrl-C stops)", flush=True)
    step = 0
    with StreamPublisher(arguments.server, "isaac-lab") as publisher, torch.inference_mode():
        while app.is_running():
            actions = 2 * torch.rand(env.action_space.shape, device=arguments.device) - 1
            _, rewards, *_ = env.step(actions)
            step += 1
            if publisher.wanted():
                publisher.publish_frame(env.render(), metadata={"step": step, "reward": float(rewards.mean())})
    env.close()


if __name__ == "__main__":
    main()
    app.close()
