"""Transcripts as the real client writes them now, read by the product's adapter."""

from __future__ import annotations

import pytest

from carryover.model import (
    AssistantMessage,
    FileEdit,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from real_agents.claude_code.client import PROJECT, ClaudeBox
from real_agents.lab.box import HOME
from real_agents.lab.rows import Row
from real_agents.lab.terminal import Terminal
from real_agents.lab.transcripts import Understood, understood
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

WORK = (
    ["I look at it first.", {"tool": "Read", "input": {"file_path": f"{PROJECT}/main.py"}}],
    {"tool": "Edit", "input": {"file_path": f"{PROJECT}/main.py", "old_string": "print(1)", "new_string": "print(2)"}},
    {"tool": "Write", "input": {"file_path": f"{PROJECT}/new.py", "content": "print(3)\n"}},
    {"tool": "Bash", "input": {"command": "echo broken; exit 3"}},
    "It is done.",
)


def test_a_session_of_the_real_client_is_understood_whole(claude: ClaudeBox, row: Row) -> None:
    claude.make_project({"main.py": "print(1)\n"})
    claude.script(*WORK)
    claude.print_mode("Print two instead of one")
    found = _read(claude, row)

    assert _prompts(found) == ["Print two instead of one"]
    assert [(edit.path, edit.change) for edit in found.all(FileEdit)] == [
        (f"{PROJECT}/main.py", "modify"),
        (f"{PROJECT}/new.py", "add"),
    ]
    results = [(result.name, result.status, result.exit_code) for result in found.all(ToolResult)]
    assert results[-1] == ("Bash", "error", 3)
    assert [message.text for message in found.all(AssistantMessage)] == ["I look at it first.", "It is done."]


def test_a_resumed_and_forked_session_counts_its_history_once(claude: ClaudeBox, row: Row) -> None:
    claude.make_project({"main.py": "print(1)\n"})
    claude.script(*WORK, "Two is better.", "So be it.")
    claude.print_mode("Print two instead of one")
    claude.print_mode("Why two?", "--continue")
    claude.print_mode("Then leave it", "--continue", "--fork-session")
    found = _read(claude, row)

    assert _prompts(found) == ["Print two instead of one", "Why two?", "Then leave it"]
    assert [edit.path for edit in found.all(FileEdit)] == [f"{PROJECT}/main.py", f"{PROJECT}/new.py"]


def test_a_rate_limit_ends_the_turn(claude: ClaudeBox, row: Row) -> None:
    claude.make_project({"main.py": "print(1)\n"})
    limit = {"error": {"status": 429, "type": "rate_limit_error", "message": "Try again later."}}
    claude.script(*[limit] * 3)
    without_retries = {"CLAUDE_CODE_MAX_RETRIES": "0"}
    ran = claude.box.run(*claude.client.command, "-p", "Print two", cwd=PROJECT, env=without_retries)
    assert ran.code == 1
    found = _read(claude, row)

    assert _prompts(found) == ["Print two"]
    assert [end.reason for end in found.all(TurnEnd)] == ["limit"]


def test_a_prompt_typed_at_the_terminal_is_a_persons(claude: ClaudeBox, row: Row) -> None:
    claude.make_project({"main.py": "print(1)\n"})
    claude.script(*WORK)
    options = ("--permission-mode", "acceptEdits", "--allowedTools", "Bash")
    with Terminal(claude.box, *claude.client.command, *options, cwd=PROJECT) as terminal:
        terminal.wait(r"(?m)^[│ ]*[❯>]")
        terminal.enter("Print two instead of one")
        terminal.wait(r"It is done\.")
        wait_until(lambda: any("It is done." in path.read_text("utf-8") for path in claude.transcripts()))
    found = _read(claude, row)

    assert [prompt.text for prompt in found.all(UserPrompt) if prompt.actor == "human"] == ["Print two instead of one"]
    assert len(found.all(FileEdit)) == 2


def _read(claude: ClaudeBox, row: Row) -> Understood:
    """The transcripts of the box, none of whose records may be foreign to the adapter."""
    found = understood("claude-code", claude.box.here(HOME))
    kinds = sorted({event.body.__struct_config__.tag for event in found.events.values()}, key=str)
    row.shown(f"{len(found.events)} events ({', '.join(map(str, kinds))}), {len(found.skipped)} records not understood")
    assert found.skipped == []
    return found


def _prompts(found: Understood) -> list[str]:
    return [prompt.text for prompt in found.all(UserPrompt)]
