"""For all tests: Chainlit keeps its files out of the project's folder."""

from __future__ import annotations

import os
import tempfile

import hypothesis
import pytest

from tests.instruments.coverage_gate import MEASURED

# Read when chainlit is imported, so set before any test module is.
os.environ["CHAINLIT_APP_ROOT"] = tempfile.mkdtemp(prefix="kimi-chainlit-")
os.environ["CHAINLIT_AUTH_SECRET"] = "a secret of the tests, long enough for HMAC"
os.environ["CHAINLIT_ENV_FILE"] = os.devnull
# In a fresh checkout the first text takes seconds: Hypothesis makes its tables of Unicode then.
hypothesis.settings.register_profile("busy", suppress_health_check=[hypothesis.HealthCheck.too_slow], deadline=None)
hypothesis.settings.load_profile("busy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long` adds the tests that take many minutes."""
    parser.addoption("--long", action="store_true", help="run the tests marked long, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skips the long ones, unless they are requested, and gives all but the unit tests one second try.

    Coverage is paused for tests that do not count for its gate.
    mypy comes first: without its cache it takes a minute, in which the other core does the rest.
    They start servers, engines and browsers, which two busy cores can delay by any time. What fails twice has failed.
    The summary lists each test that was run again, with the reason.
    """
    for item in items:
        if "tests/unit" not in item.path.as_posix():
            item.add_marker(pytest.mark.flaky(reruns=1))
        if not item.nodeid.startswith(MEASURED):
            item.add_marker("no_cover")
    items.sort(key=lambda item: not item.nodeid.startswith("tests/unit/test_code.py"))
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)
