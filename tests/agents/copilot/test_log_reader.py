"""Logs that are replaced, and what lies beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agents.copilot.contract_case import FIXTURES
from agents.copilot.reading import begun, of, read
from agents.copilot.session import CopilotSession
from carryover.agents.copilot.adapter import AGENT
from carryover.model import AssistantMessage, SessionInfo, UserPrompt
from contract.case import Reading, read_on

WORKSPACES = Path(__file__).parent / "recorded_workspaces"
REWIND = FIXTURES.parent / "recorded_rewind"


@pytest.fixture
def session(tmp_path: Path) -> CopilotSession:
    return begun(tmp_path)


def prompts(reading: Reading) -> list[str]:
    return [prompt.text for prompt in of(reading.events, UserPrompt)]


def replace(session: CopilotSession, lines: list[bytes]) -> None:
    """As the client does it: a new file takes the place of the old one."""
    fresh = session.path.with_suffix(".new")
    fresh.write_bytes(b"".join(lines))
    fresh.rename(session.path)


def test_a_recorded_rewind_takes_back_the_turn(tmp_path: Path) -> None:
    ident = json.loads((REWIND / "before.jsonl").read_text().splitlines()[0])["data"]["sessionId"]
    log = tmp_path / "session-state" / ident / "events.jsonl"
    log.parent.mkdir(parents=True)
    source = AGENT.source_of(log, tmp_path / "session-state")
    assert source is not None
    shutil.copy(REWIND / "before.jsonl", log)
    before = read_on(AGENT, source)
    told_before = prompts(before)
    log.unlink()
    shutil.copy(REWIND / "after.jsonl", log)
    after = read_on(AGENT, source, before)

    assert [text.split()[0] for text in told_before] == ["first", "second"]
    assert [text.split()[0] for text in prompts(after)] == ["first", "third"]
    assert [message.text for message in of(after.events, AssistantMessage)] == ["one", "three"]
    assert after.skipped == []


@pytest.mark.parametrize("content", [b"", b"\x00" * 500, b'{"type": "user.message"}\n'])
def test_a_file_that_holds_something_else_takes_nothing_back(session: CopilotSession, content: bytes) -> None:
    session.say("Done.")
    before = read(session)
    replace(session, [content])
    after = read(session, before)

    assert prompts(after) == ["Fix the price."]


def test_the_name_of_a_session_is_its_title(session: CopilotSession) -> None:
    shutil.copy(WORKSPACES / "1.0.102.yaml", session.path.with_name("workspace.yaml"))
    before = read(session)
    session.path.with_name("workspace.yaml").write_text("name: 'Prices that don''t round'\nclient_name: github/cli\n")
    after = read(session, before)

    titles = [info.title for info in of(after.events, SessionInfo) if info.title]
    assert titles[0].startswith("Interactive question one.")
    assert titles[1:] == ["Prices that don't round"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('name: "Ein \\u00c4pfel"\n', "Ein Äpfel"),
        ("name: 5\n", None),
        ('name: "torn\n', None),
        ("\x00\xff", None),
    ],
)
def test_a_name_in_a_form_that_is_not_read_is_none(session: CopilotSession, text: str, title: str | None) -> None:
    session.path.with_name("workspace.yaml").write_text(text)

    assert of(read(session).events, SessionInfo)[0].title == title


def test_a_change_beside_the_log_is_one_of_the_session(session: CopilotSession) -> None:
    root = session.home / "session-state"

    assert AGENT.source_of(session.path.with_name("workspace.yaml"), root) == AGENT.source_of(session.path, root)
