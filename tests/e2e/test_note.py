"""A note while a daemon runs: it stores it, and publishes the handoff that names it."""

from __future__ import annotations

from pathlib import Path

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.forked import carryover


def test_a_note_is_in_the_handoff_of_its_project_at_once(
    running: DaemonProcess, session: ClaudeSession, project: Path
) -> None:
    session.prompt("Add a zebra page")
    session.answer("Done. Next I will link it.")
    running.settle()

    done = carryover("note", "--from", "chatgpt", "--project", str(project), input="Link it from the menu.\n")

    assert "Recorded as note-" in done.stdout
    wait_until("the handoff", lambda: "Second opinion from ChatGPT: Link it from the menu." in handoff_of(project))
    assert [path for path in running.state.root.rglob("*") if "note-" in path.name] == []
