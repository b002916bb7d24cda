"""Checks the licence of every crate in the tree against the list in deny.toml, for machines without cargo-deny.

Licence expressions are SPDX: `OR` is a choice, `AND` an obligation, `WITH` an exception that only widens the grant.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    deny = tomllib.loads((ROOT / "deny.toml").read_text())
    allowed = set(deny["licenses"]["allow"])
    # Who may bring a banned crate in all the same is for cargo-deny to check.
    banned = {entry["crate"] for entry in deny["bans"]["deny"] if "wrappers" not in entry}
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    packages = [p for p in json.loads(metadata.stdout)["packages"] if p["source"] is not None]
    problems = [
        f"{p['name']} {p['version']}: licence {p['license']!r} is not in deny.toml"
        for p in packages
        if not is_allowed(p["license"] or "", allowed)
    ]
    problems += [f"{p['name']} {p['version']}: banned in deny.toml" for p in packages if p["name"] in banned]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print(f"licences: {len(packages)} crates, {len(problems)} problems")
    return 1 if problems else 0


def is_allowed(expression: str, allowed: set[str]) -> bool:
    # An old form of OR that some crates still carry.
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    if not tokens:
        return False
    value, rest = _either(tokens, allowed)
    return value and not rest


def _either(tokens: list[str], allowed: set[str]) -> tuple[bool, list[str]]:
    value, tokens = _both(tokens, allowed)
    while tokens and tokens[0] == "OR":
        right, tokens = _both(tokens[1:], allowed)
        value = value or right
    return value, tokens


def _both(tokens: list[str], allowed: set[str]) -> tuple[bool, list[str]]:
    value, tokens = _one(tokens, allowed)
    while tokens and tokens[0] == "AND":
        right, tokens = _one(tokens[1:], allowed)
        value = value and right
    return value, tokens


def _one(tokens: list[str], allowed: set[str]) -> tuple[bool, list[str]]:
    first, tokens = tokens[0], tokens[1:]
    if first == "(":
        value, tokens = _either(tokens, allowed)
        return value, tokens[1:]
    if tokens and tokens[0] == "WITH":
        tokens = tokens[2:]
    return first in allowed, tokens


if __name__ == "__main__":
    sys.exit(main())
