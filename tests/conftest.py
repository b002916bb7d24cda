"""Fixtures of all end-to-end tests: hubs, a browser, and their logs beside a failure."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.browser import ARGUMENTS, executable
from support.hub import ROOT, Hub
from support.waiting import PATIENCE

#: Screenshots for people to look at; ignored by git.
OUTPUT = ROOT / "test-output"

# A shell that runs the tests in the background has them ignore Ctrl-C, and so would every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

_numbers = itertools.count()
_running: list[Hub] = []


def _start(tmp_path_factory: pytest.TempPathFactory, *settings: str, **kwargs: object) -> Hub:
    hub = Hub(tmp_path_factory.mktemp(f"hub{next(_numbers)}"), *settings, **kwargs)
    _running.append(hub)
    return hub.start()


def _stop(hub: Hub) -> None:
    hub.stop()
    _running.remove(hub)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub for all tests of a file; each test uses stream names of its own."""
    started = _start(tmp_path_factory)
    yield started
    _stop(started)


@pytest.fixture
def start_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Hub]]:
    """Starts hubs for one test: `start_hub("streams.max_concurrent=2", env={…})`."""
    hubs: list[Hub] = []

    def start(*settings: str, **kwargs: object) -> Hub:
        hubs.append(_start(tmp_path_factory, *settings, **kwargs))
        return hubs[-1]

    yield start
    for started in hubs:
        _stop(started)


@pytest.fixture
def stream(request: pytest.FixtureRequest) -> str:
    """A stream name that no other test uses."""
    return f"{request.node.originalname[:48]}_{next(_numbers)}"


expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Launched without a profile folder, the browser makes a fresh one and removes it.
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS, timeout=2 * PATIENCE * 1000)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a profile of its own; uncaught errors of its scripts fail the test."""
    # Lights that breathe would be drawn sixty times a second.
    context = chromium.new_context(viewport={"width": 1000, "height": 720}, reduced_motion="reduce")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, f"errors in the page's scripts: {errors}"


@pytest.fixture
def output() -> Path:
    OUTPUT.mkdir(exist_ok=True)
    return OUTPUT


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for running in _running:
            report.sections.append((f"stderr of the hub at {running.url}", running.stderr()[-6000:]))
