"""What of a project's instruction files reaches the model, before and after Carryover has published into it."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.version import Version

from real_agents.lab import handoffs, shop
from real_agents.lab.box import Terminal
from real_agents.lab.handoffs import POINTER
from real_agents.lab.publish import publish
from real_agents.lab.rows import Row, each_version
from real_agents.lab.shop import PROJECT
from real_agents.lab.tool import Tool

EACH_VERSION = each_version("claude-code")
HANDOFF = "# [CARRYOVER] Last updated 2026-01-02T03:04:05Z from codex\nTHE-HANDOFF\n"
AGENTS, SUB_AGENTS = "AGENTS-OF-ROOT", "AGENTS-OF-SUB"
CLAUDE, SUB_CLAUDE, DOT_CLAUDE, LOCAL, RULE = "CLAUDE-OF-ROOT", "CLAUDE-OF-SUB", "DOT-CLAUDE", "CLAUDE-LOCAL", "A-RULE"
TEXTS = (AGENTS, SUB_AGENTS, CLAUDE, SUB_CLAUDE, DOT_CLAUDE, LOCAL, RULE)

SOURCES = {"main.py": "print(1)\n", "sub/part.py": "print(2)\n"}
STARTS: dict[str, tuple[Path, str | None]] = {
    "in the root": (PROJECT, None),
    "in the root, reading sub/part.py": (PROJECT, "sub/part.py"),
    "in sub": (PROJECT / "sub", None),
}
"""Where a session starts, and what the model reads then: reading a file brings its folder's instruction files along."""

Arrived = dict[str, int]

ANY = "0"
READS_AGENTS_MD = "2.1.281"
"""The first version that reads AGENTS.md (2.1.280 does not), and then only where no CLAUDE.md has a text."""
NEVER = "9999"


@dataclass(frozen=True)
class Case:
    """The instruction files of a project before Carryover, and from which version on the pointer has to arrive."""

    name: str
    files: dict[str, str] = field(default_factory=dict)
    link: bool = False
    since: str = READS_AGENTS_MD
    since_in_sub: str = READS_AGENTS_MD


CASES = (
    Case("only AGENTS.md", {"AGENTS.md": f"# Rules\n{AGENTS}\n"}),
    Case("no instruction file"),
    Case("only a blank CLAUDE.md", {"CLAUDE.md": "\n"}),
    Case("AGENTS.md, blank CLAUDE.md", {"AGENTS.md": AGENTS, "CLAUDE.md": ""}),
    Case("AGENTS.md, CLAUDE.md of a comment", {"AGENTS.md": AGENTS, "CLAUDE.md": "<!-- nothing yet -->\n"}),
    Case("AGENTS.md, CLAUDE.md of code", {"AGENTS.md": AGENTS, "CLAUDE.md": f"```\n{CLAUDE}\n```\n"}, False, ANY, ANY),
    Case("only CLAUDE.md", {"CLAUDE.md": CLAUDE}, since=ANY, since_in_sub=ANY),
    Case("AGENTS.md, CLAUDE.md", {"AGENTS.md": AGENTS, "CLAUDE.md": CLAUDE}, since=ANY, since_in_sub=ANY),
    # In sub the import leads out of the session's folder: Claude Code follows it only after asking, and -p cannot ask.
    Case(
        "CLAUDE.md imports AGENTS.md", {"AGENTS.md": AGENTS, "CLAUDE.md": "@AGENTS.md\n"}, since=ANY, since_in_sub=NEVER
    ),
    Case("CLAUDE.md is a link to AGENTS.md", {"AGENTS.md": AGENTS}, link=True, since=ANY, since_in_sub=ANY),
    # Both hide AGENTS.md from Claude Code, and neither is a file that Carryover writes.
    Case("AGENTS.md, .claude/CLAUDE.md", {"AGENTS.md": AGENTS, ".claude/CLAUDE.md": DOT_CLAUDE}, False, NEVER, NEVER),
    Case("AGENTS.md, CLAUDE.local.md", {"AGENTS.md": AGENTS, "CLAUDE.local.md": LOCAL}, False, NEVER, NEVER),
    Case("AGENTS.md, .claude/rules", {"AGENTS.md": AGENTS, ".claude/rules/one.md": RULE}),
    Case("AGENTS.md, nested AGENTS.md", {"AGENTS.md": AGENTS, "sub/AGENTS.md": SUB_AGENTS}),
    Case("blank CLAUDE.md, nested AGENTS.md", {"CLAUDE.md": "", "sub/AGENTS.md": SUB_AGENTS}),
    Case("only a nested AGENTS.md", {"sub/AGENTS.md": SUB_AGENTS}),
    Case("AGENTS.md, nested CLAUDE.md", {"AGENTS.md": AGENTS, "sub/CLAUDE.md": SUB_CLAUDE}, since_in_sub=NEVER),
)


@EACH_VERSION
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_arrived_without_carryover_arrives_with_it(tool: Tool, row: Row, case: Case) -> None:
    make_project(tool, {**SOURCES, **case.files})
    if case.link:
        tool.box.must("ln", "-s", "AGENTS.md", "CLAUDE.md", cwd=PROJECT)
    before = {start: arrived(tool, *STARTS[start]) for start in STARTS}
    publish(tool.box, PROJECT, HANDOFF)
    after = {start: arrived(tool, *STARTS[start]) for start in STARTS}

    for start in STARTS:
        row.shown(f"{start}: {_said(before[start])} -> {_said(after[start])}")
    assert {start: {text: after[start].get(text) for text in before[start]} for start in STARTS} == before
    assert all(count == 1 for counts in after.values() for count in counts.values())
    since = {start: case.since_in_sub if cwd != PROJECT else case.since for start, (cwd, _) in STARTS.items()}
    assert _pointed(after) >= {start for start, first in since.items() if _at_least(tool.version, first)}
    assert all(POINTER in counts for counts in after.values() if AGENTS in counts or CLAUDE in counts)


@EACH_VERSION
def test_a_claude_md_that_lost_its_text_hides_agents_md_no_longer(tool: Tool, row: Row) -> None:
    """Nor does it where only our block was left in it."""
    make_project(tool, {**SOURCES, "AGENTS.md": AGENTS, "CLAUDE.md": CLAUDE, "sub/AGENTS.md": SUB_AGENTS})
    publish(tool.box, PROJECT, HANDOFF)
    published = tool.box.here(PROJECT / "CLAUDE.md").read_text("utf-8")
    assert published.count(POINTER) == 1
    tool.box.write(PROJECT / "CLAUDE.md", "")
    emptied = {start: arrived(tool, *STARTS[start]) for start in STARTS}
    tool.box.write(PROJECT / "CLAUDE.md", published.replace(CLAUDE, ""))
    publish(tool.box, PROJECT, HANDOFF)
    after = {start: arrived(tool, *STARTS[start]) for start in STARTS}

    for start in STARTS:
        row.shown(f"{start}: {_said(after[start])}")
    assert after == emptied
    assert _pointed(after) == (set(STARTS) if _at_least(tool.version, READS_AGENTS_MD) else set())


@EACH_VERSION
@pytest.mark.parametrize("place", ["/home/dev/work/fix", f"{PROJECT}/.claude/worktrees/fix"])
def test_a_worktree_where_the_first_work_is_gets_the_pointer_and_keeps_its_memory(
    tool: Tool, row: Row, place: str
) -> None:
    make_project(tool, {**SOURCES, "AGENTS.md": AGENTS, "CLAUDE.md": CLAUDE})
    tool.box.must("git", "worktree", "add", "-q", "-b", "fix", place, cwd=PROJECT)
    worktree = Path(place)
    tool.trust(worktree)
    before = arrived(tool, worktree)
    publish(tool.box, worktree, HANDOFF)
    publish(tool.box, PROJECT, HANDOFF)  # once per repository: here, pointers come by a commit
    after = arrived(tool, worktree)

    row.shown(f"{_said(before)} -> {_said(after)}")
    # 2.0.65 reads the main checkout's file too where the worktree lies inside it: then that text comes twice.
    assert after == {**before, POINTER: 1}


@EACH_VERSION
@pytest.mark.parametrize("files", [{}, {"CLAUDE.md": ""}, {"CLAUDE.md": CLAUDE}], ids=["none", "blank", "text"])
def test_a_session_in_a_subfolder_begins_without_a_question(tool: Tool, row: Row, files: dict[str, str]) -> None:
    """An import that leads out of the session's folder brings up a security dialog; it must not be one of ours."""
    make_project(tool, {**SOURCES, "AGENTS.md": AGENTS, **files})
    publish(tool.box, PROJECT, HANDOFF)
    with Terminal(tool.box, *tool.installed.command, cwd=PROJECT / "sub", env=tool.environment) as terminal:
        terminal.wait(r"(?m)^[│ ]*[❯>]")
        asks = "Allow external CLAUDE.md file imports?" in terminal.screen()
        row.shown(f"dialog about external imports: {'shown' if asks else 'none'}")
        assert not asks
        terminal.enter("Hello")
        terminal.wait(r"OK\.")
    counts = told_of(tool)
    row.shown(_said(counts))
    read = CLAUDE if files.get("CLAUDE.md") else AGENTS if _at_least(tool.version, READS_AGENTS_MD) else None
    assert counts == ({read: 1, POINTER: 1} if read else {})


@pytest.mark.parametrize("way", ["shell", "read"])
@EACH_VERSION
def test_the_handoff_that_git_ignores_can_be_read_with_each_tool(tool: Tool, row: Row, way: str) -> None:
    make_project(tool, SOURCES)
    publish(tool.box, PROJECT, HANDOFF)
    path = handoffs.path_in(PROJECT)
    tool.box.must("git", "check-ignore", "-q", str(path), cwd=PROJECT)
    reply = tool.read(path) if way == "read" else tool.shell(f"cat {path}")
    last = tool.turn(PROJECT, "Hello", reply, "I have read it.").requests[-1]

    assert HANDOFF in tool.without_line_prefixes(last) + "\n"
    row.shown(f"every line of the handoff came back by {way}")


def make_project(tool: Tool, files: dict[str, str]) -> None:
    shop.make_project(tool.box, files=files)


def arrived(tool: Tool, cwd: Path, reads: str | None = None) -> Arrived:
    tool.turn(cwd, "Hello", *([] if reads is None else [tool.read(PROJECT / reads), "I have read it."]))
    assert reads is None or SOURCES[reads].strip() in tool.requests()[-1]
    return told_of(tool)


def told_of(tool: Tool) -> Arrived:
    told = tool.requests()[-1]
    return {text: told.count(text) for text in (*TEXTS, POINTER) if text in told}


def _pointed(after: dict[str, Arrived]) -> set[str]:
    return {start for start, counts in after.items() if POINTER in counts}


def _said(counts: Arrived) -> str:
    names = ["pointer" if text == POINTER else text for text in counts]
    times = ["" if count == 1 else f" x{count}" for count in counts.values()]
    return ", ".join(name + often for name, often in zip(names, times, strict=True)) or "nothing"


def _at_least(version: str, first: str) -> bool:
    return Version(version) >= Version(first)
