"""The parts of a handoff are computed once for as long as what they come from stays the same."""

from __future__ import annotations

from msgspec.structs import replace

from carryover.distill.handoff import Handoff
from carryover.distill.header import Answering
from carryover.distill.remembered import remembered
from carryover.distill.render import render, rendered
from carryover.distill.view import Opinion
from carryover.facts import DAY_MS, Facts, GitFacts
from support.conversation import Conversation, handoff, project, worked


def made_of(talk: Conversation, facts: Facts, *, later_ms: int = 0, opinions: tuple[Opinion, ...] = ()) -> Handoff:
    return handoff(talk, facts=facts, later_ms=later_ms, view=replace(project(talk), opinions=opinions), startable=())


def test_the_newest_results_are_kept_for_equal_arguments() -> None:
    asked: list[list[int]] = []

    @remembered(most=2)
    def total(numbers: list[int], *, of: str) -> str:
        asked.append(numbers)
        return f"{of}: {sum(numbers)}"

    assert [total([1, 2], of="a"), total([1, 2], of="a"), total([1, 2], of="b")] == ["a: 3", "a: 3", "b: 3"]
    assert len(asked) == 2
    total([3], of="a")
    assert (total([3], of="a"), total([1, 2], of="a")) == ("a: 3", "a: 3")
    assert len(asked) == 4


def test_what_the_past_tells_is_made_once_whatever_git_and_the_clock_say() -> None:
    talk = worked("remembered")

    before = made_of(talk, Facts(GitFacts(branch="main", head="abc1234")))
    after = made_of(talk, Facts(GitFacts(branch="main", head="def5678"), for_now=True), later_ms=DAY_MS)

    assert after.names is before.names
    assert (after.head, "def5678" in render(after), "def5678" in render(before)) == ("def5678", True, False)


def test_a_line_more_is_told_at_once() -> None:
    talk = worked("grows")
    before = made_of(talk, Facts())
    talk.user("Round down in checkout.py, always.")

    after = made_of(talk, Facts())

    assert "Round down in checkout.py" in render(after)
    assert "Round down in checkout.py" not in render(before)


def test_a_text_from_outside_is_named_for_a_week_though_nothing_else_happens() -> None:
    talk = worked("opinion")
    told = (Opinion(session="note-1", title="Cap the discount", at_ms=talk.at_ms),)

    made = [made_of(talk, Facts(), later_ms=days * DAY_MS, opinions=told) for days in (6, 8, 6)]

    assert ["Cap the discount" in render(one) for one in made] == [True, False, True]


def test_the_lines_of_an_answer_are_chosen_once_for_one_room() -> None:
    made = made_of(worked("answered"), Facts())
    starts = [Answering(situation="new", now_ms=made.updated_ms + after_ms) for after_ms in (5 * 60_000, 6 * 60_000)]

    first, second = (rendered(made, start)[1] for start in starts)

    assert first is second
    assert ["5 min later" in render(made, starts[0]), "6 min later" in render(made, starts[1])] == [True, True]
