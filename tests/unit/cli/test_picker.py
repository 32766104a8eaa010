from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carryover.cli.picker import Choice, Picker, keys_line, list_lines, preview_lines
from carryover.distill.digest import Digest, EditedFile, Said, Turn
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


def said(text: str) -> Said:
    return Said(text=text, at_ms=NOW_MS)


def listed(model: Picker, width: int = 80) -> list[str]:
    return list_lines(model, now_ms=NOW_MS, home=HOME, width=width)


def test_the_sessions_of_the_project_come_first_and_all_are_on_a_key() -> None:
    model = picker()

    assert listed(model) == [
        "AGENT      LAST       TASK",
        "Agent One  1 min ago  Task 1",
        "Agent One  2 min ago  Task 2",
    ]
    model.move(1)
    model.toggle_all()
    assert listed(model) == [
        "AGENT      PROJECT  LAST       TASK",
        "Agent One  ~/notes  just now   Task 0",
        "Agent One  ~/shop   1 min ago  Task 1",
        "Agent One  ~/shop   2 min ago  Task 2",
        "Agent One  ?        3 min ago  Task 3",
    ]
    assert model.entry is not None and model.entry["id"] == "2abc-long"


WIDTHS = [60, 200]
LONG = "Reformulate everything according to considerations of maintainability " * 8


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("mode", ["list", "typing", "agents", "help"])
def test_nothing_is_wider_than_the_terminal(width: int, mode: Any) -> None:
    project = "/home/ada/clients/northwind/warehouse/shop"
    model = picker(everywhere=[entry(1, project, task=LONG, agent="copilot", branch="a branch " * 30)], here=[])
    model.names["copilot"] = "GitHub Copilot"
    model.mode = mode
    digest = Digest(turns=(turn(LONG, said=(said(LONG),)),))

    preview = preview_lines(model, lambda _: digest, now_ms=NOW_MS, width=width)

    assert max(map(columns, [*listed(model, width), keys_line(model, width), *preview])) <= width


def test_typing_filters_by_words_of_the_list_and_by_what_was_found_elsewhere() -> None:
    asked: list[str] = []

    def find(word: str) -> list[str]:
        asked.append(word)
        return ["1abc-long"] if "discount".startswith(word) else []

    model = picker(find=find)
    model.mode = "typing"
    model.move(1)
    for sign in "disc Task":
        model.type(sign)

    assert listed(model) == ["AGENT      LAST       TASK", "Agent One  1 min ago  Task 1"]
    assert keys_line(model, 80) == "/disc Task▏ 1 found · enter done · esc ends the filter"
    assert asked[-1] == "disc"
    for sign in "2":
        model.type(sign)
    assert (model.entry, listed(model)[1:]) == (None, [])
    assert list(preview_lines(model, lambda _: None, now_ms=NOW_MS, width=80)) == [
        "No session has all these words. esc ends the filter."
    ]
    assert (model.choice("show"), model.said) == (None, "No session is listed.")
    model.erase()
    assert len(listed(model)) == 2
    assert (model.back(), model.typed, len(listed(model))) == (True, "", 3)
    assert model.back() is False


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
    assert (model.back(), model.mode, model.back()) == (True, "list", False)


def test_what_cannot_be_done_is_said() -> None:
    model = picker(here=[], everywhere=[entry(3, None)])
    model.choose_agent()
    nothing = model.said
    copied = model.choice("copy")

    assert (nothing, copied) == ("This session belongs to no project, so no agent can take it over.", None)
    assert model.said == "This session belongs to no project, so it has no handoff."

    alone = picker(agents=[])
    alone.choose_agent()
    assert (alone.mode, alone.said[:8]) == ("list", "No agent")


def test_the_preview_says_what_was_asked_and_what_came_of_it() -> None:
    said_last = (said("It is in login.html."),)
    newest = turn("Add a\x1b[2J login page", said=said_last, end="answered", changes=3, commits=("Add login (3f2a)",))
    digest = Digest(turns=(newest,), touched=(EditedFile(path="/home/ada/shop/login.html", change="add", at_ms=1),))
    asked: list[str] = []

    def digest_of(session: str) -> Digest:
        asked.append(session)
        return digest

    model = picker()
    for _ in range(2):
        shown = list(preview_lines(model, digest_of, now_ms=NOW_MS, width=100))

    assert shown == [
        "1abc, 1.2, main, 2 prompts",
        "› Add a login page",
        "  ● It is in login.html.",
        "    just now: 3 changes, committed Add login (3f2a), answered",
        "files: login.html",
    ]
    assert asked == ["1abc-long"]


def test_the_preview_of_a_note_has_no_prompt() -> None:
    digest = Digest(turns=(turn("", said=(said("The cache is sound."),), end="answered"),))

    shown = list(preview_lines(picker(), lambda _: digest, now_ms=NOW_MS, width=100))

    assert shown[1:] == ["  ● The cache is sound."]
