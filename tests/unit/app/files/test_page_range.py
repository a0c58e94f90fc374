"""Which pages a question names."""

import time

import pytest

from app.files.page_range import PageRange, named_pages


@pytest.mark.parametrize(
    ("question", "pages"),
    [
        ("What is on pages 21–40?", (21, 40)),
        ("Pages 21 to 40, please", (21, 40)),
        ("pages 2 and 3", (2, 3)),
        ("see p. 7", (7, 7)),
        ("pp. 7-9", (7, 9)),
        ("Page 12 says what?", (12, 12)),
        ("第21到40页讲了什么", (21, 40)),
        ("第 21 页至第 40 页", (21, 40)),
        ("请看第7页", (7, 7)),
    ],
)
def test_pages_are_named_in_many_ways(question: str, pages: tuple[int, int]) -> None:
    assert named_pages(question) == PageRange(*pages)


@pytest.mark.parametrize(
    "question",
    ["", "page", "What is on this page?", "pages 9–3", "page 0", "pages 123456", "webpage7", "这一页", "共 40 页"],
)
def test_what_names_no_pages(question: str) -> None:
    assert named_pages(question) is None


def test_white_space_takes_no_time() -> None:
    began = time.process_time()
    assert named_pages("第1" + " " * 100_000 + "x") is None
    assert named_pages("pages 1" + " " * 100_000 + "x") == PageRange(1, 1)
    assert time.process_time() - began < 1
