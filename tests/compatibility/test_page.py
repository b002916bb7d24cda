"""docs/ref/compatibility.md and the tests beside this one: each quotes a promise, and each promise is quoted."""

import ast
import re
from pathlib import Path

from support.hub import ROOT


def plain(text: str) -> str:
    return " ".join(text.split())


PAGE = (ROOT / "docs" / "ref" / "compatibility.md").read_text()
#: The sentences under each 'Works as before'.
PROMISES = [
    plain(line.removeprefix("- "))
    for block in re.findall(r"Works as before:\n\n((?:- .*\n)+)", PAGE)
    for line in block.splitlines()
]


def quotations() -> dict[str, list[str]]:
    """The promises that each test's docstring quotes. An apostrophe inside a quotation stands between letters."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        if file == Path(__file__):
            continue
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                docstring = plain(ast.get_docstring(node) or "")
                found[f"{file.name}::{node.name}"] = re.findall(r"(?<!\w)'(.+?)'(?!\w)", docstring)
    return found


def test_each_test_quotes_a_promise():
    page = plain(PAGE)
    for test, quoted in quotations().items():
        assert quoted, f"{test}: its docstring quotes the sentence that it holds"
        for promise in quoted:
            assert promise in page, f"{test} quotes what the page does not say: {promise}"


def test_each_promise_is_held():
    assert len(PROMISES) > 40
    quoted = [promise for promises in quotations().values() for promise in promises]
    for promise in PROMISES:
        assert any(quotation in promise for quotation in quoted), f"no test holds: {promise}"
