"""What lies in deploy/ fits this program: settings exist, paths are there, systemd and the Dockerfile's context agree."""

import fnmatch
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
import yaml

from support.hub import BINARY, ROOT
from support.program import framehub

DEPLOY = ROOT / "deploy"

#: Read by the C library, not by the hub's configuration.
NOT_OURS = {"TZ"}


def compose() -> dict:
    return yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())


def values_of_compose() -> dict[str, str]:
    """The hub's environment with the defaults that stand in the file."""
    given = compose()["services"]["framehub"]["environment"]
    defaults = {name: re.sub(r"^\$\{\w+(?::-(.*?))?(?::\?.*)?\}$", r"\1", value) for name, value in given.items()}
    return defaults | {"API_KEYS": "a-key-for-this-test"}


def values_of_image() -> dict[str, str]:
    pairs = re.findall(r"^ENV (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    return dict(pair.split("=", 1) for line in pairs for pair in line.split())


def values_of_unit() -> dict[str, str]:
    pairs = re.findall(r"^Environment=(.*)$", (DEPLOY / "framehub.service").read_text(), re.MULTILINE)
    return dict(pair.split("=", 1) for pair in pairs)


@pytest.mark.parametrize("values", [values_of_compose, values_of_image, values_of_unit])
def test_the_settings_exist(values, tmp_path):
    env = {name: value for name, value in values().items() if name not in NOT_OURS}
    assert env
    checked = framehub("config", "check", folder=tmp_path, env=env)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    shown = framehub("config", "show", folder=tmp_path, env=env).stdout
    for name in env:
        assert name in shown, f"{name} is the source of no setting:\n{shown}"


def test_a_container_without_a_key_does_not_start():
    key = compose()["services"]["framehub"]["environment"]["API_KEYS"]
    assert key.startswith("${API_KEYS:?"), "compose refuses to start and says what is missing"
    assert compose()["services"]["framehub"]["ports"] == ["127.0.0.1:5000:5000"], "this machine only"


def compiled_in() -> set[str]:
    """Files that the crates name at compile time."""
    named = set()
    for source in (ROOT / "crates").glob("**/*.rs"):
        if "tests" in source.parts or source.name == "tests.rs":
            continue
        for path in re.findall(r'include_(?:bytes|str)!\("([^"]+)"\)', source.read_text()):
            named.add(str((source.parent / path).resolve().relative_to(ROOT)))
    return named


def test_the_build_has_all_that_it_needs():
    """Every manifest of the workspace, and every file that the crates name at compile time, is let through by the ignore
    file."""
    patterns = [
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    members = re.search(r"^members = \[(.*)\]", (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
    manifests = [path for member in re.findall(r'"([^"]+)"', members) for path in ROOT.glob(f"{member}/Cargo.toml")]
    named = {"Cargo.toml", "Cargo.lock"} | {str(path.relative_to(ROOT)) for path in manifests}
    named |= compiled_in()
    for name in named:
        assert any(fnmatch.fnmatch(name, pattern) or name.startswith(pattern + "/") for pattern in patterns), name
    for pattern in patterns:
        assert (ROOT / pattern).exists(), f"{pattern} is no longer there"


def test_a_source_distribution_has_all_that_it_needs(tmp_path):
    command = [sys.executable, "-m", "maturin", "sdist", "--out", tmp_path]
    subprocess.run(
        [*command, "--manifest-path", ROOT / "python/Cargo.toml"], check=True, capture_output=True, timeout=60
    )
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        sizes = {member.name.partition("/")[2]: member.size for member in archive if member.isfile()}
    assert "models/fencer-pose.onnx" in compiled_in()
    for name in compiled_in():
        assert sizes.get(name) == (ROOT / name).stat().st_size, name


def test_the_compiler_is_new_enough():
    wanted = re.search(r'^rust-version = "(\d+)\.(\d+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    image = re.search(r"^FROM rust:(\d+)\.(\d+)-", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert [int(n) for n in image.groups()] >= [int(n) for n in wanted.groups()]


def test_systemd_takes_the_unit(tmp_path):
    analyze = shutil.which("systemd-analyze")
    assert analyze, "install systemd-analyze (Debian's package systemd)"
    text = (DEPLOY / "framehub.service").read_text()
    unit = tmp_path / "framehub.service"
    unit.write_text(text.replace("/usr/local/bin/framehub", str(BINARY)))
    done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    # Each setting may be off once; in sum it stays hardened. 10 is none, 1.6 is what it is now.
    asked = [analyze, "security", "--offline=true", "--threshold=20", "--no-pager", unit]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
