"""`carryover import` of any file: what can be read of it, or a sentence that says why nothing can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from carryover.actions.importing import survey_file
from carryover.agents import agent_ids
from carryover.errors import UserError
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from carryover.importing.notes import Note, encoded
from carryover.importing.report import survey_document
from carryover.model import AssistantMessage
from support.specstory import FOLDER, events_of

AGENTS: Final = Path(__file__).parents[2] / "agents"
TRANSCRIPTS: Final = sorted(
    path for path in AGENTS.glob("*/fixtures/*/*/**/*.[jm][sd]*") if path.stat().st_size < 20_000
)
ODD: Final = {"tool_call_id": "c2", "extra": {"edits": [1]}}
TRAJECTORY: Final = json.dumps(
    {
        "schema_version": "ATIF-v1.7",
        "steps": [
            {"step_id": 1, "source": "user", "message": "Add a discount", "timestamp": "2026-11-20T06:19:25.000Z"},
            {
                "step_id": 2,
                "source": "agent",
                "message": [{"type": "text", "text": "I will."}],
                "tool_calls": [{"tool_call_id": "c1", "function_name": "Bash", "arguments": {"command": "make"}}, ODD],
                "observation": {"results": [{"source_call_id": "c1", "content": "ok"}]},
            },
        ],
    },
    indent=1,
)
OTHER_CHATS: Final = Path(__file__).parents[1] / "faces" / "cli" / "chats"
CHATS: Final = (*(path.read_text() for place in (FOLDER, OTHER_CHATS) for path in sorted(place.iterdir())), TRAJECTORY)
NOTE: Final = encoded(Note(session="note-1", at_ms=5, root="/home/dev/shop", title="Second opinion", text="Cap it"))
DAMAGE: Final = st.tuples(st.integers(0, 1 << 30), st.integers(0, 600), st.binary(max_size=40))
"""Where, modulo the size, how many bytes are replaced, and what by."""
NAMES: Final = st.sampled_from(("a.md", "a.json", "a.jsonl", "a.db", "state.vscdb", "store.db"))
LINES: Final = st.sampled_from(sorted({line for chat in CHATS for line in chat.splitlines()})) | st.text(max_size=20)


def imported(path: Path, content: bytes, agent: str | None = None) -> int:
    """How many events would be imported from a file; 0 if the user is told that it can't be. Nothing is stored."""
    path.write_bytes(content)
    try:
        _, report = survey_file(Candidate(path, project=str(path.parent), agent_id=agent))
    except UserError as error:
        assert "Traceback" not in str(error)
        return 0
    assert report.events >= report.prompts >= 0
    return report.events


@given(content=st.binary(max_size=2000), name=NAMES, agent=st.none() | st.sampled_from(sorted(agent_ids())))
def test_any_bytes_are_a_conversation_or_refused(content: bytes, name: str, agent: str | None, tmp_path: Path) -> None:
    imported(tmp_path / name, content, agent)


@given(
    chat=st.sampled_from(CHATS),
    changes=st.lists(DAMAGE, min_size=1, max_size=5),
    more=st.lists(LINES, max_size=12),
    crlf=st.booleans(),
)
def test_any_damage_to_a_chat_costs_at_most_that_chat(
    chat: str, changes: list[tuple[int, int, bytes]], more: list[str], crlf: bool, tmp_path: Path
) -> None:
    content = "\n".join([*chat.split("\n")[:3], *more, *chat.split("\n")[3:]]).encode("utf-8", "surrogatepass")
    if crlf:
        content = content.replace(b"\n", b"\r\n")

    imported(tmp_path / "a.md", content, "cursor")
    imported(tmp_path / "a.md", damaged(content, changes), "cursor")


@given(at=st.integers(-1, len(TRANSCRIPTS) - 1), changes=st.lists(DAMAGE, max_size=5))
def test_any_damage_to_a_transcript_or_a_note_costs_at_most_that_one(
    at: int, changes: list[tuple[int, int, bytes]], tmp_path: Path
) -> None:
    if at >= 0:
        imported(tmp_path / TRANSCRIPTS[at].name, damaged(TRANSCRIPTS[at].read_bytes(), changes))
        return
    path = tmp_path / "note.json"
    path.write_bytes(NOTE[:20] + damaged(NOTE[20:], changes))
    assert survey_document(open_document(Candidate(path, own_folder=tmp_path))).events in (0, 2)


@given(text=st.text(max_size=300), title=st.text(max_size=50))
def test_a_note_holds_any_text_as_it_is(text: str, title: str, tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    path.write_bytes(encoded(Note(session="note-1", at_ms=5, root="/home/dev/shop", title=title, text=text)))

    events = events_of(open_document(Candidate(path, own_folder=tmp_path)))
    assert AssistantMessage(text=text, final=True) in [event.body for event in events]


def test_what_is_damaged_here_can_be_imported(tmp_path: Path) -> None:
    """Else the tests above would prove nothing."""
    whole = [imported(tmp_path / "a.md", chat.encode(), "cursor") for chat in CHATS]

    assert [number for number in whole if not number] == []
    (tmp_path / "note.json").write_bytes(NOTE)
    assert survey_document(open_document(Candidate(tmp_path / "note.json", own_folder=tmp_path))).events == 2
    assert sum(imported(tmp_path / path.name, path.read_bytes()) > 0 for path in TRANSCRIPTS) > 50


def damaged(content: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for at, length, other in changes:
        start = at % (len(content) + 1)
        content = content[:start] + other + content[start + length :]
    return content
