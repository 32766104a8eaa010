from __future__ import annotations

from functools import partial

import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.importing.rebase import located
from carryover.importing.specstory.blocks import ToolBlock
from carryover.importing.specstory.tools import ToolUse, outcome_in_text, read_tool


def tool(name: str, *body: str, kind: str = "generic", summary: str = "") -> ToolUse:
    return read_tool(ToolBlock(kind, name, summary, body), outcome_in_text, partial(located, folder="/p"), "/p")


@pytest.mark.parametrize(
    "block",
    [
        {"body": ("List", "", "`ls -a`", "", "```text", "x", "```")},
        {"body": ("```bash", "ls -a", "```", "", "```", "x", "```")},
        {"body": ("```", "x", "```"), "summary": "`ls -a`"},
        {"body": ("```", "x", "```"), "summary": "Run command: ls -a"},
        {"body": ("**Input:**", "", "- command: `ls -a`", "", "**Result:**", "```", "x", "```")},
    ],
)
def test_a_command_is_found_where_each_agent_shows_it(block: dict[str, tuple[str, ...] | str]) -> None:
    body = block["body"]
    assert isinstance(body, tuple)

    use = tool("Bash", *body, kind="shell", summary=str(block.get("summary", "")))

    assert (use.op, use.subject, use.outcome) == ("shell", "ls -a", ToolOutcome("unknown", "x"))


def test_a_command_in_a_bullet_may_have_several_lines() -> None:
    use = tool("shell", "- command: `[bash -lc cat <<EOF", "a", "EOF]`", "- timeout_ms: `1`")

    assert use.subject == "bash -lc cat <<EOF\na\nEOF"


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("The file /p/a b/c.py has been updated successfully.", "/p/a b/c.py"),
        ("File created successfully at: /p/new.py", "/p/new.py"),
        ("Successfully modified file: /p/x.py (1 replacement)", "/p/x.py"),
        ("Wrote contents to /p/y.py", "/p/y.py"),
    ],
)
def test_the_file_of_an_edit_is_named_by_its_result(said: str, path: str) -> None:
    assert [change.path for change in tool("Edit", "```text", said, "```").changes] == [path]


def test_a_command_that_certainly_wrote_a_file_changed_it() -> None:
    body = ("`echo x > a.txt`", "", "```", "Exit code: 0", "```")

    assert [change.path for change in tool("Bash", *body).changes] == ["/p/a.txt"]
