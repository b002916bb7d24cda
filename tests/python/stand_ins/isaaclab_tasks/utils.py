from dataclasses import dataclass


@dataclass
class ManagerBasedRLEnvCfg:
    num_envs: int


def parse_env_cfg(task_name: str, device: str = "cuda:0", num_envs: int | None = None) -> ManagerBasedRLEnvCfg:
    return ManagerBasedRLEnvCfg(num_envs or 1)
