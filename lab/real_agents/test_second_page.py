"""The second page of the handoff, read by a model that was asked to: whole, in the way in which it was named to it."""

import html
import re
from pathlib import Path
from typing import Any, Final

from carryover.agents import adapters
from carryover.records.text import READS_PAGE
from real_agents.lab import handoffs, shop
from real_agents.lab.box import wait_until
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import PROJECT, QUESTION, TASK
from real_agents.lab.tool import Tool

PAGE: Final = PROJECT / ".carryover" / "more.md"
FACTS: Final = "\n".join(f"Row {row} of the list has {row * 37} plums and {row * 91} figs." for row in range(700))


@newest("claude-code", "cline", "codex", "copilot", "droid", "gemini-cli", "kilo", "opencode", "pi", "qwen-code")
def test_the_second_page_reaches_the_model_whole_in_the_way_it_is_named(tool: Tool, row: Row) -> None:
    """And what was read of it is not in the next handoff."""
    shop.begin_installed(tool)
    tool.turn(PROJECT, TASK, *shop.edited(tool), FACTS)
    tool.turn(PROJECT, "And the plums?", f"They are next. {QUESTION}")
    page = written(tool, shop.left_by(tool))
    hooks = adapters()[tool.id].hooks
    reads = hooks.reads_page if hooks is not None else READS_PAGE
    size = int(found[1]) if (found := re.search(r"parts of (\d+) lines", reads)) else 0
    lines = len(page.splitlines())
    parts = [by_file_tool(tool, at, min(size, lines - at)) for at in range(0, lines, size)] if size else []
    ways = {
        "whole": [by_file_tool(tool)],
        "by the shell": [tool.shell(f"cat {PAGE.relative_to(PROJECT)}")],
        "in parts": parts,
    }
    first, *rest = tool.turn(PROJECT, "Go on", *(reply for way in ways.values() for reply in way), "So be it.").requests
    [handoff] = handoffs.injected(first)
    after = shop.left_by(tool)

    told = html.unescape(first)
    # Not its lines: the page may be made again a second after the session has started, with other line breaks.
    new = [fact for fact in FACTS.splitlines() if fact in page and fact not in told]
    shares = {}
    for way, replies in ways.items():
        if not replies:
            continue
        before, told = told, html.unescape(rest[len(replies) - 1])
        rest = rest[len(replies) :]
        shares[way] = sum(fact in told.replace(before, "") for fact in new) / len(new)
    named = reads.format(page=".carryover/more.md", quoted=".carryover/more.md")
    row.shown(f"of a page of {len(page):,} characters: {', '.join(f'{way} {shares[way]:.0%}' for way in shares)}")
    row.shown(f"named: {named}")
    assert f", {named}" in handoff
    assert shares["in parts" if size else "by the shell" if "cat" in reads else "whole"] == 1.0
    assert "This is more of the handoff" in page and "This is more of the handoff" not in after
    assert "more.md" not in "".join(line for lines in handoffs.sections(after).values() for line in lines)


@newest("claude-code", "codex", "copilot", "gemini-cli", "pi", "qwen-code")
def test_a_session_in_a_subfolder_finds_the_page_by_the_path_that_it_is_given(tool: Tool, row: Row) -> None:
    shop.begin_installed(tool)
    tool.turn(PROJECT, TASK, *shop.edited(tool), FACTS)
    tool.turn(PROJECT, "And the plums?", f"They are next. {QUESTION}")
    begins = written(tool, shop.left_by(tool)).splitlines()[2]
    path = "../.carryover/more.md"

    first, *rest = tool.turn(PROJECT / "sub", "Go on", tool.shell(f"cat {path}"), "So be it.").requests

    [handoff] = handoffs.injected(first)
    hooks = adapters()[tool.id].hooks
    assert hooks is not None
    named = hooks.reads_page.format(page=path, quoted=path)
    row.shown(f"named: {named}")
    assert f", {named}" in handoff
    assert begins in html.unescape(rest[0])


def by_file_tool(tool: Tool, first: int = 0, lines: int = 0) -> Any:
    """Reads the page, or `lines` of it. Gemini CLI's driver and Codex's read by the shell."""
    if tool.id == "gemini-cli":
        return {"tool": ["read_file", {"file_path": str(PAGE)}]}
    reply = tool.read(PAGE)
    if lines and tool.id == "copilot":
        reply["input"]["view_range"] = [first + 1, first + lines]
    elif lines and tool.id == "cline":
        reply["input"]["files"][0] |= {"start_line": first + 1, "end_line": first + lines}
    elif lines:
        reply["input"] |= {"offset": first, "limit": lines}
    return reply


def written(tool: Tool, handoff: str) -> str:
    """The second page of this handoff, once it is written."""
    file, begins = tool.box.here(PAGE), handoff.splitlines()[0]
    wait_until(lambda: file.exists() and file.read_text("utf-8").startswith(begins))
    return Path(file).read_text("utf-8")
