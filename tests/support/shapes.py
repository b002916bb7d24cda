"""Compares an answer with an example of it: the same names, the same JSON types, at any depth."""

from __future__ import annotations

import datetime


def assert_shape(actual: object, example: object, where: str = "answer") -> None:
    """Fields may be added; none may be missing, or of another type. A float may come as a whole number."""
    if isinstance(example, dict):
        assert isinstance(actual, dict), f"{where} is {actual!r}, not an object"
        for name, value in example.items():
            assert name in actual, f"{where} has no '{name}': {actual}"
            assert_shape(actual[name], value, f"{where}.{name}")
    elif isinstance(example, list):
        assert isinstance(actual, list), f"{where} is {actual!r}, not a list"
        for index, item in enumerate(actual):
            assert_shape(item, example[0], f"{where}[{index}]")
    elif isinstance(example, bool) or not isinstance(example, float):
        assert type(actual) is type(example), f"{where} is {actual!r}, not like {example!r}"
    else:
        assert isinstance(actual, (int, float)) and not isinstance(actual, bool), f"{where} is {actual!r}"


def assert_error(response: object, status: int, code: str) -> str:
    """The refusal's status, its stable code, and a message for people, which is returned."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    body = response.json()
    assert body["code"] == code, body
    assert isinstance(body["error"], str) and len(body["error"]) > 10, body
    return body["error"]


def is_recent(text: str) -> bool:
    """RFC 3339 with a zone, and not long ago: what Python's and JavaScript's own parsers read."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return abs((datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()) < 120
