"""A hub with a simulator behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests

from support.hub import Hub
from support.simulator import QUICK, Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as started:
        yield started


@pytest.fixture
def hub(start_hub: Callable[..., Hub], simulator: Simulator) -> Hub:
    return start_hub(*QUICK, *simulator.settings)


@pytest.fixture
def create(hub: Hub) -> Callable[..., dict]:
    """Makes a session: `create(robotId="7")["sessionId"]`."""

    def make(**request: object) -> dict:
        response = requests.post(hub.url + "/session/create", json=request, timeout=30)
        assert response.status_code == 200, response.text
        return response.json()

    return make
