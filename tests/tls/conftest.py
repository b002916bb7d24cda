"""A hub that speaks HTTPS with a certificate made for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import certificates
from support.certificates import Pair
from support.hub import Hub


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def hub(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder: Path = tmp_path_factory.mktemp("hub")
    with Hub(folder, *pair.settings) as started:
        started.verify = str(pair.certificate)
        yield started
