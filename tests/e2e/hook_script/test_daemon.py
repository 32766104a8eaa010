"""The hook_script and the real daemon: what a session is told while the daemon runs, and after it has stopped."""

import json
import stat
from pathlib import Path

from agents.cursor.contract_case import payload as cursor_payload
from support.claude_session import ClaudeSession
from support.codex_session import CodexSession
from support.daemon_process import DaemonProcess, differ_in, handoff_of
from support.hook_script import QUIET, HookScript, payload


def starting(session: ClaudeSession, source: str) -> bytes:
    return payload(source, session_id=session.session, transcript_path=str(session.path), cwd=str(session.cwd))


DONE = "I added it to cart.py and will wire it into checkout.py next."
WHOLE = ("Add a discount function", DONE, "Now: ", "branch main, no commit yet")
"""Parts of an answer that was made just now from everything that the session wrote and from what git says."""


def body(text: str) -> str:
    """The handoff below its head."""
    return text[text.index("## Task") :]


def test_a_session_is_informed_of_the_last_one_with_the_daemon_and_without(
    running: DaemonProcess, session: ClaudeSession, transcripts: Path, project: Path, home: Path
) -> None:
    session.prompt("Add a discount function")
    session.answer(DONE)
    hook_script = HookScript(running.state, home)
    new = ClaudeSession(transcripts, project)

    asked = hook_script.told("SessionStart", starting(new, "startup"), project, *WHOLE)
    assert (asked.err, asked.code) == ("", 0)
    assert hook_script.said("SessionStart", starting(session, "resume"), project) == QUIET
    running.settle()
    assert running.stop()[0] == 0

    stood_in = hook_script.told("SessionStart", starting(new, "startup"), project, *WHOLE)
    assert differ_in(body(stood_in.out), body(asked.out)) == []
    assert (stood_in.err, stood_in.code) == ("", 0)
    assert hook_script.said("SessionStart", starting(session, "resume"), project) == QUIET
    assert hook_script.said("Stop", starting(new, "startup"), project) == QUIET


def test_the_daemon_puts_a_script_back_that_was_changed(running: DaemonProcess) -> None:
    script = running.state.root / "hook.sh"
    right = script.read_bytes()
    running.stop()
    script.write_bytes(b"#!/bin/sh\nexit 1\n")
    script.chmod(0o644)

    with running:
        running.health()
    assert (script.read_bytes(), stat.S_IMODE(script.stat().st_mode)) == (right, 0o700)


def test_other_agents_are_informed_of_it_in_their_own_forms_with_the_daemon_and_without(
    running: DaemonProcess, session: ClaudeSession, project: Path, home: Path
) -> None:
    session.prompt("Add a discount function")
    session.answer(DONE)
    running.settle()
    thread = CodexSession(home / ".codex", project)
    codex, cursor = (HookScript(running.state, home, agent=agent) for agent in ("codex", "cursor"))

    def reported() -> list[str]:
        start = json.dumps(thread.payload("SessionStart", source="startup")).encode()
        window = cursor_payload("sessionStart", workspace_roots=[str(project)], transcript_path=None).data
        said = [
            codex.told("SessionStart", start, project, *WHOLE),
            cursor.told("sessionStart", window, home / ".carryover", *WHOLE),
        ]
        assert [(run.err, run.code) for run in said] == [("", 0)] * 2
        return [
            json.loads(said[0].out)["hookSpecificOutput"]["additionalContext"],
            json.loads(said[1].out)["additional_context"],
        ]

    asked = reported()
    running.stop()
    stood_in = reported()

    written = body(handoff_of(project)).replace("when this was written: ", "")
    assert [differ_in(body(text), written) for text in (*asked, *stood_in)] == [[]] * 4
