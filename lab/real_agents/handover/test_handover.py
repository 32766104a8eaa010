"""Every handover from one real client to another: what A left behind, however it ended, is what B begins with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from matrix import rows
from matrix.story import FACTS, GOAL, QUESTION
from matrix.tool import Ending
from real_agents.handover import story
from real_agents.handover.story import LAST_WORDS, NOTES, OTHER_ANSWER, OTHER_TASK, foreign, missing
from real_agents.handover.world import World
from real_agents.lab import handoffs, product
from real_agents.lab.box import Gate, wait_until
from real_agents.lab.handoffs import POINTER
from real_agents.lab.rows import Row
from real_agents.lab.tool import Ability, Tool, tools

IDS: Final = tuple(tools())
CONTINUE: Final = "continue"
MOVED_ON: Final = "Another session has moved this project on since your last turn here"


def has(agent_id: str, ability: Ability) -> bool:
    return ability not in tools()[agent_id].CANNOT


INJECTED: Final = [each for each in IDS if tools()[each].ARRIVES == "hook"]
RING: Final = pytest.mark.parametrize(("a", "b"), rows.ring(IDS, IDS, IDS))
RING_OF_TERMINALS: Final = pytest.mark.parametrize(
    ("a", "b"), rows.ring(IDS, [each for each in IDS if has(each, "terminal")], INJECTED)
)
LACKS: Final = [(each, ability) for each in IDS for ability in tools()[each].CANNOT]


@pytest.mark.parametrize(("a", "b", "ending"), rows.pairs_by_ending(IDS, has))
def test_b_begins_with_what_a_left(hooks_on: World, row: Row, a: str, b: str, ending: Ending) -> None:
    """After a closed or compacted session B starts at once; what is not in the file yet, its hook has read first."""
    first, second = clients(hooks_on, row, a, b)
    root = hooks_on.project(f"{a}-{b}-{ending}")
    if ending in ("limit", "killed") or second.ARRIVES != "hook":
        play_watched(hooks_on, row, first, root, ending)
    else:
        story.play(first, root, ending)
    calls = hooks_on.hook_calls()
    arrived = arrive(hooks_on, first, second, root)

    row.shown(arrived.said())
    if second.ARRIVES == "hook":
        assert hooks_on.hook_calls() > calls
    assert arrived.missing == [[]]
    assert story.told_all(arrived.handoffs[0], ending, first)
    assert len(arrived.handoffs[0].splitlines()) <= 50
    assert foreign(arrived.text) == []


@pytest.mark.parametrize(("a", "b", "ending"), rows.pairs_by_ending(IDS, has, turned=1))
def test_without_hooks_b_is_led_to_it(hooks_off: World, row: Row, a: str, b: str, ending: Ending) -> None:
    first, second = clients(hooks_off, row, a, b)
    root = hooks_off.project(f"{a}-{b}-{ending}")
    play_watched(hooks_off, row, first, root, ending)
    arrived = arrive(hooks_off, first, second, root)

    row.shown(arrived.said())
    assert hooks_off.hook_calls() == 0
    assert arrived.missing == [[]]
    assert story.told_all(arrived.handoffs[0], ending, first)
    assert foreign(arrived.text) == []


@pytest.mark.parametrize(("a", "b", "c"), rows.chains(IDS, [each for each in IDS if has(each, "limit")]))
def test_c_begins_with_what_a_left_after_b_reached_its_limit(hooks_on: World, row: Row, a: str, b: str, c: str) -> None:
    first, second, third = clients(hooks_on, row, a, b, c)
    root = hooks_on.project(f"{a}-{b}-{c}")
    story.play(first, root)
    began = story.carry_on(second, root)
    wait_until(lambda: story.stands(second) in handoffs.read(hooks_on.box, root))
    arrived = arrive(hooks_on, first, third, root)

    row.shown(arrived.said())
    if second.ARRIVES == "hook":
        assert [missing(handoff, first) for handoff in handoffs.injected(began)] == [[]]
    assert arrived.missing == [[]]
    assert NOTES in arrived.handoffs[0]
    assert GOAL in "".join(handoffs.sections(arrived.handoffs[0])["Task"])
    assert foreign(arrived.text) == []


@RING
def test_a_in_a_subfolder_and_b_at_the_top(hooks_on: World, row: Row, a: str, b: str) -> None:
    first, second = clients(hooks_on, row, a, b)
    root = hooks_on.project(f"{a}-{b}-below")
    story.play(first, root, cwd=root / "docs")
    settle_for(hooks_on, second)
    arrived = arrive(hooks_on, first, second, root)

    row.shown(arrived.said())
    assert arrived.first.count(POINTER) == (1 if second.READS_POINTER else 0)
    assert arrived.missing == [[]]
    assert not hooks_on.box.here(root / "docs" / ".carryover").exists()


@RING
def test_two_projects_at_the_same_time(hooks_on: World, row: Row, a: str, b: str) -> None:
    """A waits in a command in one of them while both work in the other; then B comes to each."""
    first, second = clients(hooks_on, row, a, b)
    mine, theirs = hooks_on.project(f"{a}-{b}-mine"), hooks_on.project(f"{a}-{b}-mine-not", story.OTHER_FILES)
    gate = Gate(hooks_on.box, f"{a}-{b}-mine")
    with first.start(mine, story.TASK, *story.work(first, mine, mine), first.shell(gate.command)) as running:
        gate.wait_reached(first.RUNS_S)
        began = [tool.turn(theirs, OTHER_TASK, OTHER_ANSWER).requests[0] for tool in (first, second)]
        first.script(LAST_WORDS)
        gate.open()
        assert running.wait(first.RUNS_S) == 0
    settle_for(hooks_on, second)
    here, there = arrive(hooks_on, first, second, mine), arrive(hooks_on, first, second, theirs)
    leaked = [words for text in (*began, there.text) for words in FACTS.values() if words in text]

    row.shown(f"leaked: {said([*foreign(here.text), *leaked])}")
    assert here.missing == [[]]
    assert [OTHER_TASK in handoff for handoff in there.handoffs] == [True]
    assert [*foreign(here.text), *leaked] == []


@RING_OF_TERMINALS
def test_both_open_at_once(hooks_on: World, row: Row, a: str, b: str) -> None:
    """A in a terminal, in the middle of a turn, when B begins. Both tasks are in what comes next."""
    first, second = clients(hooks_on, row, a, b)
    root = hooks_on.project(f"{a}-{b}-at-once")
    gate = Gate(hooks_on.box, f"{a}-{b}-at-once")
    first.script(*story.work(first, root, root), first.shell(gate.command))
    with first.terminal(root) as terminal:
        terminal.enter(story.TASK)
        gate.wait_reached(first.RUNS_S)
        own = second.turn(root, OTHER_TASK, OTHER_ANSWER)
        first.script(LAST_WORDS)
        gate.open()
        terminal.wait_text(QUESTION)
        if first.ARRIVES != "hook":  # no hook tells of the end of its turn, which it writes later than it shows it
            wait_until(lambda: missing(handoffs.read(hooks_on.box, root), first) == [])
        [back] = second.turn(root, CONTINUE, "OK.", session=own.session).requests
    [last] = second.turn(root, CONTINUE, "OK.").requests
    [begun], [*before, moved], [handoff] = (handoffs.injected(text) for text in (own.requests[0], back, last))
    lead = handoffs.sections(handoff)["Task"]

    row.shown(f"B, begun in mid-turn of A, received: {' / '.join(handoffs.sections(begun)['Task'])}")
    row.shown(f"B, continuing, did not receive: {said(missing(moved, first))}")
    row.shown(f"a new session: {' / '.join(lead)}")
    assert GOAL in begun and "pricing.py" in begun
    assert before == ([begun] if second.KEEPS_INJECTED else [])
    assert MOVED_ON in handoffs.protocol(moved)
    assert OTHER_TASK in handoff
    assert [missing(text, first) for text in (moved, handoff)] == [[], []]


@pytest.mark.parametrize(("a", "b"), rows.ring(IDS, IDS, INJECTED))
def test_b_continues_its_own_session_after_a_worked(hooks_on: World, row: Row, a: str, b: str) -> None:
    first, second = clients(hooks_on, row, a, b)
    root = hooks_on.project(f"{a}-{b}-going-on")
    own = second.turn(root, OTHER_TASK, OTHER_ANSWER).session
    [unmoved] = second.turn(root, CONTINUE, "OK.", session=own).requests
    story.play(first, root)
    [moved] = second.turn(root, CONTINUE, "OK.", session=own).requests
    [again] = second.turn(root, CONTINUE, "OK.", session=own).requests
    found = [handoffs.injected(text) for text in (unmoved, moved, again)]

    row.shown(f"handoffs: nobody worked {len(found[0])}, A worked {len(found[1])}, nobody since {len(found[2])}")
    [handoff] = found[1]
    assert MOVED_ON in handoffs.protocol(handoff)
    assert missing(handoff, first) == []
    if second.KEEPS_INJECTED:
        assert (found[0], found[2]) == ([], [handoff])
    else:
        [[own_work], [resumed]] = found[0], found[2]
        assert all("This session was resumed" in handoffs.protocol(text) for text in (own_work, resumed))
        assert missing(resumed, first) == []


if LACKS:  # an empty table would show as a skipped row

    @pytest.mark.parametrize(("agent_id", "ability"), LACKS)
    def test_what_a_client_lacks_is_not_played(row: Row, agent_id: str, ability: Ability) -> None:
        pytest.skip(f'{tools()[agent_id].NAME} has no "{ability}": {tools()[agent_id].CANNOT[ability]}')


@dataclass(frozen=True, slots=True)
class Arrived:
    """What reached a client: its first request, the one that held the handoff, the handoffs in it, what each lacks."""

    first: str
    text: str
    handoffs: list[str]
    missing: list[list[str]]

    def said(self) -> str:
        where = "first" if self.text is self.first else "second"
        pointers = self.first.count(POINTER)
        lost = said([fact for facts in self.missing for fact in facts])
        return f"pointer {pointers} time(s); {len(self.handoffs)} handoff(s) in the {where} request; missing: {lost}"


def clients(world: World, row: Row, *ids: str) -> list[Tool]:
    for agent_id in ids:
        if agent_id in world.absent:
            pytest.skip(world.absent[agent_id])
        row.client(f"{tools()[agent_id].NAME} {tools()[agent_id].versions()[0]}")
    return [world.tools[agent_id] for agent_id in ids]


def arrive(world: World, giver: Tool, taker: Tool, root: Path) -> Arrived:
    """Starts a session, whose model reads the handoff where only the pointer is in the first request."""
    if world.arrives(taker) == "pointer":
        first, text = taker.turn(root, CONTINUE, taker.read(handoffs.path_in(root)), "OK.").requests
        assert (first.count(POINTER), handoffs.injected(first)) == (1, [])
        found = handoffs.injected(taker.without_line_prefixes(text))
    else:
        [first] = taker.turn(root, CONTINUE, "OK.").requests
        text, found = first, handoffs.injected(first)
    return Arrived(first, text, found, [missing(handoff, giver) for handoff in found])


def settle_for(world: World, tool: Tool) -> None:
    """Waits until all is published, for a client that reads the file; a hook itself reads what is not in it yet."""
    if world.arrives(tool) != "hook":
        product.settle(world.box)


def play_watched(world: World, row: Row, tool: Tool, root: Path, ending: Ending) -> None:
    """Plays it and waits until the file holds all; shows how long that took, and how many hooks may have helped."""
    calls = world.hook_calls()

    def published() -> bool:
        text = handoffs.read(world.box, root)
        return story.told_all(text, ending, tool) and (ending != "limit" or story.stands(tool) in text)

    session = story.play(tool, root, ending)
    wait_until(published)
    took_s = world.box.here(handoffs.path_in(root)).stat().st_mtime - tool.recorded_at_s(session)
    row.shown(
        f"in the file {took_s:+.2f} s after the last write of the transcript; "
        f"{world.hook_calls() - calls} hooks called in A's session"
    )
    if ending == "limit":
        next_action = " / ".join(handoffs.sections(handoffs.read(world.box, root))["Next action"])
        row.shown(f"next action: {next_action}")
        assert story.stands(tool) in next_action
    assert took_s < 5.0  # a second is promised; the rest is for a busy machine


def said(texts: list[str]) -> str:
    return ", ".join(texts) or "nothing"
