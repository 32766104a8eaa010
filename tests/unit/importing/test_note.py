from __future__ import annotations

from pathlib import Path

from carryover.agents import agent_ids
from carryover.importing.document import open_document
from carryover.importing.note import Note, encoded
from carryover.importing.survey import survey
from carryover.model import NOTE, AssistantMessage, SessionInfo
from support.specstory import events_of

GIVEN = Note(session="note-1", at_ms=5, root="/home/dev/shop", title="Second opinion", text='Cap it: "100"\n第二')


def test_a_note_becomes_a_session_of_no_agent(tmp_path: Path) -> None:
    path = tmp_path / "n.json"
    path.write_bytes(encoded(GIVEN))
    document = open_document(path)

    events = events_of(document)
    assert (document.agent.id, document.form) == (NOTE, "a note")
    assert NOTE not in agent_ids()
    assert [event.body for event in events] == [
        SessionInfo(title="Second opinion"),
        AssistantMessage(text='Cap it: "100"\n第二', final=True),
    ]
    assert {(event.session, event.at_ms, event.cwd) for event in events} == {("note-1", 5, "/home/dev/shop")}
    assert survey(document).prompts == 0


def test_one_that_is_damaged_is_counted_and_not_fatal(tmp_path: Path) -> None:
    path = tmp_path / "n.json"
    path.write_bytes(encoded(GIVEN)[:-30] + b"\n")

    assert survey(open_document(path)).skipped == 1
