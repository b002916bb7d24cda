"""The pages of this repository: their links lead to files and headings, and the paths and packages that they name exist."""

import re
import subprocess

import pytest

from support.hub import ROOT

PAGES = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    here = ROOT / page
    for link in re.findall(r"\]\(([^)\s]+)\)", here.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (here.parent / path).resolve() if path else here
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("page", PAGES)
def test_paths_and_packages_exist(page):
    text = (ROOT / page).read_text()
    for path in re.findall(r"`((?:crates|deploy|docs|examples|models|python|tests)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    manifests = "".join(file.read_text() for file in (ROOT / "crates").glob("*/Cargo.toml"))
    for package in re.findall(r"-p (framehub[\w-]*)", text):
        assert f'name = "{package}"' in manifests, package


#: Where an error gets its code: an arm of `code()`, or a refusal made in place.
CODE = re.compile(
    r'(?:=>\s*|new\(\s*(?:[\w:]+,\s*)?|bad_request\(\s*|coded\(\s*|too_often\(\s*|code\\":\\")"?([A-Z]+(?:_[A-Z0-9]+)+)\\?"'
)


def test_every_error_code_is_listed():
    listed = (ROOT / "docs/ref/api.md").read_text() + (ROOT / "docs/guide/uploads.md").read_text()
    codes: dict[str, str] = {}
    for source in (ROOT / "crates").glob("*/src/**/*.rs"):
        # Of the server, the commands and Python's types, these texts are names of variables and settings.
        if "tests" in source.parts or source.name == "tests.rs" or {"server", "cli", "py"} & set(source.parts):
            continue
        text = source.read_text().split("#[cfg(test)]")[0]
        codes |= dict.fromkeys(CODE.findall(text), str(source.relative_to(ROOT)))
    assert len(codes) > 100 and "TLS_REQUIRED" in codes, "the pattern fits no more"
    assert {code: where for code, where in codes.items() if f"`{code}`" not in listed} == {}
