"""How well the reader reads pictures that it was not tuned to, through its API."""

from functools import partial

import pytest

from tests.instruments.pictures.collection import cases
from tests.ocr.measuring import Result, Score, measure
from tests.ocr.reader import ask, running_reader

# Reserved for this test: to work on the reader, use pictures of other seeds (`python -m tests.ocr --seed 1`).
SEED = 9


# A picture costs about two seconds on two cores.
@pytest.fixture(scope="module", params=[pytest.param(3, id="third"), pytest.param(1, id="all", marks=pytest.mark.long)])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    with running_reader(tmp_path_factory.mktemp("uploads")) as url:
        return [measure(case, partial(ask, url)) for case in cases(SEED, request.param)]


def _report(results: list[Result]) -> str:
    rows = sorted(results, key=lambda result: result.characters)
    lines = [f"{r.case.name}: {r.characters:.3f}, {sum(r.read)}/{sum(r.quoted)}/{len(r.read)}" for r in rows]
    return "\n".join([str(Score.of(results)), *lines])


def test_it_reads_the_characters(results: list[Result]) -> None:
    assert Score.of(results).characters >= 0.92, _report(results)


def test_answers_are_in_the_transcript(results: list[Result]) -> None:
    assert Score.of(results).read >= 0.95, _report(results)


def test_answers_are_in_the_three_quoted_lines(results: list[Result]) -> None:
    assert Score.of(results).quoted >= 0.75, _report(results)


def test_no_kind_of_picture_is_left_out(results: list[Result]) -> None:
    # A good mean can hide a kind of picture of which nothing is read.
    kinds = {result.case.name.split("-")[0] for result in results}
    read = {kind: Score.of(r for r in results if r.case.name.startswith(f"{kind}-")).characters for kind in kinds}
    assert {kind: share for kind, share in read.items() if share < 0.7} == {}
