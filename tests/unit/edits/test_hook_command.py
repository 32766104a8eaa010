"""Our hooks are told from others, and from ours with something added, by the script they run."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.edits.hooks import owner_by_script

OWNER_OF = owner_by_script(Path("/home/dev/.carryover/hook.sh"), Path("/mnt/a b/hook.sh"))


@pytest.mark.parametrize(
    "command",
    [
        "sh /home/dev/.carryover/hook.sh claude-code Stop 2>/dev/null || true",
        "sh '/home/dev/.carryover/hook.sh' claude-code SessionStart 2>/dev/null || true",
        'sh "/home/dev/.carryover/hook.sh" claude-code Stop',
        "  sh /home/dev/.carryover/hook.sh codex sessionStart 2> /dev/null||true ",
        "sh '/mnt/a b/hook.sh' claude-code Stop 2>/dev/null || true",
    ],
)
def test_a_line_that_only_runs_the_script_is_ours(command: str) -> None:
    assert OWNER_OF(command) == "ours"


@pytest.mark.parametrize(
    "command",
    [
        "sh /home/dev/.carryover/hook.sh claude-code Stop 2>/dev/null || true; say done",
        "date >> log; sh /home/dev/.carryover/hook.sh claude-code Stop",
        "bash -x /home/dev/.carryover/hook.sh claude-code Stop",
        "[ -f '/mnt/a b/hook.sh' ] && sh '/mnt/a b/hook.sh' claude-code Stop",
    ],
)
def test_a_line_with_something_added_is_the_persons(command: str) -> None:
    assert OWNER_OF(command) == "edited"


@pytest.mark.parametrize(
    "command",
    [
        "say done",
        "sh /home/else/.carryover/hook.sh claude-code Stop 2>/dev/null || true",
        "sh /backup/home/dev/.carryover/hook.sh claude-code Stop",
        "sh /home/dev/.carryover/hook.sh.old claude-code Stop",
        "sh /home/dev/acarryover/hook.sh claude-code Stop",
        "",
    ],
)
def test_a_line_that_runs_something_else_is_not_ours(command: str) -> None:
    assert OWNER_OF(command) == "others"
