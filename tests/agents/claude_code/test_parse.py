"""Records as a whole: what they become, how they are told apart, and what is taken from them for the next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.claude_code.contract_case import session
from agents.claude_code.session import ID, START_MS, Session
from carryover.agents.claude_code.adapter import AGENT
from carryover.model import (
    AgentSummary,
    AssistantMessage,
    SessionInfo,
    TurnEnd,
)
from contract.case import moved, read_on, source_at


def replayed(path: Path) -> list[bytes]:
    """The conversation of a transcript as 2.0.28 and 2.1.11 write it again after a resume: with new uuids."""
    copies = []
    for line in path.read_bytes().splitlines():
        value = json.loads(line)
        if value["type"] in ("user", "assistant", "system", "attachment"):
            value["uuid"] = f"again-{value['uuid']}"
            value["parentUuid"] = None
            value.pop("isApiErrorMessage", None)
            copies.append(json.dumps(value).encode())
    return copies


@pytest.mark.parametrize("number", [1, 10, 11, 12, 13])
def test_a_replay_of_the_whole_conversation_adds_nothing(number: int, tmp_path: Path) -> None:
    """Old turns stand in the file again with the same time and content under new uuids (2.0.28, 2.1.11)."""
    recording = session(number)
    path = tmp_path / recording.path.name
    path.write_bytes(b"\n".join([*recording.path.read_bytes().splitlines(), *replayed(recording.path), b""]))

    once = read_on(AGENT, source_at(AGENT, recording))
    twice = read_on(AGENT, moved(source_at(AGENT, recording), path))

    new = twice.events[len(once.events) :]
    known = {event.secondary_key for event in once.events}
    assert [event.body for event in new if event.secondary_key not in known] == []
    assert len(new) > 3
    assert (twice.context.facts, twice.context.tasks) == (once.context.facts, once.context.tasks)


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


def test_a_compaction_summary_is_evidence_with_its_trigger_and_no_prompt() -> None:
    transcript = Session()
    transcript.record("system", subtype="compact_boundary", compactMetadata={"trigger": "auto"})
    text = (
        "Continued.\n\n<system-reminder>\nBash\n</system-reminder>\nSummary:\nThe user wants a discount.\n\n"
        "If you need specific details from before compaction, read the transcript.\n"
        "Continue the conversation from where it left off without asking the user any further questions."
    )

    first = transcript.user(text, isCompactSummary=True, isVisibleInTranscriptOnly=True)
    second = transcript.user("Another.", isCompactSummary=True)

    assert first == [AgentSummary(text="The user wants a discount.", source="compaction", trigger="auto")]
    assert second == [AgentSummary(text="Another.", source="compaction")]


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
