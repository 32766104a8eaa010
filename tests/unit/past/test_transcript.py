"""The handoff of one transcript alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from carryover.errors import ExitCode, UserError
from carryover.past.transcript import handoff_of_transcript, view_of_transcript
from support.claude_session import ClaudeSession


@pytest.fixture
def transcript(session: ClaudeSession) -> Path:
    session.work("Add a discount function").work("Round it to cents")
    return session.path


def test_a_transcript_gives_its_handoff_wherever_it_lies_and_as_of_one_of_its_lines(
    transcript: Path, tmp_path: Path
) -> None:
    whole, before = (handoff_of_transcript(transcript, None, until).text for until in (None, 2))

    assert "Round it to cents" in whole
    assert "Round it to cents" not in before and "Add a discount function" in before
    assert "\n## Conversation\n" in handoff_of_transcript(transcript, None, None, 8_000).text
    assert "\n## Conversation\n" not in whole
    moved = tmp_path / transcript.name
    moved.write_bytes(transcript.read_bytes())
    assert handoff_of_transcript(moved, None, None).text == whole


def test_the_newest_events_are_given_as_many_as_are_asked_for(transcript: Path, shop: Path) -> None:
    agent, view, events = view_of_transcript(transcript, "claude-code", None, 2)

    assert view is not None
    assert (agent.id, view.root, len(events)) == ("claude-code", str(shop), 2)
    assert view_of_transcript(transcript, None, 0)[1] is None


def records(transcript: Path, change: dict[str, object], without: str = "") -> Path:
    """A copy of the transcript with other fields."""
    copy = transcript.with_name("copy.jsonl")
    lines = [json.loads(line) | change for line in transcript.read_text().splitlines()]
    copy.write_text("".join(json.dumps({k: v for k, v in line.items() if k != without}) + "\n" for line in lines))
    return copy


def test_without_a_working_folder_that_of_the_file_is_the_project(transcript: Path) -> None:
    copy = records(transcript, {}, without="cwd")

    _, view, _ = view_of_transcript(copy, None, None)
    assert view is not None
    assert (view.root, view.checkouts) == (str(copy.parent), ("", "C:", "D:"))
    assert "Round it to cents" in handoff_of_transcript(copy, None, None).text


def test_the_work_of_a_sub_agents_own_file_is_handed_over(transcript: Path) -> None:
    copy = records(transcript, {"isSidechain": True, "agentId": "a1"})

    made = handoff_of_transcript(copy, None, None).text
    assert "I wrote discount()." in made
    assert "- Asked by another agent, “its parent” (turn 0): Add a discount function" in made
    assert "- Asked by another agent, “its parent, unless the user wrote to it” (turn 0): Round it to cents" in made
    assert "Prompt" not in made and "What the user said" not in made


def test_what_cannot_be_handed_over_is_said(transcript: Path, tmp_path: Path) -> None:
    gone, other = tmp_path / "gone.jsonl", tmp_path / "other.txt"
    other.write_text("a shopping list\n")
    for path, agent, until, code, said in (
        (gone, None, None, ExitCode.NOTHING_FOUND, f"There is no file {gone}."),
        (Path(os.devnull), None, None, ExitCode.NOTHING_FOUND, "/dev/null is not a regular file."),
        (tmp_path, None, None, ExitCode.NOTHING_FOUND, f"{tmp_path} is a folder. Name one transcript in it, or an"),
        (other, None, None, ExitCode.NOTHING_FOUND, f"No agent that Carryover knows wrote {other}"),
        (transcript, None, 0, ExitCode.NOTHING_FOUND, f"{transcript} holds nothing up to line 0 that can be"),
        (other, "claude-code", None, ExitCode.NOTHING_FOUND, f"{other} holds nothing that can be handed over."),
        (other, "walrus", None, ExitCode.USAGE, "This version of Carryover can't read transcripts of walrus yet."),
    ):
        with pytest.raises(UserError) as raised:
            handoff_of_transcript(path, agent, until)

        assert str(raised.value).startswith(said)
        assert raised.value.code == code


def test_what_wrote_a_chat_of_no_agents_form_has_a_name_in_it(tmp_path: Path) -> None:
    """It is no agent that is known, so no list of agents has its name."""
    chat = tmp_path / "chat.json"
    said = [{"role": "user", "content": "Add a discount"}, {"role": "assistant", "content": "The discount is added."}]
    chat.write_text(json.dumps({"messages": said}))

    made = handoff_of_transcript(chat, None, None, 8_000)

    assert (made.agent, made.agent_name) == ("assistant", "Assistant")
    assert "Assistant's last words" in made.text and "assistant's" not in made.text
