"""Every hand-over from one real client to another: what A left behind, however it ended, is what B begins with.

The recorded table is tests/matrix; its words are told here by the clients themselves.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Final

import pytest

from matrix.story import FACTS, GOAL, QUESTION
from matrix.tool import ENDINGS, Ending
from real_agents.claude_code.client import LATEST as CLAUDE_CODE
from real_agents.codex.client import LATEST as CODEX
from real_agents.handover import story
from real_agents.handover.arrival import awaited
from real_agents.handover.gate import Gate
from real_agents.handover.story import LAST_WORDS, OTHER_ANSWER, OTHER_TASK, foreign, missing
from real_agents.handover.tool import Tool
from real_agents.handover.world import World
from real_agents.lab import handoffs
from real_agents.lab.handoffs import POINTER
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

NAMES: Final = {"claude-code": f"Claude Code {CLAUDE_CODE}", "codex": f"Codex CLI {CODEX}"}
PAIRS: Final = pytest.mark.parametrize(("a", "b"), list(itertools.product(NAMES, repeat=2)))
EACH_ENDING: Final = pytest.mark.parametrize("ending", ENDINGS)
CUT_OFF: Final = ("limit", "killed")
FRESH_S: Final = 5.0
"""A second is promised; the rest is for a busy machine."""
GO_ON: Final = "continue"
MOVED_ON: Final = "Another session has moved this project on since your last turn here"
LINE_NUMBER: Final = re.compile(r"(?m)^ *\d+[\t→]")
"""What the Read tool of Claude Code puts before each line."""


@EACH_ENDING
@PAIRS
def test_b_begins_with_what_a_left(hooks_on: World, row: Row, a: str, b: str, ending: Ending) -> None:
    """After a closed or compacted session B starts at once; what is not in the file yet, its hook has read first."""
    first, second = clients(hooks_on, row, a, b)
    root = hooks_on.project(f"{a}-{b}-{ending}")
    if ending in CUT_OFF:
        play_watched(hooks_on, row, first, root, ending)
    else:
        story.play(first, root, ending)
    calls = hooks_on.hook_calls()
    [told] = second.turn(root, GO_ON, "OK.").told
    found = handoffs.injected(told)

    row.shown(f"{len(found)} handoff(s) in the first request; missing: {said(missing(''.join(found)))}")
    assert hooks_on.hook_calls() > calls
    assert [missing(handoff) for handoff in found] == [[]]
    assert story.told_all(found[0], ending)
    assert len(found[0].splitlines()) <= 50
    assert foreign(told) == []


@EACH_ENDING
@PAIRS
def test_without_hooks_b_is_led_to_it(hooks_off: World, row: Row, a: str, b: str, ending: Ending) -> None:
    """No hook is called from beginning to end: the watcher alone brings what A left."""
    first, second = clients(hooks_off, row, a, b)
    root = hooks_off.project(f"{a}-{b}-{ending}")
    play_watched(hooks_off, row, first, root, ending)
    before, after = second.turn(root, GO_ON, second.look(handoffs.path_in(root)), "OK.").told
    found = handoffs.injected(LINE_NUMBER.sub("", after))

    row.shown(f"pointer {before.count(POINTER)} time(s) in the first request, {len(found)} handoff(s) in the second")
    assert hooks_off.hook_calls() == 0
    assert (before.count(POINTER), handoffs.injected(before)) == (1, [])
    assert [missing(handoff) for handoff in found] == [[]]
    assert story.told_all(found[0], ending)
    assert foreign(after) == []


@PAIRS
def test_a_in_a_subfolder_and_b_at_the_top(hooks_on: World, row: Row, a: str, b: str) -> None:
    first, second = clients(hooks_on, row, a, b)
    root = hooks_on.project(f"{a}-{b}-below")
    story.play(first, root, cwd=root / "docs")
    [told] = second.turn(root, GO_ON, "OK.").told
    found = handoffs.injected(told)

    row.shown(f"{len(found)} handoff(s), pointer {told.count(POINTER)} time(s) in the first request")
    assert [missing(handoff) for handoff in found] == [[]]
    assert told.count(POINTER) == 1
    assert not hooks_on.box.here(root / "docs" / ".carryover").exists()


@PAIRS
def test_two_projects_at_the_same_time(hooks_on: World, row: Row, a: str, b: str) -> None:
    """A waits in a command in one of them while both work in the other; then B comes to each."""
    first, second = clients(hooks_on, row, a, b)
    mine, theirs = (hooks_on.project(f"{a}-{b}-{name}") for name in ("mine", "mine-not"))
    gate = Gate(hooks_on.box, f"{a}-{b}-mine")
    running = first.begin(mine, story.TASK, *story.work(first, mine, mine), first.shell(gate.command))
    gate.wait_reached()
    began = [tool.turn(theirs, OTHER_TASK, OTHER_ANSWER).told[0] for tool in (first, second)]
    first.script(LAST_WORDS)
    gate.open()
    assert running.wait() == 0
    [told] = second.turn(mine, GO_ON, "OK.").told
    [other] = second.turn(theirs, GO_ON, "OK.").told
    leaked = [words for text in (*began, other) for words in FACTS.values() if words in text]

    row.shown(f"leaked: {said([*foreign(told), *leaked])}")
    assert [missing(handoff) for handoff in handoffs.injected(told)] == [[]]
    assert [OTHER_TASK in handoff for handoff in handoffs.injected(other)] == [True]
    assert [*foreign(told), *leaked] == []


@PAIRS
def test_both_open_at_once(hooks_on: World, row: Row, a: str, b: str) -> None:
    """A in a terminal, in the middle of a turn, when B begins. The newest task leads, and the other one is named."""
    first, second = clients(hooks_on, row, a, b)
    root = hooks_on.project(f"{a}-{b}-at-once")
    gate = Gate(hooks_on.box, f"{a}-{b}-at-once")
    first.script(*story.work(first, root, root), first.shell(gate.command))
    with first.terminal(root) as terminal:
        terminal.enter(story.TASK)
        gate.wait_reached()
        own = second.turn(root, OTHER_TASK, OTHER_ANSWER)
        first.script(LAST_WORDS)
        gate.open()
        terminal.wait(r"\s+".join(map(re.escape, QUESTION.split())))
        [back] = second.turn(root, GO_ON, "OK.", session=own.session).told
    [last] = second.turn(root, GO_ON, "OK.").told
    [begun], [_, moved], [handoff] = (handoffs.injected(text) for text in (own.told[0], back, last))
    lead = handoffs.sections(handoff)["Task"]

    row.shown(f"B, begun in mid-turn of A, was told: {' / '.join(handoffs.sections(begun)['Task'])}")
    row.shown(f"B, going on, was not told: {said(missing(moved))}")
    row.shown(f"a new session: {' / '.join(lead)}")
    assert GOAL in begun and "pricing.py" in begun
    assert MOVED_ON in handoffs.protocol(moved)
    assert OTHER_TASK in lead[0]
    assert [missing(text) for text in (moved, handoff)] == [[], []]


@PAIRS
def test_b_goes_on_with_its_own_session_after_a_worked(hooks_on: World, row: Row, a: str, b: str) -> None:
    first, second = clients(hooks_on, row, a, b)
    root = hooks_on.project(f"{a}-{b}-going-on")
    own = second.turn(root, OTHER_TASK, OTHER_ANSWER).session
    [unmoved] = second.turn(root, GO_ON, "OK.", session=own).told
    story.play(first, root)
    [moved] = second.turn(root, GO_ON, "OK.", session=own).told
    [again] = second.turn(root, GO_ON, "OK.", session=own).told
    found = [handoffs.injected(text) for text in (unmoved, moved, again)]

    row.shown(f"handoffs: nobody worked {len(found[0])}, A worked {len(found[1])}, nobody since {len(found[2])}")
    assert found[0] == []
    [handoff] = found[1]
    assert MOVED_ON in handoffs.protocol(handoff)
    assert missing(handoff) == []
    assert found[2] == [handoff]


def clients(world: World, row: Row, a: str, b: str) -> tuple[Tool, Tool]:
    row.client(f"{NAMES[a]} -> {NAMES[b]}")
    return world.tools[a], world.tools[b]


def play_watched(world: World, row: Row, tool: Tool, root: Path, ending: Ending) -> None:
    """Plays it and waits until the file tells all; shows how long that took, and how many hooks may have helped."""
    calls, known, last_fact = world.hook_calls(), set(tool.transcripts()), story.last_fact(tool, ending)

    def written() -> bool:
        own = [path for session, path in tool.transcripts().items() if session not in known]
        return any(last_fact in path.read_text("utf-8") for path in own)

    with (
        awaited(written) as write,
        awaited(lambda: story.told_all(handoffs.read(world.box, root), ending)) as arrival,
    ):
        transcript = story.play(tool, root, ending)
        took_s, at_last_s = arrival.at_s() - write.at_s(), arrival.at_s() - transcript.stat().st_mtime
    row.shown(
        f"in the file {took_s:+.2f} s after the transcript had the last fact, {at_last_s:+.2f} s after its last write; "
        f"{world.hook_calls() - calls} hooks called in A's session"
    )
    if ending == "limit":
        said_next = " / ".join(handoffs.sections(handoffs.read(world.box, root))["Next action"])
        row.shown(f"next action: {said_next}")
        assert story.STANDS in said_next
    assert max(took_s, at_last_s) < FRESH_S


def said(words: list[str]) -> str:
    return ", ".join(words) or "nothing"
