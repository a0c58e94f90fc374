"""Turns become the messages of a request."""

import pytest

from app.talk.conversation import Answer, Conversation, Picture, Turn, to_messages, to_prefix
from app.talk.parts import Part, Reasoning, Text
from engine.formats.moments import frame_name
from engine.reasoning_tags import Kind, Piece
from tests.instruments.answers import parts_of

PHOTO = Picture("/w/uploads/t/a b.png", "a b.png", 10, 20)
MARKS = ("◁think▷", "◁/think▷")


def url(picture: Picture) -> str:
    return f"url of {picture.name}"


def test_a_turn_with_a_picture_and_its_answer_without_its_reasoning() -> None:
    turns = [
        Turn("1", "What is this?", [PHOTO], [Answer(parts_of("hm", "A sign."))], 0),
        Turn("2", "And now?"),
    ]
    assert to_messages(turns, "Be brief.", url) == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "url of a b.png"}},
                {"type": "text", "text": "What is this?"},
            ],
        },
        {"role": "assistant", "content": "A sign."},
        {"role": "user", "content": "And now?"},
    ]


def test_the_frames_of_a_video_are_pictures_after_their_times() -> None:
    frames = [Picture(f"/{n}.jpg", frame_name("clip.mp4", seconds), 64, 36) for n, seconds in enumerate((0, 12))]
    [message] = to_messages([Turn("1", "What happens?", frames)], "", url)
    assert [part.get("text") for part in message["content"]] == [
        "Frame at 0:00:",
        None,
        "Frame at 0:12:",
        None,
        "What happens?",
    ]


def test_a_picture_without_words_is_sent_without_an_empty_text() -> None:
    [message] = to_messages([Turn("1", " ", [PHOTO])], "", url)
    assert [part["type"] for part in message["content"]] == ["image_url"]


def test_several_pictures_are_named_in_their_order_for_engines_that_understand_it() -> None:
    other = Picture("/w/uploads/t/b.png", "r.pdf (2)<|im_end|>", 10, 20)
    turns = [Turn("1", "Which is older?", [PHOTO, other])]
    [message] = to_messages(turns, "", url)
    assert [part["type"] for part in message["content"]] == ["image_url", "image_url", "text"]
    words = message["content"][-1]["text"]
    assert words.startswith("Pictures, in this order: 1. a b.png; 2. r.pdf (2)")
    assert words.endswith("\n\nWhich is older?")
    assert "<|im_end|>" not in words
    [message] = to_messages(turns, "", url, named=False)
    assert message["content"][-1]["text"] == "Which is older?"


def test_only_the_chosen_answer_is_sent_and_none_of_the_last_question() -> None:
    turns = [
        Turn("1", "q", answers=[Answer(parts_of(text="first")), Answer(parts_of(text="second"))], chosen=0),
        Turn("2", "r", answers=[Answer(parts_of(text="to be regenerated"))], chosen=0),
    ]
    assert [m["content"] for m in to_messages(turns, "", url)] == ["q", "first", "r"]


def test_an_answer_that_never_began_is_left_out() -> None:
    turns = [Turn("1", "q", answers=[Answer(parts_of("hm"), ending="stopped")], chosen=0), Turn("2", "r")]
    assert [m["role"] for m in to_messages(turns, "", url)] == ["user", "user"]


def test_what_people_type_cannot_end_a_message_or_open_a_think_block() -> None:
    turns = [Turn("1", "x<|im_end|>", answers=[Answer(parts_of(text="say ◁think▷"))], chosen=0), Turn("2", "y [EOS]")]
    sent = str(to_messages(turns, "z <|im_system|>", url))
    assert not any(control in sent for control in ("<|im_end|>", "◁think▷", "[EOS]", "<|im_system|>"))


def test_an_answer_keeps_the_order_of_its_parts() -> None:
    answer = Answer()
    assert answer.empty
    for kind, words in [
        (Kind.REASONING, "so "), (Kind.REASONING, "it"), (Kind.ANSWER, "A "), (Kind.ANSWER, "sign"),
        (Kind.REASONING, "or"), (Kind.ANSWER, "."),
    ]:  # fmt: skip
        answer.add(Piece(kind, words))
    assert answer.parts == [Reasoning("so it"), Text("A sign"), Reasoning("or"), Text(".")]
    assert (answer.reasoning, answer.text, answer.empty) == ("so itor", "A sign.", False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], []),
        ([Text("so")], [Reasoning("so")]),
        ([Reasoning("so"), Text(" it")], [Reasoning("so it")]),
        ([Reasoning("so")], [Reasoning("so")]),
        ([Text("A"), Reasoning("so"), Text(" it")], [Text("A"), Reasoning("so it")]),
    ],
)
def test_text_that_turns_out_to_be_reasoning(before: list[Part], after: list[Part]) -> None:
    answer = Answer(before)
    answer.add(Piece(Kind.RETRACT, ""))
    assert answer.parts == after


@pytest.mark.parametrize(
    ("answer", "marks", "prefix"),
    [
        (Answer(parts_of("so", "yes")), MARKS, "◁think▷so◁/think▷yes"),
        (Answer(parts_of("so")), MARKS, "◁think▷so"),
        (Answer(parts_of(text="yes")), MARKS, "yes"),
        (Answer(parts_of("so", "yes")), None, "yes"),
    ],
)
def test_the_prefix_of_an_answer_to_be_continued(answer: Answer, marks: tuple[str, str] | None, prefix: str) -> None:
    assert to_prefix(answer, marks) == {"role": "assistant", "content": prefix}


def test_an_edited_question_makes_what_came_after_it_go() -> None:
    conversation = Conversation()
    for name in "abc":
        assert conversation.ask(Turn(name, name)) == []
    assert [turn.id for turn in conversation.ask(Turn("b", "changed"))] == ["b", "c"]
    assert [turn.text for turn in conversation.turns] == ["a", "changed"]
    assert [turn.id for turn in conversation.until("a")] == ["a"]


def branches() -> Conversation:
    """Turns a → b → c, where b was then edited into b2, and after that d was asked."""
    conversation = Conversation()
    for at, turn in enumerate(
        [Turn("a", "a"), Turn("b", "b"), Turn("c", "c"), Turn("b2", "B", page_id="b"), Turn("d", "d")]
    ):
        turn.asked = at
        conversation.ask(turn)
    return conversation


def test_an_edited_question_leaves_its_branch_aside() -> None:
    conversation = branches()
    assert [turn.id for turn in conversation.turns] == ["a", "b2", "d"]
    assert [turn.id for turn in conversation.aside] == ["b", "c"]
    assert [[other.id for other in conversation.versions(turn)] for turn in conversation.turns] == [
        ["a"], ["b", "b2"], ["d"],
    ]  # fmt: skip


def test_a_branch_is_shown_again_down_to_its_latest_question() -> None:
    conversation = branches()
    conversation.switch("b")
    assert [turn.id for turn in conversation.turns] == ["a", "b", "c"]
    assert {turn.id for turn in conversation.aside} == {"b2", "d"}
    conversation.ask(Turn("e", "e"))
    conversation.switch("b2")
    assert [turn.id for turn in conversation.turns] == ["a", "b2", "d"]
    conversation.switch("b")
    assert [turn.id for turn in conversation.turns] == ["a", "b", "c", "e"]


def test_a_clock_set_back_leaves_the_versions_of_a_question_in_their_order() -> None:
    conversation = Conversation()
    first, edited = Turn("1", "q", page_id="p", asked=2000.0), Turn("2", "r", page_id="p", asked=1000.0)
    conversation.ask(first)
    conversation.ask(edited)
    assert [conversation.place(turn) for turn in (first, edited)] == [(1, 2), (2, 2)]


def test_the_places_of_many_turns_are_those_of_each_of_them() -> None:
    conversation = Conversation()
    for n in range(4):
        conversation.ask(Turn(f"t{n}", f"q{n}", page_id=f"p{n}"))
    conversation.ask(Turn("t1b", "other", page_id="p1"))
    conversation.ask(Turn("t2b", "below it", page_id="p2b"))
    conversation.switch("t1")
    assert [turn.id for turn in conversation.turns] == ["t0", "t1", "t2", "t3"]
    for turns in (conversation.turns, conversation.aside, conversation.turns[1:2], []):
        assert conversation.places(turns) == {turn.id: conversation.place(turn) for turn in turns}
    assert conversation.places(conversation.turns)["t1"] == (1, 2)


def test_the_branch_of_a_turn_goes_down_to_the_question_that_was_asked_last() -> None:
    turns = [
        Turn("a", "", asked=1.0),
        Turn("b", "", parent="a", asked=2.0),
        Turn("c", "", parent="a", asked=4.0),
        Turn("d", "", parent="c", asked=5.0),
        Turn("e", "", parent="b", asked=6.0),
    ]
    conversation = Conversation(aside=turns)
    conversation.switch("a")
    assert [turn.id for turn in conversation.turns] == ["a", "c", "d"]
    assert [turn.id for turn in conversation.aside] == ["b", "e"]
    conversation.switch("b")
    assert [turn.id for turn in conversation.turns] == ["a", "b", "e"]
