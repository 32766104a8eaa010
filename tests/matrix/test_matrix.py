"""Every hand-over from one agent to another: what A left behind, however it ended, is what B begins with."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from carryover.agents import adapters
from matrix import story
from matrix.conftest import World
from matrix.tool import ENDINGS, Ending, Played, Tool, tools
from support.daemon_process import handoff_of, wait_until

TOOLS = tools()
PAIRS = list(itertools.product(TOOLS, repeat=2))
POINTER = "If `.carryover/handoff.md` exists in this project, read it before starting"
PROTOCOL = (
    "The task was to make discount() return whole cents, and the next planned action is round_cents(). "
    "Do you want to continue from here, or are you starting something different?"
)
OTHER_TASK = "Translate the axolotl guide to French"
OTHER_ANSWER = "The quokka chapter is French now. Next I will translate the okapi chapter."
OTHER_WORDS = ("axolotl", "quokka", "okapi")


def ids(value: object) -> str | None:
    return value.id if isinstance(value, Tool) else None


def told(world: World, tool: Tool, folder: Path, going_on: Played | None = None) -> str:
    """What the first request of a session that starts in `folder`, a moment later, holds of the hook's answer."""
    world.daemon.settle()
    call = tool.starts(world.home, folder, going_on)
    heard = world.hooks.call(call.event, call.payload, agent=tool.agent)
    return tool.takes_in(heard.text) if heard.status == 200 else ""


def forgets(tool: Tool) -> bool:
    hooks = adapters()[tool.agent].hooks
    return hooks is not None and hooks.forgets


def missing(text: str) -> list[str]:
    """The facts of the story that `text` does not tell."""
    return [fact for fact, words in story.FACTS.items() if words not in text]


def other_work(world: World, tool: Tool, root: Path, *, minutes_ago: float = 5) -> Played:
    session = tool.play(world.home, root, world.ago(minutes_ago))
    session.prompt(OTHER_TASK)
    session.say(OTHER_ANSWER)
    return session


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("a", "b"), PAIRS, ids=ids)
def test_b_begins_with_what_a_left(world: World, a: Tool, b: Tool, ending: Ending) -> None:
    root = world.project(f"{a.id}-{b.id}-{ending}")
    story.play(a.play(world.home, root, world.ago()), root, ending)

    text = told(world, b, root)

    assert missing(text) == []
    assert text.count("# [CARRYOVER] Last updated") == 1
    assert len(text.splitlines()) <= 50


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("a", "b"), PAIRS, ids=ids)
def test_without_hooks_b_is_led_to_it(world: World, a: Tool, b: Tool, ending: Ending) -> None:
    root = world.project(f"{a.id}-{b.id}-{ending}-quiet")
    story.play(a.play(world.home, root, world.ago()), root, ending)
    world.daemon.settle()

    assert POINTER in b.reads(root, root)
    assert missing(handoff_of(root)) == []


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=ids)
def test_talk_in_a_second_session_takes_nothing_away(world: World, a: Tool, b: Tool) -> None:
    root = world.project(f"{a.id}-{b.id}-talk")
    story.play(a.play(world.home, root, world.ago()), root, "closed")
    second = b.play(world.home, root, world.ago(2))
    second.prompt("continue")
    assert missing(told(world, a, root)) == []

    second.say(PROTOCOL)
    assert missing(told(world, a, root)) == []

    second.prompt("what was the reason again?")
    second.say("The amounts are stored as floats.")
    assert missing(told(world, a, root)) == []


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=ids)
def test_a_third_agent_has_all_after_the_second_ended_at_its_limit(world: World, a: Tool, b: Tool) -> None:
    root = world.project(f"{a.id}-{b.id}-third")
    story.play(a.play(world.home, root, world.ago()), root, "limit")
    second = b.play(world.home, root, world.ago(2))
    second.prompt("carry on where the other one left off")
    second.edit(root / "docs/notes.md", "nothing", "rounding is next")
    second.end("limit")

    text = told(world, a, root)

    assert missing(text) == []
    assert "docs/notes.md" in text


@pytest.mark.parametrize("a", TOOLS, ids=ids)
def test_the_watcher_alone_brings_the_end_of_a_session(world: World, a: Tool) -> None:
    """A limit and a killed client fire no hook, and nobody asks the daemon for anything."""
    root = world.project(f"{a.id}-watched")
    story.play(a.play(world.home, root, world.ago()), root, "limit")

    wait_until("the handoff", lambda: not missing(handoff_of(root)))


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=ids)
def test_a_in_a_subfolder_and_b_at_the_top(world: World, a: Tool, b: Tool) -> None:
    root = world.project(f"{a.id}-{b.id}-below")
    story.play(a.play(world.home, root / "docs", world.ago()), root, "closed")

    assert missing(told(world, b, root)) == []
    assert POINTER in b.reads(root, root)


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=ids)
def test_two_projects_at_the_same_time(world: World, a: Tool, b: Tool) -> None:
    mine = world.project(f"{a.id}-{b.id}-mine")
    theirs = world.project(f"{a.id}-{b.id}-mine-not")
    story.play(a.play(world.home, mine, world.ago()), mine, "closed")
    other_work(world, a, theirs)
    other_work(world, b, theirs)

    text, other = told(world, b, mine), told(world, b, theirs)

    assert missing(text) == []
    assert [word for word in OTHER_WORDS if word in text + handoff_of(mine)] == []
    assert OTHER_TASK in other
    assert [fact for fact, words in story.FACTS.items() if words in other + handoff_of(theirs)] == []


@pytest.mark.parametrize(("a", "b"), [(a, b) for a, b in PAIRS if a.timed and b.timed], ids=ids)
def test_both_at_once(world: World, a: Tool, b: Tool) -> None:
    """Turn by turn in one project: the newest task leads, the other one is named, and each is told once."""
    root = world.project(f"{a.id}-{b.id}-at-once")
    first, second = a.play(world.home, root, world.ago(5.1)), b.play(world.home, root, world.ago(5))
    story.work(first, root)
    second.prompt(OTHER_TASK)
    for _ in range(3):
        first.run("git status --short", " M pricing.py\n", 0)
    first.say(f"The test still fails. {story.NEXT} {story.QUESTION}")
    second.say(OTHER_ANSWER)

    text = told(world, b, root)
    task = text.partition("## Task")[2].partition("## ")[0]

    assert OTHER_TASK in task
    assert missing(text.replace(task, "")) == []


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=ids)
def test_b_goes_on_with_its_own_session_after_a_worked(world: World, a: Tool, b: Tool) -> None:
    root = world.project(f"{a.id}-{b.id}-going-on")
    own = other_work(world, b, root, minutes_ago=20)
    # One that forgets what it was given gets it again.
    assert (told(world, b, root, going_on=own) != "") == forgets(b)

    story.play(a.play(world.home, root, world.ago()), root, "closed")

    assert missing(told(world, b, root, going_on=own)) == []


@pytest.mark.parametrize(("starts_in", "edits_by"), [("link", "link"), ("link", "real"), ("real", "link")])
@pytest.mark.parametrize("a", TOOLS, ids=ids)
def test_a_project_reached_over_a_link_is_the_same_project(
    world: World, a: Tool, starts_in: str, edits_by: str
) -> None:
    """Its files are named whichever way the agent wrote them down; a session in either folder is told of them."""
    real = world.project(f"{a.id}-{starts_in}-{edits_by}-linked")
    link = world.home / f"link-to-{real.name}"
    link.symlink_to(real)
    places = {"link": link, "real": real}
    story.play(a.play(world.home, places[starts_in], world.ago()), places[edits_by], "closed")

    texts = [told(world, b, folder) for b in TOOLS for folder in (real, link)]

    assert [missing(text) for text in (*texts, handoff_of(real))] == [[]] * (len(texts) + 1)
    assert "\n- `pricing.py`" in handoff_of(real)
