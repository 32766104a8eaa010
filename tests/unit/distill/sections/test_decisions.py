from __future__ import annotations

from carryover.distill.sections.decisions import decision_entries
from carryover.distill.sections.entry import Entry
from carryover.distill.view import Note
from carryover.distill.work.state import Item, Line
from support.conversation import Conversation


def rule(text: str, *, weight: float = 1.5, turn: int = 1) -> Item:
    return Item(text=text, at_ms=turn, session="s1", turn=turn, rule="requirement in the user's words", weight=weight)


def note(text: str, *, weight: int = 3, at_ms: int = 1) -> Note:
    return Note(kind="decision", text=text, at_ms=at_ms, weight=weight)


def texts(line: Line, others: tuple[Line, ...] = (), notes: tuple[Note, ...] = ()) -> list[str]:
    return [entry.text for entry in decision_entries(line, others, notes)]


def numbered(count: int) -> tuple[Item, ...]:
    return tuple(rule(f"{n}. rule of the line", turn=n) for n in range(count))


def test_the_rules_of_the_line_come_first_newest_first_with_their_turn() -> None:
    line = Line(id="s1:1", rules=(rule("label the loaves", turn=1), rule("weigh the flour", turn=2)))

    assert decision_entries(line, (), ()) == [
        Entry(text="weigh the flour", rule="requirement in the user's words", session="s1", turn=2, at_ms=2),
        Entry(text="label the loaves", rule="requirement in the user's words", session="s1", turn=1, at_ms=1),
    ]


def test_lasting_rules_of_the_project_come_after_the_newest_five_heaviest_and_newest_first() -> None:
    line = Line(id="s1:1", rules=numbered(6))
    notes = (note("a light one", weight=2), note("an old one", at_ms=3), note("a new one", at_ms=5))

    assert texts(line, (), notes) == [
        *(f"{n}. rule of the line" for n in (5, 4, 3, 2, 1)),
        "a new one",
        "an old one",
        "a light one",
        "0. rule of the line",
    ]


def test_of_the_projects_rules_four_are_shown_and_nine_lines_in_all() -> None:
    notes = tuple(note(f"{n}. rule of the project", at_ms=n) for n in range(6))

    assert texts(Line(id="s1:1"), (), notes) == [f"{n}. rule of the project" for n in (5, 4, 3, 2)]
    assert len(texts(Line(id="s1:1", rules=numbered(14)), (), notes)) == 9


def test_of_other_lines_only_what_weighs_is_shown_three_at_most() -> None:
    other = Line(id="s2:1", rules=(rule("a preference", weight=1.0), *numbered(5)))

    assert texts(Line(id="s1:1"), (other,)) == [f"{n}. rule of the line" for n in (4, 3, 2)]


def test_steps_of_progress_are_no_decisions() -> None:
    done = Note(kind="progress", text="the oven was built", at_ms=1)

    assert texts(Line(id="s1:1"), (), (done,)) == []


def test_what_was_said_twice_is_shown_once_where_it_came_first() -> None:
    line = Line(id="s1:1", rules=(rule("Never push to main."), rule("Weigh the flour.", turn=2)))

    assert texts(line, (), (note("Never push to main."),)) == ["Weigh the flour.", "Never push to main."]
    assert [entry.turn for entry in decision_entries(line, (), (note("Weigh the flour."),))] == [2, 1]


def test_what_the_task_shows_already_is_left_out() -> None:
    talk = Conversation().user("Build the cart. Never use floats for money.")

    assert texts(talk.line, (), tuple(talk.notes)) == []


def test_a_rule_far_into_a_long_goal_is_shown() -> None:
    talk = Conversation().user(f"Build the cart{' with a handle' * 30}. Never use floats for money.")

    assert texts(talk.line, (), tuple(talk.notes)) == ["Never use floats for money."]


def test_a_rule_outlives_the_turns_that_follow_it() -> None:
    talk = Conversation().user("Build the shop in `shop.py`").user("Never touch the schema of the Orders table.")
    for number in range(30):
        talk.user(f"now please build page number {number} of the shop").edited("shop.py").says("It is built.")

    assert texts(talk.line, (), tuple(talk.notes)) == ["Never touch the schema of the Orders table."]


def test_a_later_rule_about_the_same_things_takes_the_place_of_an_earlier_one() -> None:
    talk = Conversation().user("Build the shop in `shop.py` with a till and a cart, and with a door.").says("Built.")
    talk.user("The price in `till.py` should be rounded down to five cents.").edited("till.py").says("It is.")
    talk.user("The price in `till.py` should be rounded up to five cents.").edited("till.py").says("It is.")

    assert [item.text for item in talk.line.rules] == ["The price in `till.py` should be rounded up to five cents."]
