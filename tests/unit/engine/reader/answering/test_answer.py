"""Answers: which lines are quoted, when the transcript is included, and what is said if nothing matches."""

import pytest

from engine.reader.answering.answer import compose, escaped, fenced
from engine.reader.answering.question import understand
from engine.reader.answering.texts import language
from engine.reader.reading.read import Reading, Row


def reading(*rows: str | tuple[str, float]) -> Reading:
    made = tuple(Row(row, 20) if isinstance(row, str) else Row(*row) for row in rows)
    return Reading(made, lines=len(made), confidence=0.99)


RECEIPT = reading(
    ("GREEN LEAF MARKET", 30), "12 Mill Road, Cambridge", "Tel 01223 555 0142", "Date 2026-03-14 17:42", "Bananas 1.20",
    "Oat milk 2.35", "Subtotal 3.55", "VAT 0.71", "TOTAL 4.26", "Cash 5.00", "Change 0.74", "hello@greenleaf.example",
)  # fmt: skip
SIGN = reading(
    ("川味小馆", 110),
    ("SICHUAN KITCHEN", 40),
    ("营业时间 10:00-22:00", 30),
    ("订餐电话 028-8765 4321", 30),
    "人民南路 18号",
)


def quotes(question: str, *readings: Reading) -> list[str]:
    text = compose(question, list(readings), "en", follow_up=False)
    return [line[2:].strip() for line in text.splitlines() if line.startswith("> ")]


@pytest.mark.parametrize(
    ("question", "picture", "expected"),
    [
        ("What is the total?", RECEIPT, "TOTAL 4.26"),
        ("How much did the oat milk cost?", RECEIPT, "Oat milk 2.35"),
        ("When was this bought?", RECEIPT, "Date 2026-03-14 17:42"),
        ("What is the phone number?", RECEIPT, "Tel 01223 555 0142"),
        ("Where is the shop?", RECEIPT, "12 Mill Road, Cambridge"),
        ("What is the email address?", RECEIPT, "hello@greenleaf.example"),
        ("What is the name of the store?", RECEIPT, "GREEN LEAF MARKET"),
        ("总价是多少?", RECEIPT, "TOTAL 4.26"),
        ("图中店铺名称是什么?", SIGN, "川味小馆"),
        ("What is the name of the restaurant in English?", SIGN, "SICHUAN KITCHEN"),
        ("电话是多少?", SIGN, "订餐电话 028-8765 4321"),
        ("What are the opening hours?", SIGN, "营业时间 10:00-22:00"),
        ("地址在哪里?", SIGN, "人民南路 18号"),
    ],
)
def test_the_line_that_answers_comes_first(question: str, picture: Reading, expected: str) -> None:
    assert quotes(question, picture)[0] == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does the second line say?", "12 Mill Road, Cambridge"), ("第三行写的是什么?", "Tel 01223 555 0142"),
        ("Read the 1st row", "GREEN LEAF MARKET"), ("最后一行是什么?", "hello@greenleaf.example"),
    ],
)  # fmt: skip
def test_a_row_can_be_named_by_its_number(question: str, expected: str) -> None:
    assert quotes(question, RECEIPT) == [expected]


def test_a_row_beyond_the_end_is_looked_for_by_its_words() -> None:
    assert quotes("Is the total on the ninth line?", reading("TOTAL 4.26")) == ["TOTAL 4.26"]


def test_a_misread_or_bent_word_is_found_as_well() -> None:
    assert (
        quotes("Which animal jumped?", reading("The dog jumps high", "It is a cat", "Rain falls"))[0]
        == "The dog jumps high"
    )


def test_a_value_below_its_label_is_found() -> None:
    assert "Ada Lovelace" in quotes(
        "Who is the passenger?", reading("PASSENGER", "Ada Lovelace", "GATE", "B 12", "SEAT", "4 C")
    )


def test_at_most_three_lines_a_picture_are_quoted() -> None:
    many = reading(*(f"apple {number}" for number in range(9)))
    assert len(quotes("Which apple is it?", many)) == 3
    assert len(quotes("Which apple is it?", many, many)) == 6


def test_the_transcript_follows_the_quotes() -> None:
    text = compose("What is the total?", [RECEIPT], "en", follow_up=False)
    assert text.startswith("> TOTAL 4.26")
    assert text.endswith("\n".join(["```", *RECEIPT.texts, "```"]))


@pytest.mark.parametrize(
    "question",
    [
        "", "  ", "Read all the text in the image.", "What does it say?", "What does the sign say?", "transcribe this",
        "Extract the text.", "What is written here?", "Describe this picture.", "读出图中所有文字", "图片里写了什么?",
        "请识别图中的文字", "这张图上有哪些文字?", "描述这张图片",
    ],
)  # fmt: skip
def test_a_question_for_everything_gets_the_transcript_alone(question: str) -> None:
    assert compose(question, [SIGN], "en", follow_up=False) == "\n".join(["```", *SIGN.texts, "```"])
    assert compose(question, [SIGN], "en", follow_up=True) == "\n".join(["```", *SIGN.texts, "```"])


@pytest.mark.parametrize(
    "question", ["Read the total.", "What does the date say?", "What is written as the phone number?"]
)
def test_a_question_for_one_thing_is_none_for_everything(question: str) -> None:
    assert not understand(question).everything


def test_a_follow_up_quotes_from_all_pictures_and_prints_no_transcript() -> None:
    text = compose("What is the phone number?", [RECEIPT, SIGN], "en", follow_up=True)
    assert "01223" in text
    assert "028-8765" in text
    assert "Picture 2:" in text
    assert "```" not in text


def test_where_nothing_matches_it_says_what_this_engine_is_and_shows_the_text() -> None:
    text = compose("Is the cat asleep?", [SIGN], "en", follow_up=False)
    assert "reads text only" in text
    assert "KIMI_ENGINE=vllm" in text
    assert "川味小馆" in text
    assert "只能读取文字" in compose("图中有几只猫?", [reading("hello")], "zh", follow_up=True)


def test_a_picture_without_text_is_an_answer() -> None:
    assert compose("What is the total?", [Reading()], "en", follow_up=False) == "No text was found in the picture."
    assert compose("总价是多少?", [Reading()], "zh", follow_up=True) == "图片中没有找到文字。"


def test_script_that_cannot_be_read_is_named() -> None:
    foreign = Reading((Row("CCCP", 20),), lines=1, confidence=0.4, unread=5)
    assert "Cyrillic" in compose("Read it all", [foreign], "en", follow_up=False)
    assert "Cyrillic" not in compose("Read it all", [SIGN], "en", follow_up=False)


def test_a_reading_out_of_time_says_so() -> None:
    assert "60 s" in compose("Read it all", [Reading(seconds_over=60)], "en", follow_up=False)


def test_a_fence_is_longer_than_those_in_the_text() -> None:
    assert fenced(["a", "```", "b"]) == "````\na\n```\nb\n````"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a *b* c", r"a \*b\* c"), ("# 5", r"\# 5"), ("- item", r"\- item"), ("3. Oats", r"3\. Oats"), ("3.50", "3.50"),
        ("a_b_c", "a_b_c"), ("_a_", r"\_a\_"), ("<20", r"\<20"), ("YM-X-3011", "YM-X-3011"), ("key:value", "key:value"),
    ],
)  # fmt: skip
def test_text_that_looks_like_markdown_stays_text(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("question", "spoken"), [("价格?", "zh"), ("What does 川味 mean?", "zh"), ("Total?", "en"), ("", "en")]
)
def test_the_answer_is_in_the_language_of_the_question(question: str, spoken: str) -> None:
    assert language(question) == spoken
