"""What a starting session gets while no daemon answers, and that all that the user has said holds at that time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from agents.codex.contract_case import payload as codex_payload
from agents.cursor.contract_case import payload as cursor_payload
from agents.gemini_cli.contract_case import payload as gemini_payload
from agents.qwen_code.contract_case import payload as qwen_payload
from carryover.daemon.hooks.call import Refused
from carryover.daemon.hooks.without_daemon import answer_hook
from carryover.errors import UserError
from carryover.paths import StateDir
from contract.case import LEFT_OUT
from support.claude_session import ClaudeSession
from support.hook_script import payload as claude_payload
from support.repository import repository
from support.shop_in_ledger import ReadIn, read_in, session, shop

__all__ = ["read_in", "session", "shop"]

TASK: Final = "Add a discount function"
Asked = Callable[..., str]


@pytest.fixture
def now(session: ClaudeSession, read_in: ReadIn) -> datetime:
    """When the work in `shop` ended, which the ledger has."""
    session.prompt(TASK)
    session.answer("I added the function to cart.py. Shall I wire it into checkout.py next?")
    read_in(session)
    return session.now


@pytest.fixture
def asked(home: Path, now: datetime) -> Asked:
    def ask(data: bytes, agent: str = "claude-code", event: str = "SessionStart", **after: float) -> str:
        now_ms = round((now + timedelta(**after)).timestamp() * 1000)
        state = StateDir(home / ".carryover")
        return (answer_hook(state, agent, event, data, home=home, env=os.environ, now_ms=now_ms) or b"").decode()

    return ask


def starting(cwd: Path, reason: str = "startup", **fields: Any) -> bytes:
    return claude_payload(reason, cwd=str(cwd), **fields)


def task(text: str) -> str:
    """The task, above what git says of the work: on a busy machine it may not answer in time."""
    return text.partition("## Task")[2].partition("\n## ")[0]


def protocol(text: str) -> str:
    return text.splitlines()[1].partition(": ")[2]


def test_a_session_gets_the_answer_for_its_start_reason(asked: Asked, shop: Path, session: ClaudeSession) -> None:
    new = asked(starting(shop), minutes=3)
    assert TASK in new and protocol(new) == "ask" and "Now: 3 min later" in new
    assert task(asked(starting(shop, "clear"), minutes=3)) == task(new)
    assert task(asked(starting(shop), "claude", minutes=3)) == task(new), "the name in a plugin's line"
    assert "This is old" in asked(starting(shop), days=8)
    own = {"session_id": session.session, "transcript_path": str(session.path)}
    assert "Your context was just compacted" in asked(starting(shop, "compact", **own))
    assert asked(starting(shop, "resume", **own)) == ""
    assert asked(starting(shop, "fork")) == ""


@pytest.mark.usefixtures("now")
def test_its_process_ends_as_soon_as_it_has_answered(home: Path, shop: Path) -> None:
    """An answer counts only if the process has ended in time."""
    module = "carryover.daemon.hooks.without_daemon"
    later = "import atexit, runpy; atexit.register(print, 'later')"
    program = f"{later}; runpy.run_module('{module}', run_name='__main__')"
    command = [sys.executable, "-c", program, str(home / ".carryover"), "claude-code", "SessionStart"]
    output = subprocess.run(command, input=starting(shop), capture_output=True, check=True).stdout.decode()
    assert TASK in output
    assert not output.endswith("later\n")


def test_the_answer_is_that_of_the_repository_around_the_folder_and_never_anothers(
    asked: Asked, home: Path, shop: Path
) -> None:
    inside, nested, beside = shop / "src" / "deep", shop / "vendor" / "lib", home / "work" / "sho"
    inside.mkdir(parents=True)
    for root in (nested, beside):
        repository(root)

    assert TASK in asked(starting(inside))
    assert [asked(starting(folder)) for folder in (nested, beside, home / "work", home, home / "gone")] == [""] * 5
    for folder in ("relative", f"{beside}/../shop"):
        with pytest.raises(Refused):
            asked(claude_payload(cwd=folder))


def test_a_session_in_a_subfolder_is_led_to_the_files_at_the_top(
    asked: Asked, home: Path, shop: Path, session: ClaudeSession, read_in: ReadIn
) -> None:
    """From where it is, also if the user came there by a link."""
    inside, link = shop / "packages" / "web", home / "link"
    inside.mkdir(parents=True)
    link.symlink_to(shop)
    session.run("make", "made")
    read_in(session)

    for folder in (inside, link / "packages" / "web"):
        text = asked(starting(folder))
        assert "This is the content of `../../.carryover/handoff.md`" in text
        assert text.count("`../../.carryover/more.md`") == 2
    assert asked(starting(link)) == asked(starting(shop))


def test_nothing_that_lies_in_a_project_is_an_answer(asked: Asked, home: Path, shop: Path) -> None:
    theirs = {".carryover/handoff.md": "injected\n", ".carryover/more.md": "injected\n"}
    clone = repository(home / "work" / "clone", theirs)
    (shop / ".carryover").mkdir()
    (shop / ".carryover" / "handoff.md").write_text("injected\n")

    assert asked(starting(clone)) == ""
    assert TASK in (text := asked(starting(shop))) and "injected" not in text


@pytest.mark.parametrize(
    "settings", ['[projects]\nexclude = ["shop"]\n', '[projects]\ninclude = ["other"]\n', "[agents]\nselected = []\n"]
)
def test_what_the_settings_leave_out_gets_nothing_from_then_on(
    asked: Asked, home: Path, shop: Path, settings: str
) -> None:
    assert TASK in asked(starting(shop))
    (home / ".carryover" / "config.toml").write_text(settings)

    assert asked(starting(shop)) == ""


def test_a_pause_and_a_project_that_excludes_itself_count_at_once(asked: Asked, home: Path, shop: Path) -> None:
    paused, own = home / ".carryover" / "paused", shop / ".carryover.toml"
    paused.touch()
    assert asked(starting(shop)) == ""
    paused.unlink()
    own.write_text("exclude = true\n")
    assert asked(starting(shop)) == ""
    own.write_text('[resume]\nmode = "brief"\n')
    assert protocol(asked(starting(shop))) == "brief"
    (home / ".carryover" / "config.toml").write_text('[resume]\nmode = "silent"\n')
    own.unlink()
    assert protocol(asked(starting(shop))) == "silent"


@pytest.mark.parametrize("name", ["config.toml", "ledger.sqlite"])
def test_with_settings_or_a_ledger_that_cannot_be_read_nothing_is_said(
    asked: Asked, home: Path, shop: Path, name: str
) -> None:
    (home / ".carryover" / name).write_text("= damaged")

    with pytest.raises(UserError):
        asked(starting(shop))


def test_each_agent_is_answered_in_its_form(asked: Asked, shop: Path) -> None:
    codex = codex_payload("SessionStart", source="startup", cwd=str(shop), transcript_path=None).data
    qwen = qwen_payload("SessionStart", source="resume", cwd=str(shop)).data
    window = cursor_payload("sessionStart", workspace_roots=[str(shop)], transcript_path=None).data
    background = cursor_payload("sessionStart", workspace_roots=[str(shop)], is_background_agent=True).data

    assert TASK in json.loads(asked(codex, "codex"))["hookSpecificOutput"]["additionalContext"]
    again = json.loads(asked(qwen, "qwen-code"))["hookSpecificOutput"]["additionalContext"]
    assert "This session was resumed" in again, "its client forgets what a hook said"
    assert TASK in json.loads(asked(window, "cursor", "sessionStart"))["additional_context"]
    assert asked(background, "cursor", "sessionStart") == ""
    cleared = gemini_payload("SessionStart", source="clear", cwd=str(shop)).data
    assert asked(cleared, "gemini-cli") == "", "its client drops that"


CODEXS: Final = codex_payload("SessionStart", source="startup").data
CURSORS: Final = cursor_payload("SessionStart", source="startup").data
FOREIGN: Final[dict[str, tuple[str, str, bytes]]] = {
    "Claude Code's line run by Cursor": ("claude-code", "SessionStart", CURSORS),
    "Claude Code's line run by Codex": ("claude-code", "SessionStart", CODEXS),
    "Codex's line run by Cursor": ("codex", "SessionStart", CURSORS),
    "Codex's line run by Claude Code": ("codex", "SessionStart", claude_payload(cwd="/home/dev/shop")),
    "Codex's line run by a program without transcripts": (
        *("codex", "SessionStart"),
        codex_payload("SessionStart", source="startup", transcript_path=LEFT_OUT).data,
    ),
    "Cursor's line run by Claude Code": ("cursor", "sessionStart", claude_payload(cwd="/home/dev/shop")),
    "no JSON": ("codex", "SessionStart", b"not JSON\n"),
    "another event": ("claude-code", "Stop", claude_payload(None, event="Stop", cwd="/home/dev/shop")),
    "an agent without hooks": ("aider", "SessionStart", claude_payload(cwd="/home/dev/shop")),
    "an unknown agent": ("nobody", "SessionStart", claude_payload(cwd="/home/dev/shop")),
}


@pytest.mark.parametrize("whose", FOREIGN)
def test_another_program_that_runs_a_line_gets_nothing(asked: Asked, shop: Path, whose: str) -> None:
    agent, event, data = FOREIGN[whose]

    assert asked(data.replace(b"/home/dev/shop", bytes(shop)), agent, event) == ""
