"""Isaac Lab's launcher: the simulator runs for a few steps. https://isaac-sim.github.io/IsaacLab/"""

import argparse
import time


class SimulationApp:
    def __init__(self) -> None:
        self.steps = 20

    def is_running(self) -> bool:
        self.steps -= 1
        time.sleep(0.05)
        return self.steps >= 0

    def close(self) -> None: ...


class AppLauncher:
    def __init__(self, arguments: argparse.Namespace) -> None:
        assert arguments.enable_cameras
        self.app = SimulationApp()

    @staticmethod
    def add_app_launcher_args(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--headless", action="store_true")
        parser.add_argument("--enable_cameras", action="store_true")
        parser.add_argument("--device", default="cuda:0")
