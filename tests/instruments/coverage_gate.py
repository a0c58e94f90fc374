"""The coverage gate: how many lines and branches of some packages the unit tests run, and the minimum.

A plugin of pytest, `-p tests.instruments.coverage_gate`. Coverage.py measures in the process of the tests: up to the
end of the collection, which imports the code, and then only while unit tests run. Other tests do not count, and are not
slowed down.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest
from coverage import Coverage
from coverage.exceptions import NoDataError

THRESHOLDS = {
    "app/files": 95.0,
    "app/talk": 95.0,
    "app/turn": 95.0,
    "engine/engines": 95.0,
    "engine/plans": 95.0,
}
"""Per cent of the lines and branches of a package, those of its packages included."""
_ELSEWHERE = (
    "engine/engines/sglang/start.py",
    "engine/engines/vllm/bench.py",
    "engine/engines/vllm/plugin.py",
    "engine/engines/vllm/workarounds.py",
)
"""They run in SGLang's or vLLM's environment, not in that of the unit tests; tests/engine/vllm/ runs vLLM's."""
_IN_ITS_OWN_PROCESS = r"def _main\(\)"
"""Coverage.py follows no process, least of all one that gets none of our environment (app/files/pdf_process.py)."""
_UNIT = "tests/unit"


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begins to measure before any test imports the code."""
    early_config.pluginmanager.register(CoverageGate(early_config.rootpath))


class CoverageGate:
    """Fails the run where a package is below its threshold, and lists what is missing."""

    def __init__(self, root: Path, thresholds: Mapping[str, float] = THRESHOLDS) -> None:
        self._root = root
        self._thresholds = thresholds
        self._reached: dict[str, float] = {}
        self._missing: dict[str, str] = {}
        # None keeps the figures in memory. SQLAlchemy runs code in greenlets, which are switched in mid-call.
        self._coverage = Coverage(
            data_file=None,
            branch=True,
            source=[str(root / package) for package in thresholds],
            concurrency=["thread", "greenlet"],
            config_file=False,
        )
        self._coverage.exclude(_IN_ITS_OWN_PROCESS)
        self._measuring = False
        self._measure(True)

    def pytest_collection_finish(self) -> None:
        """Pauses: everything is imported."""
        self._measure(False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Measures the unit tests."""
        self._measure(item.path.is_relative_to(self._root / _UNIT))
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Compares."""
        self._measure(False)
        for package in self._thresholds:
            self._reached[package], self._missing[package] = self._report(package)
        if self._below() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line for each package, and a table of what is missing for those that are below."""
        terminalreporter.section("coverage by unit tests")
        for package, wanted in self._thresholds.items():
            terminalreporter.line(f"{package:20} {self._reached[package]:6.2f} %, at least {wanted:g} %")
        for package in self._below():
            terminalreporter.line(f"\n{package} is below its threshold:\n{self._missing[package]}", red=True)

    def _measure(self, on: bool) -> None:
        if on != self._measuring:
            (self._coverage.start if on else self._coverage.stop)()
            self._measuring = on

    def _report(self, package: str) -> tuple[float, str]:
        table = io.StringIO()
        try:
            reached = self._coverage.report(
                include=[f"{self._root / package}/*"],
                omit=[str(self._root / file) for file in _ELSEWHERE],
                show_missing=True,
                skip_covered=True,
                file=table,
            )
        except NoDataError:
            reached = 0.0
        return reached, table.getvalue()

    def _below(self) -> list[str]:
        return [package for package, wanted in self._thresholds.items() if self._reached[package] < wanted]
