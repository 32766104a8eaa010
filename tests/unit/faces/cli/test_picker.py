from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from carryover.distill.digest import Digest, EditedFile, Said, Turn
from carryover.errors import ExitCode
from carryover.faces.cli.picker import Picker, keys_line, list_lines, preview_lines
from carryover.faces.cli.picker_screen import LIT, highlighted
from carryover.past.picking import Match, preview_of
from carryover.terminal.output import columns
from support.agent_here import everything, only_this_path
from support.codex_session import CodexSession
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.terminal import CTRL_C, DOWN, ENTER, Terminal, played
from support.tools import program

NOW_MS = 1_800_000_000_000
HOME = Path("/home/ada")


def entry(number: int, project: str | None = "/home/ada/shop", **others: Any) -> dict[str, Any]:
    about = {"id": f"{number}abc-long", "short": f"{number}abc", "agent": "one", "agent_version": "1.2", "model": None}
    task = {"branch": "main", "title": None, "task": f"Task {number}", "prompts": 2}
    return about | task | {"project": project, "last_ms": NOW_MS - number * 60_000} | others


def picker(**others: Any) -> Picker:
    here = [entry(1), entry(2)]
    settings: dict[str, Any] = {
        "here": here,
        "everywhere": [entry(0, "/home/ada/notes"), *here, entry(3, None)],
        "agents": lambda: [("two", "Agent Two"), ("three", "Agent Three")],
        "names": {"one": "Agent One"},
    }
    return Picker(**(settings | others))


def turn(prompt: str, **others: Any) -> Turn:
    return Turn(session="1abc-long", number=1, at_ms=NOW_MS, last_ms=NOW_MS, prompt=prompt, **others)


def listed(model: Picker, width: int = 80) -> list[str]:
    return list_lines(model, now_ms=NOW_MS, home=HOME, width=width)


def preview(model: Picker, digest: Digest | None = None, width: int = 80) -> list[str]:
    shown = preview_of(digest) if digest is not None else None
    return list(preview_lines(model, lambda _: shown, now_ms=NOW_MS, width=width))


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


LONG = "Reformulate everything according to considerations of maintainability " * 8


@pytest.mark.parametrize("width", [60, 200])
@pytest.mark.parametrize("mode", ["list", "typing", "agents", "help"])
def test_nothing_is_wider_than_the_terminal(width: int, mode: Any) -> None:
    project = "/home/ada/clients/northwind/warehouse/shop"
    model = picker(everywhere=[entry(1, project, task=LONG, agent="copilot", branch="a branch " * 30)], here=[])
    model.names = {"copilot": "GitHub Copilot"}
    model.mode = mode
    digest = Digest(turns=(turn(LONG, said=(Said(text=LONG, at_ms=NOW_MS),)),))

    assert max(map(columns, [*listed(model, width), keys_line(model, width), *preview(model, digest, width)])) <= width


def test_typing_filters_by_words_of_the_list_and_by_what_was_found_elsewhere() -> None:
    model = picker(find=lambda word: ["1abc-long"] if "discount".startswith(word) else [])
    for sign in ("j", "/", *"disc Task"):
        model.press(sign)

    assert listed(model) == ["AGENT      LAST       TASK", "Agent One  1 min ago  Task 1"]
    assert keys_line(model, 80) == "/disc Task▏ 1 found · enter done · esc ends the filter"
    model.press("2")
    assert (model.entry, listed(model)[1:]) == (None, [])
    assert preview(model) == ["No session has all these words. esc ends the filter."]
    assert (model.command("show"), model.said) == (None, "No session is listed.")
    model.press("backspace")
    assert len(listed(model)) == 2
    model.type("end\n")
    assert model.typed == "disc Taskend "
    assert (model.press("escape"), model.typed, len(listed(model))) == (None, "", 3)
    model.type("q")
    assert model.typed == ""
    assert model.press("escape") == model.press("q") == []


def test_the_best_match_comes_first_then_the_newest_and_is_previewed() -> None:
    best = {"2abc-long": Match("answer", NOW_MS - 120_000, "The discount rounds down.")}
    model = picker(find=lambda _: ["1abc-long", "2abc-long"], matches=lambda typed, _: best if typed == "disc" else {})
    for sign in ("/", *"disc"):
        model.press(sign)

    assert listed(model)[1:] == ["Agent One  2 min ago  Task 2", "Agent One  1 min ago  Task 1"]
    assert preview(model)[0] == "answer 2 min ago: The discount rounds down."
    model.press("down")
    assert preview(model)[0] == "1abc, 1.2, main, 2 prompts"


def test_the_words_of_the_filter_are_lit() -> None:
    assert highlighted("A Discount on all", "disc", "reverse") == [
        ("reverse", "A "),
        (f"reverse {LIT}", "Disc"),
        ("reverse", "ount on all"),
    ]
    assert highlighted("A Discount", "", "") == [("", "A Discount")]


def test_another_agent_is_chosen_in_a_second_list() -> None:
    model = picker()
    model.press("c")
    model.press("down")

    assert preview(model) == ["Continue in", "  Agent Two", "› Agent Three"]
    assert model.press("enter") == ["to", "--session=1abc-long", "--", "three", "/home/ada/shop"]
    assert (model.press("escape"), model.mode, model.press("escape")) == (None, "list", [])


def test_what_cannot_be_done_is_said() -> None:
    model = picker(here=[], everywhere=[entry(3, None)])
    model.choose_agent()
    assert model.said == "This session belongs to no project, so no agent can take it over."
    assert model.command("copy") is None
    assert model.said == "This session belongs to no project, so it has no handoff."

    alone = picker(agents=list)
    alone.choose_agent()
    assert (alone.mode, alone.said[:8]) == ("list", "No agent")


def test_the_preview_says_what_was_asked_and_what_came_of_it() -> None:
    said = (Said(text="It is in login.html.", at_ms=NOW_MS),)
    newest = turn("Add a\x1b[2J login page", said=said, end="answered", changes=3, commits=("Add login (3f2a)",))
    digest = Digest(turns=(newest,), touched=(EditedFile(path="/home/ada/shop/login.html", change="add", at_ms=1),))

    assert preview(picker(), digest, 100) == [
        "1abc, 1.2, main, 2 prompts",
        "› Add a login page",
        "  ● It is in login.html.",
        "    just now: 3 changes, committed Add login (3f2a), answered",
        "files: shop/login.html",
    ]


PAGER = "sed 's/^/paged: /'; read -r _ < /dev/tty"


@pytest.fixture
def terminal_env(recorded: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Two sessions are recorded in the folder that is current; one agent can be started, and `xclip` takes text."""
    only_this_path(home, monkeypatch)
    program(home / "bin" / "codex", 'echo "started in $PWD with $1"')
    program(home / "bin" / "xclip", f"cat > '{home}/taken'")
    monkeypatch.chdir(recorded)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return {**os.environ, "DISPLAY": ":0", "PAGER": PAGER}


def test_enter_shows_the_session_in_the_pager_and_comes_back(terminal_env: dict[str, str]) -> None:
    steps = (("? keys", f"{DOWN}{ENTER}"), ("paged:   Checkout is next", ENTER), ("? keys", CTRL_C))
    code, text = played(CARRYOVER, *steps, env=terminal_env)

    assert "› Wire discount into checkout" in text
    assert "paged: Session c0de0000-0000-4000-8000-000000000001" in text
    assert (code, text.splitlines()[-1]) == (ExitCode.INTERRUPTED, "carryover: interrupted")


def test_the_mouse_wheel_chooses_and_the_filter_shows_where_it_matched(terminal_env: dict[str, str]) -> None:
    wheel_down = "\x1b[<65;5;3M"
    with Terminal(CARRYOVER, terminal_env) as terminal:
        terminal.wait_for("? keys")
        assert b"\x1b[?1006h" in terminal.shown
        terminal.press(f"{wheel_down}{ENTER}")
        terminal.wait_for("paged:   Checkout is next")
        terminal.press(ENTER)
        terminal.wait_for("? keys")
        terminal.press("/next check")
        terminal.wait_for("answer ")
        terminal.press(CTRL_C)
        assert terminal.end()[0] == ExitCode.INTERRUPTED


def test_the_terminal_is_as_before_after_the_picker_was_told_to_end(terminal_env: dict[str, str]) -> None:
    with Terminal(CARRYOVER, terminal_env) as terminal:
        terminal.wait_for("? keys")
        terminal.signal(signal.SIGTERM)
        code, _ = terminal.end()

        assert code == 128 + signal.SIGTERM
        assert terminal.is_given_back()


def test_a_key_continues_in_another_agent(terminal_env: dict[str, str], recorded: Path) -> None:
    code, text = played(CARRYOVER, ("? keys", "c"), ("Continue in", ENTER), env=terminal_env, lines=8)

    assert code == ExitCode.OK
    assert f"started in {recorded} with Read .carryover/handoff-chosen.md, then go on" in text


@pytest.mark.parametrize(
    ("key", "shown"), [(ENTER, "Session --yolo"), ("r", "'--yolo', is not one that Codex gives"), ("y", "(xclip)")]
)
def test_a_session_whose_id_looks_like_an_option_is_still_one(
    terminal_env: dict[str, str], recorded: Path, home: Path, run: Run, key: str, shown: str
) -> None:
    planted = CodexSession(home / "given", recorded, session="--yolo")
    planted.path = home / "given.jsonl"
    planted.prompt("Say hello.")
    assert run("import", str(planted.path))[0] == ExitCode.OK

    with Terminal(CARRYOVER, terminal_env) as terminal:
        terminal.wait_for("› Say hello.")
        terminal.press(key)
        terminal.wait_for(shown)
        terminal.press(ENTER, CTRL_C)


def test_the_filter_finds_what_was_answered_and_the_keys_are_shown(terminal_env: dict[str, str]) -> None:
    """ "Checkout is next" was said in the older of the two sessions."""
    steps = (
        *(("? keys", "?"), ("any key goes back", "x/next check")),
        ("1 found", f"{ENTER}{ENTER}"),  # no wait in between: only the cells that differ are drawn
        *(("paged: Session", ENTER), ("1 found · esc ends", "q")),
    )
    code, text = played(CARRYOVER, *steps, env=terminal_env, columns=80)

    assert "filter as you type, by words in prompts" in text
    assert (code, "Session c0de0000-0000-4000-8000-000000000001" in text) == (ExitCode.OK, True)


def test_before_an_install_it_lists_what_the_agents_left_and_writes_nothing(
    shop: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = everything(home)

    steps = (("nothing is kept", ENTER), ("paged: Session", ENTER), ("? keys", "q"))
    code, shown = played(CARRYOVER, *steps, env={**os.environ, "PAGER": PAGER})

    assert (code, "Wire discount into checkout" in shown, "~/shop" in shown) == (ExitCode.OK, True, True)
    assert (everything(home), list(tmp_path.iterdir())) == (before, [])


def test_without_any_history_it_says_where_it_looked_and_what_to_do_next(home: Path) -> None:
    code, text = played(CARRYOVER, columns=80)

    assert (code, "\n  Claude Code ~/.claude/projects\n" in text) == (ExitCode.OK, True)
    assert "`carryover install`" in text and "`carryover import FILE`" in text
    assert max(map(len, text.splitlines())) <= 80
    assert [path.name for path in home.iterdir()] == [".gitconfig"]


def test_where_nobody_can_pick_the_help_is_shown(home: Path) -> None:
    code, text = played(["env", "TERM=dumb", *CARRYOVER])

    assert (code, "examples:" in text) == (ExitCode.USAGE, True)
