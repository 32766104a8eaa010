"""Nothing that was read, sent or named by others reaches the log, at any level, whatever comes."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Final

import pytest

from carryover.cli.main import main
from support.claude_session import ClaudeSession
from support.daemon_process import COMMAND, DaemonProcess, handoff_of, wait_until
from support.hook_client import HookClient
from support.repository import repository

MARKERS: Final = ("xylophonic", "quixotry", "zephyrous", "jackdaw")
"""Words of transcripts, paths, hook calls and settings."""
TEXT, PATH, CALL, SETTING = MARKERS


@pytest.fixture
def marked(home: Path, transcripts: Path) -> ClaudeSession:
    project = repository(home / f"{PATH}-clients" / f"{PATH}-shop")
    return ClaudeSession(transcripts, project)


def test_no_word_of_a_session_a_path_or_a_call_is_in_the_log(
    marked: ClaudeSession, free_port: None, capsys: pytest.CaptureFixture[str]
) -> None:
    marked.prompt(f"Never use {TEXT}. Write {PATH}.py; {TEXT.upper()}_TOKEN=sk-{TEXT}0123456789abcdef")
    marked.append(marked.call_line("t1", f"cat {PATH}.py; echo {TEXT}"))
    marked.append(marked.result_line("t1", f"{TEXT}: no such file"))
    marked.append(
        f'{{"type": "{TEXT}", "{TEXT}": 1}}\n{TEXT} is no JSON\n'.encode() + b"\xff\xfe" + TEXT.encode() + b"\n"
    )
    marked.answer(f"Done: {TEXT}.")
    with DaemonProcess((*COMMAND, "--log-level", "debug")) as daemon:
        daemon.settle()
        assert TEXT in handoff_of(marked.cwd), "it was read"
        _call_hooks(daemon, marked)
        _ask_oddly(daemon)
        daemon.state.config.write_text(f'[publish]\npointers = "{SETTING}"\n')
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the refusal", lambda: daemon.health()["config_trouble"])
        daemon.settle()
        health = daemon.health()
        daemon.stop()
    log = "".join(path.read_text() for path in daemon.state.root.glob("carryoverd.log*"))

    logged = {line.split()[2] for line in log.splitlines()}
    assert {"source_read", "published", "hook_path_refused", "config_refused"} <= logged
    assert [marker for marker in MARKERS if marker in log.lower()] == []
    assert [part for part in marked.cwd.parts[2:] if part in log] == [], "no part of a path either"
    assert [marker for marker in MARKERS if marker in json.dumps(health["metrics"]).lower()] == []
    capsys.readouterr()
    main(["logs"])
    assert capsys.readouterr().out == log


def _call_hooks(daemon: DaemonProcess, session: ClaudeSession) -> None:
    client = HookClient(daemon.state.socket)
    payload = {
        "session_id": f"{CALL}",
        "transcript_path": str(session.path),
        "cwd": str(session.cwd),
        "hook_event_name": "Stop",
        "last_assistant_message": f"{CALL} it is",
    }
    client.call("Stop", payload)
    client.call("Stop", {**payload, "cwd": f"/home/{CALL}/../{CALL}"})
    client.call("Stop", {**payload, "transcript_path": f"/etc/{CALL}"})
    client.call(CALL, {**payload, "hook_event_name": CALL})
    client.call("SessionStart", {CALL: [CALL]})
    client.call(CALL, {CALL: CALL}, agent=CALL)


def _ask_oddly(daemon: DaemonProcess) -> None:
    client = HookClient(daemon.state.socket)
    for target in (f"/{CALL}", f"/hook/{CALL}", f"/link?old=/{CALL}&new=/{CALL}", f"/unlink?old=/{CALL}"):
        client.ask("POST", target, CALL.encode(), {"X-Odd": CALL})
