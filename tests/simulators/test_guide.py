"""docs/guide/simulators.md: what of it can run without its simulator, run as it stands."""

import json
import re
import subprocess
import sys

import requests

from support.hub import ROOT, clean_environment
from support.mjpeg import MjpegReader
from support.simulator import Simulator

GUIDE = (ROOT / "docs" / "guide" / "simulators.md").read_text()

SCENE = """<mujoco>
  <worldbody>
    <light pos="0 0 3"/>
    <geom type="plane" size="1 1 .1" rgba=".2 .4 .8 1"/>
    <body pos="0 0 1"><freejoint/><geom size=".2" rgba="1 .2 .2 1"/></body>
  </worldbody>
</mujoco>"""


def block(heading: str, language: str) -> str:
    section = GUIDE.split(f"\n{heading}\n", 1)[1]
    return re.search(rf"```{language}\n(.*?)```", section, re.DOTALL).group(1)


def test_the_lines_for_mujoco(hub, tmp_path):
    (tmp_path / "scene.xml").write_text(SCENE)
    lines = block("## Publishing a simulator's camera", "python") + block("### MuJoCo", "python")
    lines = lines.replace("http://localhost:5000", hub.url).replace("data.time < 10", "True")
    (tmp_path / "controller.py").write_text(lines)
    environment = clean_environment(MUJOCO_GL="egl", PYTHONPATH=str(ROOT / "python"))
    hub.put_frame("mujoco", 1)
    with (tmp_path / "said.txt").open("w") as said:
        running = subprocess.Popen([sys.executable, "controller.py"], cwd=tmp_path, env=environment, stderr=said)
        try:
            with MjpegReader(hub.url + "/stream/mujoco") as reader:
                reader.wait_for_parts(5, timeout=60)
                assert hub.stats("mujoco")["width"] == 640, (tmp_path / "said.txt").read_text()
        finally:
            running.kill()
            running.wait(10)


def test_every_block_of_python_is_python():
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) == 6
    for text in blocks:
        compile(text, "guide", "exec")


def test_the_environment_names_and_the_addresses(start_hub):
    with Simulator() as simulator:
        environment = dict(line.split("=") for line in block("## Sessions", "env").splitlines())
        assert environment.keys() == simulator.environment.keys()
        hub = start_hub(env=simulator.environment)
        answer = re.search(r'\{\n  "success".*?\n\}', GUIDE, re.DOTALL).group(0)
        made = requests.post(hub.url + "/session/create", timeout=10).json()
        shown = re.sub(r"stream_\d+_\w+", made["sessionId"], answer.replace("localhost:5000", hub.url[7:]))
        assert made == json.loads(shown)
