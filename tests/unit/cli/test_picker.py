from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carryover.cli.picker import Choice, Picker, keys_line, list_lines, preview_lines
from carryover.distill.digest import Digest, EditedFile, Turn
from carryover.terminal.width import columns

NOW_MS = 1_800_000_000_000
HOME = Path("/home/ada")


def entry(number: int, project: str | None = "/home/ada/shop", **others: Any) -> dict[str, Any]:
    return {
        "id": f"{number}abc-long",
        "short": f"{number}abc",
        "agent": "one",
        "agent_version": "1.2",
        "model": None,
        "project": project,
        "branch": "main",
        "title": None,
        "task": f"Task {number}",
        "prompts": 2,
        "last_ms": NOW_MS - number * 60_000,
    } | others


def picker(**others: Any) -> Picker:
    here = [entry(1), entry(2)]
    settings: dict[str, Any] = {
        "here": here,
        "everywhere": [entry(0, "/home/ada/notes"), *here, entry(3, None)],
        "agents": [("two", "Agent Two"), ("three", "Agent Three")],
        "names": {"one": "Agent One"},
    }
    return Picker(**(settings | others))


def turn(prompt: str, **others: Any) -> Turn:
    return Turn(session="1abc-long", number=1, at_ms=NOW_MS, last_ms=NOW_MS, prompt=prompt, **others)


def listed(model: Picker, width: int = 80) -> list[str]:
    return list_lines(model, now_ms=NOW_MS, home=HOME, width=width)


def test_the_sessions_of_the_project_come_first_and_all_are_on_a_key() -> None:
    model = picker()

    assert listed(model) == [
        "SESSION  AGENT      LAST       TASK",
        "1abc     Agent One  1 min ago  Task 1",
        "2abc     Agent One  2 min ago  Task 2",
    ]
    model.move(1)
    model.toggle_all()
    assert listed(model) == [
        "SESSION  AGENT      PROJECT  LAST       TASK",
        "0abc     Agent One  ~/notes  just now   Task 0",
        "1abc     Agent One  ~/shop   1 min ago  Task 1",
        "2abc     Agent One  ~/shop   2 min ago  Task 2",
        "3abc     Agent One  ?        3 min ago  Task 3",
    ]
    assert model.entry["id"] == "2abc-long"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    model = picker(here=[entry(1, task="word " * 80, branch="a branch " * 30)])
    shown = [*listed(model, width), keys_line(model, width)]
    shown += preview_lines(model, lambda _: Digest(turns=(turn("word " * 80),)), now_ms=NOW_MS, width=width)

    assert max(map(columns, shown)) <= width


def test_a_session_is_shown_copied_or_resumed() -> None:
    model = picker()

    assert [model.choice(does) for does in ("show", "copy", "resume")] == [
        Choice(does, "1abc-long", "/home/ada/shop") for does in ("show", "copy", "resume")
    ]


def test_another_agent_is_chosen_in_a_second_list() -> None:
    model = picker()
    model.choose_agent()
    model.move(1)

    assert list(preview_lines(model, lambda _: None, now_ms=NOW_MS, width=80)) == [
        "Continue in",
        "  Agent Two",
        "› Agent Three",
    ]
    assert model.choice("continue") == Choice("continue", "1abc-long", "/home/ada/shop", "three")
    assert (model.back(), model.choosing, model.back()) == (True, False, False)


def test_what_cannot_be_done_is_said() -> None:
    model = picker(here=[], everywhere=[entry(3, None)])
    model.choose_agent()
    nothing = model.said
    copied = model.choice("copy")

    assert (nothing, copied) == ("This session belongs to no project, so no agent can take it over.", None)
    assert model.said == "This session belongs to no project, so it has no handoff."

    alone = picker(agents=[])
    alone.choose_agent()
    assert (alone.choosing, alone.said[:8]) == (False, "No agent")


def test_the_preview_says_what_was_asked_and_what_came_of_it() -> None:
    newest = turn("Add a\x1b[2J login page", end="answered", changes=3, commits=("Add login (3f2a)",))
    digest = Digest(turns=(newest,), touched=(EditedFile(path="/home/ada/shop/login.html", change="add", at_ms=1),))
    asked: list[str] = []

    def digest_of(session: str) -> Digest:
        asked.append(session)
        return digest

    model = picker()
    for _ in range(2):
        shown = list(preview_lines(model, digest_of, now_ms=NOW_MS, width=100))

    assert shown == [
        "1.2, main, 2 prompts",
        "› Add a login page",
        "    just now: 3 changes, committed Add login (3f2a), answered",
        "files: login.html",
    ]
    assert asked == ["1abc-long"]
