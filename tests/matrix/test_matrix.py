"""Every handover from one agent to another: what A left behind, however it ended, is what B begins with.

That is proved for each pair; all else for each agent as the one that leaves and as the one that takes over, so that
another agent adds few rows (`rows.py`). By day each agent leaves once, by its end or, every second one, by a limit; the
rest is for the night.
"""

from __future__ import annotations

import itertools
from http import HTTPStatus
from pathlib import Path

import pytest

from carryover.agents import adapters
from matrix import rows, story
from matrix.conftest import World
from matrix.tool import ENDINGS, Ending, Played, Tool, tools
from support.daemon_process import handoff_of, wait_until

TOOLS = {tool.id: tool for tool in tools()}
IDS = tuple(TOOLS)
WITH_HOOKS = [tool.id for tool in TOOLS.values() if tool.starts is not None]
TIMED = [tool.id for tool in TOOLS.values() if tool.timed]
EACH = pytest.mark.parametrize("a", IDS)
EACH_PAIR = rows.pairs_by_ending(IDS, lambda _agent, _ending: True)
ONWARD = pytest.mark.parametrize(("a", "b"), list(zip(IDS, (*IDS[1:], IDS[0]), strict=True)))
NIGHT = pytest.mark.night
BY_DAY: tuple[Ending, ...] = ("closed", "limit")
EACH_ENDING = pytest.mark.parametrize(
    ("a", "ending"),
    [
        pytest.param(a, ending, marks=() if ending == BY_DAY[at % len(BY_DAY)] else NIGHT)
        for at, a in enumerate(IDS)
        for ending in ENDINGS
    ],
)
POINTER = "If `.carryover/handoff.md` exists in this project, read it before starting"
PROTOCOL = (
    "The task was to make discount() return whole cents, and the next planned action is round_cents(). "
    "Do you want to continue from here, or are you starting something different?"
)
OTHER_TASK = "Translate the axolotl guide to French"
OTHER_ANSWER = "The quokka chapter is French now. Next I will translate the okapi chapter."
OTHER_WORDS = ("axolotl", "quokka", "okapi")


def reported(world: World, tool: Tool, folder: Path, going_on: Played | None = None) -> str:
    """What the first request of a session that starts in `folder`, a moment later, holds of the hook's answer.

    Without such a hook: what its instructions lead it to.
    """
    world.daemon.settle()
    return begun(world, tool, folder, going_on)


def begun(world: World, tool: Tool, folder: Path, going_on: Played | None = None) -> str:
    """The same, of what was read and published before."""
    if tool.starts is None:
        root = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)
        return led_to(tool, root, folder)
    call = tool.starts(world.home, folder, going_on)
    answer = world.hooks.call_in_time(call.event, call.payload, agent=tool.agent)
    return tool.takes_in(answer.text) if answer.status == HTTPStatus.OK else ""


def led_to(tool: Tool, root: Path, folder: Path) -> str:
    """What it loads; else the handoff, where a file that it reads by itself points to it; else what it reads."""
    if tool.loads is not None:
        return tool.loads(folder)
    instructions = tool.reads(root, folder)
    return handoff_of(root) if POINTER in instructions else instructions


def missing(text: str, by: str) -> list[str]:
    """The facts of the story that `text` does not tell, of those that the records of the agent `by` hold."""
    return [fact for fact, words in story.FACTS.items() if words not in text and fact not in TOOLS[by].silent_on]


def forgets(agent: str) -> bool:
    """Whether a resumed session has lost what a hook gave to it."""
    hooks = adapters()[TOOLS[agent].agent].hooks
    return hooks is not None and hooks.forgets is not None


def played(world: World, agent: str, root: Path, *, minutes_ago: float = 5) -> Played:
    """A new session of that agent in the project."""
    return TOOLS[agent].play(world.home, root, world.ago(minutes_ago))


def other_work(world: World, agent: str, root: Path, *, minutes_ago: float = 5) -> Played:
    session = played(world, agent, root, minutes_ago=minutes_ago)
    session.prompt(OTHER_TASK)
    session.say(OTHER_ANSWER)
    return session


@EACH_ENDING
def test_each_b_begins_with_what_a_left(world: World, a: str, ending: Ending) -> None:
    """By its hook, and without one where its instructions lead it: each b after one of the endings."""
    root = world.project(f"{a}-{ending}")
    read_before = world.daemon.settle if TOOLS[a].deletes and ending == "compacted" else None
    story.play(played(world, a, root), root, ending, before_end=read_before)
    world.daemon.settle()
    takers = [b for giver, b, how in EACH_PAIR if (giver, how) == (a, ending)]

    led = {b: led_to(TOOLS[b], root, root) for b in takers}  # before any hook was called in that project
    texts = {b: begun(world, TOOLS[b], root) for b in takers}

    assert {b: lacking for b, text in led.items() if (lacking := missing(text, a))} == {}
    assert {b: lacking for b, text in texts.items() if (lacking := missing(text, a))} == {}
    assert [b for b, text in texts.items() if text.count("# [CARRYOVER] Last updated") != 1] == []
    assert [b for b, text in texts.items() if len(text.splitlines()) > 50] == []


@NIGHT
@ONWARD
def test_talk_in_a_second_session_takes_nothing_away(world: World, a: str, b: str) -> None:
    root = world.project(f"{a}-{b}-talk")
    story.play(played(world, a, root), root, "closed")
    second = played(world, b, root, minutes_ago=2)
    second.prompt("continue")
    assert missing(reported(world, TOOLS[a], root), a) == []

    second.say(PROTOCOL)
    assert missing(reported(world, TOOLS[a], root), a) == []

    second.prompt("what was the reason again?")
    second.say("The amounts are stored as floats.")
    assert missing(reported(world, TOOLS[a], root), a) == []


@NIGHT
@pytest.mark.parametrize(("a", "b", "c"), rows.chains(IDS, IDS))
def test_a_third_agent_has_all_after_the_second_ended_at_its_limit(world: World, a: str, b: str, c: str) -> None:
    root = world.project(f"{a}-{b}-{c}-third")
    story.play(played(world, a, root), root, "limit")
    second = played(world, b, root, minutes_ago=2)
    second.prompt("carry on where the other one left off")
    second.edit(root / "docs/notes.md", "nothing", "rounding is next")
    second.end("limit")

    text = reported(world, TOOLS[c], root)

    assert missing(text, a) == []
    assert "docs/notes.md" in text


@NIGHT
@EACH
def test_a_line_names_the_turn_that_wrote_it(world: World, a: str) -> None:
    root = world.project(f"{a}-line")
    session = played(world, a, root)
    story.work(session, root)
    (root / "pricing.py").write_text("def discount(price, percent):\n    return price * (100 - percent) / 100\n")
    session.say(story.NEXT)
    session.end("closed")
    world.daemon.settle()

    found = [world.command("why", f"{root / 'pricing.py'}:{line}", "--json") for line in (1, 2)]

    assert [turn["prompt"] for turn in found[1]["turns"]] == [f"{story.GOAL}. {story.RULING}."]
    # Some clients do not say what they wrote: then the turn is one that may have written the line.
    assert found[0]["found"] in ("before", "turns", "unknown")


@pytest.mark.night
def test_the_watcher_alone_brings_the_end_of_a_session(world: World) -> None:
    """A limit and a killed client fire no hook, and nobody asks the daemon for anything."""
    roots = {a: world.project(f"{a}-watched") for a in IDS}
    for a, root in roots.items():
        story.play(played(world, a, root), root, "limit")

    wait_until("the handoffs", lambda: not any(missing(handoff_of(root), a) for a, root in roots.items()))


@NIGHT
@ONWARD
def test_two_projects_at_the_same_time_of_which_a_is_in_a_subfolder_and_b_at_the_top(
    world: World, a: str, b: str
) -> None:
    mine = world.project(f"{a}-{b}-mine")
    theirs = world.project(f"{a}-{b}-mine-not")
    story.play(TOOLS[a].play(world.home, mine / "docs", world.ago()), mine, "closed")
    other_work(world, a, theirs)
    other_work(world, b, theirs)

    text, other = reported(world, TOOLS[b], mine), reported(world, TOOLS[b], theirs)

    assert missing(text, a) == []
    assert missing(led_to(TOOLS[b], mine, mine), a) == []
    assert [word for word in OTHER_WORDS if word in text + handoff_of(mine)] == []
    assert OTHER_TASK in other
    assert [fact for fact, words in story.FACTS.items() if words in other + handoff_of(theirs)] == []


@NIGHT
@pytest.mark.parametrize(("a", "b"), rows.ring(IDS, TIMED, TIMED))
def test_both_at_once(world: World, a: str, b: str) -> None:
    """Turn by turn in one project: the newest work leads, and what the other one left open stands there too."""
    root = world.project(f"{a}-{b}-at-once")
    first, second = played(world, a, root, minutes_ago=5.1), played(world, b, root)
    story.work(first, root)
    second.prompt(OTHER_TASK)
    first.say(f"The test still fails. {story.NEXT} {story.QUESTION}")
    for _ in range(6):
        second.run("git status --short", " M pricing.py\n", 0)
    second.edit(root / "docs/notes.md", "nothing", "rien")
    second.say(OTHER_ANSWER)

    text = reported(world, TOOLS[b], root)
    task = text.partition("## Task")[2].partition("## ")[0]

    # Cursor writes no times down, so which of the two did something last is not known.
    assert OTHER_TASK in (text if a == "cursor" else task), text
    assert missing(text, a) == []
    assert [words for words in (story.GOAL, OTHER_TASK, story.QUESTION) if text.count(words) != 1] == [], text


@NIGHT
@pytest.mark.parametrize(("a", "b"), rows.ring(IDS, IDS, WITH_HOOKS))
def test_b_continues_with_its_own_session_after_a_worked(world: World, a: str, b: str) -> None:
    root = world.project(f"{a}-{b}-going-on")
    own = other_work(world, b, root, minutes_ago=20)
    assert (reported(world, TOOLS[b], root, going_on=own) != "") == forgets(b)

    story.play(played(world, a, root), root, "closed")

    assert missing(reported(world, TOOLS[b], root, going_on=own), a) == []


OVER_A_LINK = itertools.cycle([("link", "link"), ("link", "real"), ("real", "link")])


@NIGHT
@pytest.mark.parametrize(("a", "starts_in", "edits_by"), [(a, *next(OVER_A_LINK)) for a in IDS])
def test_a_project_reached_over_a_link_is_the_same_project(world: World, a: str, starts_in: str, edits_by: str) -> None:
    """Its files are named whichever way the agent wrote them down; a session in either folder is told of them."""
    another = IDS[(IDS.index(a) + 1) % len(IDS)]
    real = world.project(f"{a}-{starts_in}-{edits_by}-linked")
    link = world.home / f"link-to-{real.name}"
    link.symlink_to(real)
    places = {"link": link, "real": real}
    story.play(TOOLS[a].play(world.home, places[starts_in], world.ago()), places[edits_by], "closed")

    texts = [reported(world, TOOLS[b], folder) for b in (a, another) for folder in (real, link)]

    assert [missing(text, a) for text in (*texts, handoff_of(real))] == [[]] * (len(texts) + 1)
    assert "\n- `pricing.py`" in handoff_of(real)
