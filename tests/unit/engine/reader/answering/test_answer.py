"""Answers: which lines are quoted, when the transcript is included, and what is said if nothing matches."""

from dataclasses import replace

import pytest

from engine.reader.answering import answer
from engine.reader.answering.markdown import escaped, fenced
from engine.reader.answering.question import understand
from engine.reader.answering.tables import as_csv
from engine.reader.answering.texts import Language, language, say
from engine.reader.reading.read import Reading, Row
from engine.reader.reading.tables import Table


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


TITLE = reading(("A GARDEN OF WORDS", 80), ("Poems from the north", 30), "First edition")


def compose(asked: str, readings: list[Reading], lang: Language, *, follow_up: bool) -> str:
    headings = [say("of_picture", lang, number=number) for number in range(1, len(readings) + 1)]
    return answer.compose(asked, readings, headings, lang, follow_up=follow_up)


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
        "请识别图中的文字", "这张图上有哪些文字?", "描述这张图片", "Which word is this?",
        "What words can you see?", "hello",
    ],
)  # fmt: skip
def test_a_question_for_everything_gets_the_transcript_alone(question: str) -> None:
    assert compose(question, [SIGN], "en", follow_up=False) == "\n".join(["```", *SIGN.texts, "```"])
    if question != "hello":
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
    assert "A vision model such as Kimi-VL can" in text
    assert "KIMI_ENGINE=vllm" not in text
    assert "川味小馆" in text
    assert "只能读取文字" in compose("图中有几只猫?", [reading("hello")], "zh", follow_up=True)


def test_a_picture_without_text_is_an_answer() -> None:
    assert compose("What is the total?", [Reading()], "en", follow_up=False) == "No text was found in the picture."
    assert compose("总价是多少?", [Reading()], "zh", follow_up=True) == "图片中没有找到文字。"


@pytest.mark.parametrize(
    "question",
    [
        "What colour is the car?",
        "How many people are there?",
        "Is there a dog in the picture?",
        "图中有几只猫?",
        "车是什么颜色的?",
    ],
)
def test_what_no_text_answers_gets_one_sentence(question: str) -> None:
    text = compose(question, [RECEIPT], language(question), follow_up=True)
    assert "Kimi-VL" in text
    assert ">" not in text


def test_where_no_line_matches_the_largest_print_is_quoted() -> None:
    text = compose("Why is that so?", [reading(("Kestrel & Sons", 80), "since the flood")], "en", follow_up=True)
    assert text.startswith("No line of text matches")
    assert "> Kestrel & Sons" in text


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What percentage of the battery is left?", "87 % charged"), ("What is the temperature?", "Outside 21 °C"),
        ("Which year was it founded?", "since 1987"), ("净含量是多少?", "净含量 220 ml"),
        ("What is the version?", "v2.4.1"),
    ],
)  # fmt: skip
def test_a_typed_question_chooses_a_value_of_its_type(question: str, expected: str) -> None:
    panel = reading("Power", "87 % charged", "Outside 21 °C", "since 1987", "净含量 220 ml", "v2.4.1", "12 messages")
    assert quotes(question, panel)[0] == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where does the train go to?", "To: Harwich"), ("Where to?", "To: Harwich"),
        ("Where is this train heading?", "To: Harwich"), ("Where does the train come from?", "From: York"),
        ("What is the origin?", "From: York"), ("Where is the station?", "12 Station Road, York"),
        ("这趟车开往哪里?", "到站 上海虹桥"), ("目的地是哪里?", "到站 上海虹桥"), ("从哪里出发?", "始发站 北京南"),
    ],
)  # fmt: skip
def test_where_to_and_where_from_are_not_where(question: str, expected: str) -> None:
    english = reading("From: York", "To: Harwich", "12 Station Road, York", "Coach B")
    chinese = reading("G101 次", "始发站 北京南", "到站 上海虹桥", "检票口 12A")
    assert quotes(question, english if question.isascii() else chinese)[0] == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [("What is the destination?", "Lyon"), ("Where does it leave from?", "Nice Ville"), ("Which seat?", "61")],
)
def test_a_value_stands_below_its_label(question: str, expected: str) -> None:
    assert expected in quotes(question, reading("Departure", "Nice Ville", "Destination", "Lyon", "Seat", "61"))


def test_a_line_from_one_town_to_another_answers_both() -> None:
    for question in ("Where to?", "Where does it come from?"):
        assert quotes(question, reading("Ticket 4411", "York → Harwich", "Second class"))[0] == "York → Harwich"


def test_a_value_is_found_in_the_row_of_a_table() -> None:
    rows = ("Item Stock Price", "Oat milk 12 2.35", "Tea 30 1.20", "Share of tea 71 %")
    table = Table(tuple(tuple(row.rsplit(maxsplit=2)) for row in rows[:3]), 0, 2)
    shelf = replace(reading(*rows), tables=(table,))
    assert quotes("How many oat milk are in stock?", shelf)[0] == "Oat milk 12 2.35"
    assert quotes("How much is the tea?", shelf)[0] == "Tea 30 1.20"
    assert quotes("What percentage is tea?", shelf)[0] == "Share of tea 71 %"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("模型训练之后是什么步骤?", "导出"), ("What comes before the baking?", "Let it rise"),
        ("What is next after kneading?", "Let it rise"),
    ],
)  # fmt: skip
def test_a_question_for_what_comes_after_or_before_gets_the_next_row(question: str, expected: str) -> None:
    steps = reading("数据准备", "模型训练", "导出", "部署", "Kneading", "Let it rise", "Baking")
    assert quotes(question, steps)[0] == expected


def test_pictures_are_compared_by_their_own_quotes() -> None:
    text = compose("What is the total?", [RECEIPT, reading("TOTAL 9.10", "Cash 10.00")], "en", follow_up=True)
    assert text.index("Picture 1:") < text.index("TOTAL 4.26") < text.index("Picture 2:") < text.index("TOTAL 9.10")
    text = compose("What is the phone number?", [RECEIPT, reading("Exit")], "en", follow_up=True)
    assert "No line of text matches" in text[text.index("Picture 2:") :]


STOCK = Table((("Item", "Stock"), ("Tea | green", "12"), ("Milk", "")), 1, 3)
SHELVES = Reading(
    (Row("Our shelves", 40), Row("Item Stock", 20), Row("Tea | green 12", 20), Row("Milk", 20), Row("Thanks", 20)),
    (STOCK,), lines=8, confidence=0.99,
)  # fmt: skip


@pytest.mark.parametrize(
    "question",
    [
        "Parse the complete table and output it in Markdown table format.",
        "as markdown please",
        "提取图中的表格",
        "把表格转换成 Markdown",
    ],
)
def test_a_table_becomes_markdown(question: str) -> None:
    expected = "| Item | Stock |\n| --- | --- |\n| Tea \\| green | 12 |\n| Milk |  |"
    assert compose(question, [SHELVES], "en", follow_up=True) == expected


def test_a_table_becomes_csv() -> None:
    assert compose("Give me the table as CSV", [SHELVES], "en", follow_up=True) == (
        "```csv\nItem,Stock\nTea | green,12\nMilk,\n```"
    )


@pytest.mark.parametrize("cell", ["=SUM(A1:A9)", "@cmd", "+cmd|' /C calc'!A0", "-2+3", "-A1"])
def test_a_cell_like_a_formula_is_text_to_a_spreadsheet(cell: str) -> None:
    assert as_csv(Table((("Item", "Stock"), (cell, "1")), 0, 1)).splitlines()[2] in {f"'{cell},1", f'"\'{cell}",1'}


@pytest.mark.parametrize("cell", ["-5", "+3.20", "-1,204.50", "-$5.00", "-3 %", "-", "+1e-7", "a=b", "−5"])
def test_a_number_with_a_sign_stays_a_number(cell: str) -> None:
    assert "'" not in as_csv(Table((("Item", "Stock"), (cell, "1")), 0, 1))


def test_a_question_about_a_table_is_no_question_for_it() -> None:
    assert quotes("What is the title of the table?", SHELVES)[0] == "Our shelves"
    assert quotes("What is in the second column?", SHELVES) == ["Stock | 12"]
    assert "No table was found" in compose("Turn the table into Markdown", [SIGN], "en", follow_up=True)


def test_the_columns_of_a_table_stand_below_each_other_in_the_transcript() -> None:
    assert compose("Read it all", [SHELVES], "en", follow_up=False).splitlines() == [
        "```", "Our shelves", "Item         Stock", "Tea | green  12", "Milk", "Thanks", "```",
    ]  # fmt: skip


def test_a_long_transcript_below_a_quote_is_marked_so_that_the_page_folds_it() -> None:
    long = reading("TOTAL 4.26", *(f"line {number}" for number in range(30)))
    text = compose("What is the total?", [long], "en", follow_up=False)
    assert text.index("> TOTAL 4.26") < text.index("```transcript\nTOTAL 4.26\nline 0\n")
    for asked, picture in (("Read it all", long), ("What is the total?", RECEIPT)):
        assert "```transcript" not in compose(asked, [picture], "en", follow_up=False)


def test_code_keeps_its_indentation_in_the_transcript() -> None:
    code = Reading((Row("def f():", 20), Row("return 1", 20, indent=4)), lines=2, confidence=0.99)
    assert compose("Read it all", [code], "en", follow_up=False) == "```\ndef f():\n    return 1\n```"


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


@pytest.mark.parametrize(
    ("question", "picture", "weak"),
    [
        ("Who wrote it?", TITLE, True),
        ("作者是谁？", TITLE, True),
        ("Who wrote it?", reading(("A GARDEN OF WORDS", 80), "by Anna Berg"), False),
        ("What is the title?", TITLE, False),
        ("What is the total?", RECEIPT, False),
    ],
)
def test_an_answer_that_rests_on_large_print_alone_says_so(question: str, picture: Reading, weak: bool) -> None:
    lang = language(question)
    text = compose(question, [picture], lang, follow_up=False)
    assert text.startswith(say("weak_match", lang)) == weak
    assert "> " in text
