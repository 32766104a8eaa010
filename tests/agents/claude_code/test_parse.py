"""Records as a whole: what they become, how they are told apart, and what is taken from them for the next."""

from __future__ import annotations

import pytest

from agents.claude_code.session import ID, START_MS, Session
from carryover.model import (
    AgentSummary,
    AssistantMessage,
    SessionInfo,
    TurnEnd,
)


@pytest.mark.parametrize(
    ("text", "resets"),
    [
        ("API Error: Request rejected (429) · This request would exceed your account's rate limit.", None),
        ('API Error: 429 {"type":"error","error":{"type":"rate_limit_error"}}', None),
        ("5-hour limit reached ∙ resets 3pm", "3pm"),
        ("Weekly limit reached", None),
        ("You've hit your session limit · resets 3pm (Europe/Amsterdam)", "3pm (Europe/Amsterdam)"),
        ("Claude AI usage limit reached|1795154400", "2026-11-20T06:00:00Z"),
    ],
)
def test_limits_end_the_turn_as_limits(text: str, resets: str | None) -> None:
    assert Session().says(text, model="<synthetic>") == [TurnEnd(reason="limit", message=text, resets=resets)]


@pytest.mark.parametrize(
    ("stop", "final"),
    [
        ("end_turn", True),
        ("stop_sequence", True),
        ("refusal", True),
        ("tool_use", False),
        ("max_tokens", None),
        (None, None),
    ],
)
def test_an_answer_is_final_only_where_the_client_says_so(stop: str | None, final: bool | None) -> None:
    assert Session().says("Done.", stop=stop) == [AssistantMessage(text="Done.", final=final)]


def test_a_recap_for_the_absent_user_is_evidence() -> None:
    text = "Goal: the grant. Next action: the budget. (disable recaps in /config)"

    assert Session().record("system", subtype="away_summary", content=text) == [
        AgentSummary(text="Goal: the grant. Next action: the budget.", source="away")
    ]


def test_the_name_the_user_gave_wins_over_those_the_model_makes_up() -> None:
    transcript = Session()
    bare = {"uuid": None, "timestamp": None, "cwd": None, "version": None}
    transcript.record("ai-title", aiTitle="Early", **bare)
    transcript.user("Begin")
    transcript.record("ai-title", aiTitle="Guess", **bare)
    transcript.record("ai-title", aiTitle="Guess", **bare)
    transcript.record("custom-title", customTitle="Discount work", **bare)
    transcript.record("ai-title", aiTitle="Guess again", **bare)

    assert [info.title for info in transcript.infos] == ["Early", "Guess", "Discount work"]
    assert {event.at_ms for event in transcript.events} == {START_MS + 2000}


def test_a_branched_record_keeps_the_identity_of_the_one_it_copies() -> None:
    """`forkedFrom` names the parent session and the record (read about, in no recording)."""
    parent = Session()
    parent.user("Begin", uuid="u-parent")
    branch = Session()
    branch.user("Begin", uuid="u-copy", sessionId="s2", forkedFrom={"sessionId": ID, "messageUuid": "u-parent"})

    assert branch.events[-1].key == parent.events[-1].key
    assert branch.infos == [SessionInfo(agent_version="2.1.328", parent=ID)]
