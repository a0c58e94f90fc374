"""The instrument that fails a run whose unit tests cover too little."""

from __future__ import annotations

from pathlib import Path

import pytest
from coverage import Coverage

from tests.instruments.coverage_gate import compare

_SIGN = """
def sign(number):
    if number > 0:
        return 1
    return -1
"""


@pytest.mark.parametrize(("ran", "status"), [([5], 1), ([5, -5], 0), ([], 1)])
def test_a_package_below_its_threshold_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ran: list[int], status: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signs").mkdir()
    (tmp_path / "signs" / "sign.py").write_text(_SIGN)
    names: dict[str, object] = {}
    coverage = Coverage(branch=True, config_file=False)
    with coverage.collect():
        exec(compile(_SIGN, str(tmp_path / "signs" / "sign.py"), "exec"), names)
        for number in ran:
            names["sign"](number)  # type: ignore[operator]
    coverage.save()
    assert compare({"signs": 80.0}) == status
    said = capsys.readouterr().out
    assert ("100.00 %, at least 80 %" in said) == (status == 0)
    assert ("signs is below its threshold" in said) == (status == 1)
