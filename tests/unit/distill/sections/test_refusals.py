"""What stays of calls that the user refused."""

from __future__ import annotations

import pytest

from carryover.distill.entry import Rank, fixed_rank
from carryover.distill.render import render
from carryover.model import ResultStatus, ToolResult, TurnEnd
from support.conversation import GOAL, Conversation, handoff, session, under, worked


def text_of(*talks: Conversation) -> str:
    return render(handoff(*talks))


def refusal(subject: str, words: str = "", status: ResultStatus = "denied") -> ToolResult:
    return ToolResult(call_id="c", name="Bash", op="shell", status=status, subject=subject, user_words=words)


def refusal_ranks(talk: Conversation) -> dict[str, Rank | None]:
    """Returns the ranks of the refusals under What the user said, by what was refused."""
    [said] = [section.entries for section in handoff(talk).sections if section.title == "What the user said"]
    refusals = [source for entry in said for source in entry.sources if source.kind == "refusal"]
    return {call: entry.rank for entry in refusals for call in entry.shown.split("`")[1::2]}


def test_what_the_user_refused_stays_whatever_it_is_worth() -> None:
    """Else the next agent does what the user has just refused."""
    talk = worked().user("Commit it.").event(refusal("git add cart.py")).event(TurnEnd(reason="interrupted"))
    for number in range(30):
        talk.user(f"Fill part {number} of docs/MAP{number}.md.").edited(f"docs/MAP{number}.md").says(
            f"Part {number} is filled."
        )

    assert "Refused, not run: `git add cart.py` (turn 2" in under("What the user said", talk)
    assert refusal_ranks(talk)["git add cart.py"] == fixed_rank("refused")
    assert "git add" not in under("Recent files", talk)


def test_a_refused_call_that_ran_later_was_allowed() -> None:
    talk = worked().user("Clean up.")
    for command in ("rm -r a", "git push --force", "rm -r b"):
        talk.event(refusal(command, "Ask first!" if command == "rm -r a" else ""))
    talk.event(refusal("rm -r a", status="ok")).event(refusal("git push", status="ok"))
    talk.event(refusal("rm -r b", status="error")).says("Done.")
    ranks = refusal_ranks(talk)

    assert ranks["rm -r a"] != fixed_rank("refused")
    assert ranks["git push --force"] == ranks["rm -r b"] == fixed_rank("refused")


@pytest.mark.parametrize(("command", "status", "stays"), [("git fetch", "ok", False), ("git fetch", "error", True)])
def test_a_command_that_was_refused_in_one_session_may_have_run_in_the_next(
    command: str, status: ResultStatus, stays: bool
) -> None:
    first = session("s1").user(GOAL).event(refusal("git fetch")).says("Stopped.")
    second = session("s2").user("Again, please, with the branches.")
    second.at_ms = first.at_ms
    second.event(refusal(command, status=status)).edited("cart.py").says("Done.")

    assert ("Refused, not run" in text_of(first, second)) is stays


def test_a_refused_call_that_nothing_names_is_left_out() -> None:
    """A file that begins in the middle of a session has its result alone."""
    lost = ToolResult(call_id="lost", name="", op="other", status="denied")

    assert "Refused" not in text_of(worked().user("Clean up.").event(lost).edited("cart.py").says("Done."))


def test_words_of_a_refusal_that_are_a_prompt_too_are_told_once() -> None:
    words = "Keep the old build, the shop in Vienna runs it!"
    talk = worked().user("Clean up.").event(refusal("rm -r build", words)).user(words).edited("cart.py").says("Kept.")

    assert text_of(talk).count(words) == 1
    assert "Refused, not run: `rm -r build` (turn 2, 3 min earlier); turn 3 says why" in under(
        "What the user said", talk
    )
    talk.event(refusal("rm -r build", status="ok"))
    assert "rm -r build" not in under("What the user said", talk)


def test_only_the_newest_three_refusals_are_fixed() -> None:
    talk = worked()
    for name in ("a", "b", "c", "d", "d", "a"):
        talk.user(f"Now {name}.").event(refusal(f"rm -r {name}"))
    ranks = refusal_ranks(talk)

    assert {subject for subject, rank in ranks.items() if rank == fixed_rank("refused")} == {
        "rm -r a",
        "rm -r c",
        "rm -r d",
    }
