from __future__ import annotations

from carryover.distill.sections.limit import LASTS_MS, Limit, command, limit_line, standing_limit
from carryover.model import ToolCall, TurnEnd
from support.conversation import MINUTE_MS, START_MS, Conversation, project

ALL = ("claude-code", "codex", "cursor")
REACHED = TurnEnd(reason="limit", message="5-hour limit reached ∙ resets 3pm")


def limited(**more: str | int) -> Conversation:
    talk = Conversation(**more).user("Add a discount to the cart")  # type: ignore[arg-type]
    return talk.says("I am at it.", final=False).event(REACHED)


def test_the_newest_work_that_ended_at_a_limit_says_which_agent_when_and_who_could_continue() -> None:
    talk = limited()

    assert standing_limit(project(talk), ALL) == Limit(
        agent="claude-code", at_ms=talk.at_ms, resets="3pm", others=("codex", "cursor")
    )


def test_work_that_was_not_limited_has_none() -> None:
    talk = Conversation().user("Add a discount to the cart")

    assert standing_limit(project(talk), ALL) is None
    assert standing_limit(project(talk.event(TurnEnd(reason="interrupted"))), ALL) is None
    assert standing_limit(project(), ALL) is None


def test_it_is_gone_once_the_same_session_continues() -> None:
    assert standing_limit(project(limited().user("go on")), ALL) is None
    assert standing_limit(project(limited().says("Here I am again.", final=False)), ALL) is None
    again = limited().event(ToolCall(call_id="c", name="Bash", op="shell", subject="pytest"))
    assert standing_limit(project(again), ALL) is None


def test_it_is_gone_once_any_session_continues() -> None:
    first = limited()
    second = Conversation(session="s0", agent="codex", at_ms=first.at_ms).user("continue")

    assert standing_limit(project(first, second), ALL) is None


def test_a_prompt_that_meets_the_limit_again_leaves_it_standing() -> None:
    talk = limited().user("go on").event(REACHED)

    limit = standing_limit(project(talk), ALL)

    assert limit is not None
    assert limit.at_ms == talk.at_ms


def test_an_agent_that_stopped_at_a_limit_of_its_own_is_not_offered() -> None:
    first = limited(session="s1", agent="codex")
    second = limited(session="s2", agent="claude-code", at_ms=first.at_ms)
    long_after = limited(session="s3", agent="claude-code", at_ms=first.at_ms + LASTS_MS)

    both, later = standing_limit(project(first, second), ALL), standing_limit(project(first, long_after), ALL)

    assert both is not None and later is not None
    assert (both.agent, both.others) == ("claude-code", ("cursor",))
    assert later.others == ("codex", "cursor")


def test_of_two_at_the_same_moment_it_is_always_the_same_one() -> None:
    one = limited(session="s1", agent="claude-code")
    two = limited(session="s2", agent="codex")

    found = {
        limit.agent
        for view in (project(one, two), project(two, one))
        if (limit := standing_limit(view, ALL)) is not None
    }

    assert found == {"codex"}


def test_the_line_names_the_agent_the_time_and_the_command_for_the_user() -> None:
    limit = Limit(agent="claude-code", at_ms=START_MS, resets="3pm", others=("codex",))

    assert limit_line(limit, "Claude Code") == (
        "Claude Code reached its usage limit; it resets 3pm; "
        "for the user: `carryover handoff --to codex` goes on elsewhere"
    )


def test_the_line_leaves_out_what_is_not_known() -> None:
    at_ms = START_MS + MINUTE_MS

    assert limit_line(Limit(agent="codex", at_ms=at_ms, resets="8:05 AM"), "Codex") == (
        "Codex reached its usage limit; it resets 8:05 AM"
    )
    assert limit_line(Limit(agent="codex", at_ms=at_ms, others=("claude-code", "cursor")), "Codex") == (
        "Codex reached its usage limit; "
        "for the user: `carryover handoff --to claude-code` (or cursor) goes on elsewhere"
    )
    assert limit_line(Limit(agent="codex", at_ms=at_ms), "Codex") is None


def test_the_command_names_the_agent_by_its_id() -> None:
    assert command("claude-code") == "carryover handoff --to claude-code"
