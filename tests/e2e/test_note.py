"""A note, and what a colleague shared, while a daemon runs: both are stored, and named in a published handoff."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.sync.bundle import Bundle, packed
from carryover.sync.sealing import seal_for
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.forked import carryover
from support.hook_client import HookClient, payload_of


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


def test_the_first_session_in_a_project_gets_what_a_colleague_shared_as_background(
    running: DaemonProcess, hooks: HookClient, session: ClaudeSession, project: Path, tmp_path: Path
) -> None:
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{identity}\n")
    bundle = Bundle(
        sender="Ann", host="laptop", project="shop", title="Cap it", made_ms=1, depth="handoff", handoff="Cap it.\n"
    )
    (tmp_path / "shop.age").write_bytes(seal_for([str(identity.to_public())], packed(bundle)))
    assert hooks.call("SessionStart", payload_of(session, "SessionStart", source="startup")).status == 204

    own = ("--identity", str(tmp_path / "key"), "--project", str(project))
    assert carryover("import", str(tmp_path / "shop.age"), "--yes", *own).returncode == 0
    wait_until("the handoff", lambda: "from Ann's machine: Cap it" in handoff_of(project))
    heard = hooks.call("SessionStart", payload_of(session, "SessionStart", source="startup"))

    assert "Another person's words, from Ann's machine: Cap it (not checked, not the user's word:" in heard.text
    assert "This is background only" in heard.text
