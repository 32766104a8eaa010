from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.errors import ExitCode
from carryover.export.session_parts import Part, numbered, session_parts
from carryover.faces.cli.sessions import LIMIT
from carryover.faces.cli.show import conversation
from carryover.ledger.queries import SHORTEST_ID, shortest_unique
from carryover.model import (
    AnyBody,
    AssistantMessage,
    FileEdit,
    QueuedPrompt,
    Retracted,
    SessionStart,
    StoredEvent,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
    id_in_command,
)
from carryover.past.context import state_dir
from carryover.past.without_daemon import catch_up
from carryover.text.pasted import as_pasted
from support.claude_session import ClaudeSession, ClaudeWork
from support.recorded_shop import CHECKOUT, DISCOUNT, Run

pytestmark = pytest.mark.usefixtures("utc")


def test_a_session_is_shown_as_a_conversation(recorded: Path, run: Run) -> None:
    heading, day, spoken, answered = run.out("show", CHECKOUT).split("\n\n")

    assert heading == f"Wire discount into checkout\nSession {CHECKOUT}\nClaude Code 2.1.328, ~/shop, main"
    assert re.fullmatch(r"\w+, \d\d \w+ \d{4}", day)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  You\n  Wire discount into checkout", spoken)
    time, who, *lines = answered.splitlines()[0].split("  ") + answered.splitlines()[1:]
    assert (len(time), who) == (len("HH:MM:SS"), "Claude Code")
    assert lines == [
        "  First the file.",
        "  · Added checkout.py +5 -0",
        *("      +from cart import discount", "      +", "      +", "      +def checkout(items):", "      +    pass"),
        "  ✗ Stopped at a usage limit: API Error: Request rejected (429) · This request would exceed your account's "
        "rate limit. Please try again lat…",
    ]


def test_the_last_session_of_the_project_needs_no_id(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.chdir(recorded)
    assert run("show")[1] == run("show", "last")[1] == run("show", CHECKOUT)[1]

    monkeypatch.chdir(home)
    assert f"No session is recorded for {home}." in run.err(ExitCode.NOTHING_FOUND, "show", "last")


MISSING: Final = (
    ("show c0de", ExitCode.USAGE, DISCOUNT),  # and the other session that begins so
    ("--all", ExitCode.USAGE, "unrecognized arguments: --all; `carryover sessions --all` does that\n"),
    ("logs -f", ExitCode.USAGE, "unrecognized arguments: -f; `tail -F ~/.carryover/carryoverd.log` does that\n"),
    (f"show {CHECKOUT} --turn 2", ExitCode.NOTHING_FOUND, "has 1 turn, so there is no turn 2."),
    (f"show {CHECKOUT} --turn 1-2", ExitCode.NOTHING_FOUND, "has 1 turn, so there is no turn 2."),
    (
        f"show {CHECKOUT} --turn 0",
        ExitCode.NOTHING_FOUND,
        f"Nothing is recorded of session {CHECKOUT} before its first",
    ),
    ("forget ffff --yes", ExitCode.NOTHING_FOUND, "No session begins with 'ffff'"),
    ("forget --project nowhere --yes", ExitCode.NOTHING_FOUND, "There is no folder "),
    ("sessions {shop} --agent codex", ExitCode.NOTHING_FOUND, "Without --agent, --since and --branch all are"),
    ("sessions {shop} --branch other --limit 99999999999999999999", ExitCode.NOTHING_FOUND, "--branch all are"),
    ("sessions {shop} --branch \udcff", ExitCode.USAGE, "\\udcff is not UTF-8, so it can't be used."),
    ("sessions {shop} --since now", ExitCode.NOTHING_FOUND, "Without --agent, --since and --branch all are"),
    ("sessions {shop}/..", ExitCode.NOTHING_FOUND, "No session is recorded for"),
)


def test_what_is_not_recorded_is_said(recorded: Path, run: Run) -> None:
    for line, code, said in MISSING:
        err = run.err(code, *line.format(shop=recorded).split())

        assert said in err and (said != DISCOUNT or CHECKOUT in err), line


def test_as_data_a_turn_has_its_events_only(recorded: Path, run: Run) -> None:
    whole = json.loads(run("show", DISCOUNT, "--json")[1])
    number = sum(event["body"]["kind"] == "user_prompt" for event in whole["events"])
    found = [json.loads(run("show", DISCOUNT, "--json", "--turn", str(n))[1]) for n in range(number + 1)]

    assert all(turn["session"] == whole["session"] for turn in found)
    assert [event for turn in found for event in turn["events"]] == whole["events"]
    assert [turn["events"][0]["body"]["kind"] for turn in found[1:]] == ["user_prompt"] * number


START_MS = 1_795_156_858_000  # 2026-11-20 06:40:58 UTC, a Friday


def told(
    body: AnyBody, *, at_ms: int = START_MS, subagent_id: str | None = None, retracted: bool = False
) -> StoredEvent:
    return StoredEvent(body=body, at_ms=at_ms, subagent_id=subagent_id, retracted=retracted)


def test_prompts_of_people_in_the_main_conversation_begin_turns() -> None:
    events = [
        told(SessionStart(reason="startup")),
        told(UserPrompt(text="")),
        told(AssistantMessage(text="one")),
        told(UserPrompt(text="a reminder", actor="model")),
        told(UserPrompt(text="look around"), subagent_id="a1"),
        told(UserPrompt(text="taken back"), retracted=True),
        told(UserPrompt(text="", command="/compact")),
        told(UserPrompt(text="go on")),
        told(AssistantMessage(text="three")),
    ]

    assert [turn for turn, _ in numbered(events)] == [0, 1, 1, 1, 1, 1, 2, 3, 3]


def _parts(events: Iterable[StoredEvent], root: str | None) -> Iterator[Part[str]]:
    return session_parts(events, agent="Claude Code", root=root)


def reported(*bodies: AnyBody, full: bool = False) -> list[str]:
    """The lines of a conversation that begins with a prompt, without the heading of the day and that prompt."""
    events = [told(UserPrompt(text="go")), *(told(body) for body in bodies)]
    lines = list(conversation(_parts(events, "/home/dev/shop"), "Claude Code", full=full))
    assert lines[:5] == ["", "Friday, 20 November 2026", "", "06:40:58  You", "  go"]
    return lines[5:]


def test_a_queued_prompt_stands_on_one_line_that_says_what_was_pasted() -> None:
    queued = QueuedPrompt(text=f"And why?\n\n{as_pasted('KeyError: total')}")

    assert reported(queued) == ["  · Prompt queued: And why? ~~~ pasted KeyError: total ~~~"]


def test_an_edit_shows_its_first_lines_and_in_full_all_of_it() -> None:
    diff = (
        "@@ +3 @@\n def total():\n-    return 0\n"
        + "\n".join(f"+    line {n}{' and so on' * 9 * (n == 1)}" for n in range(9))
        + "\n\\ 40 more lines"
    )
    edit = FileEdit(path="/home/dev/shop/cart.py", change="modify", added=49, removed=1, diff=diff)

    assert reported(edit)[2:] == [
        "  · Edited cart.py +49 -1",
        "      -    return 0",
        "      +    line 0",
        f"      +    line 1{' and so on' * 6} a…",
        *(f"      +    line {n}" for n in range(2, 5)),
        "      … 44 more lines: --full",
    ]
    assert reported(edit, full=True)[3:] == [f"      {line}".rstrip() for line in diff.split("\n")]


def test_what_the_user_took_back_is_marked_where_it_was_said() -> None:
    events = [
        told(UserPrompt(text="go")),
        told(UserPrompt(text="no, there"), retracted=True),
        told(ToolCall(call_id="1", name="Bash", op="shell", subject="sleep 100"), retracted=True),
        told(AssistantMessage(text="Going\n\nthere."), retracted=True),
        told(TurnEnd(reason="interrupted"), retracted=True),
        told(Retracted(keys=("k2", "k3"))),
        told(AssistantMessage(text="Here.")),
    ]

    lines = list(conversation(_parts(events, None), "Claude Code", full=False))

    assert lines[2:] == [
        *("", "06:40:58  You", "  go"),
        *("", "06:40:58  You (retracted)", "  no, there"),
        *("", "06:40:58  Claude Code (retracted)", "  Going", "", "  there.", "  · Interrupted  (retracted)"),
        *("", "06:40:58  Claude Code", "  Here."),
    ]


def test_a_prompt_more_than_a_minute_after_the_one_before_has_its_own_time() -> None:
    start = told(UserPrompt(text="go")).at_ms
    events = [
        told(UserPrompt(text="go")),
        told(UserPrompt(text="on"), at_ms=start + 60_000),
        told(TurnEnd(reason="limit"), at_ms=start + 61_000),
        told(UserPrompt(text="Add tests."), at_ms=start + 120_001),
    ]

    lines = list(conversation(_parts(events, None), "Claude Code", full=False))

    assert lines[2:] == [
        *("", "06:40:58  You", "  go", "  on", "  ✗ Stopped at a usage limit"),
        *("", "06:42:58  You", "  Add tests."),
    ]


def test_what_tools_printed_is_shown_in_full_only() -> None:
    """Without escape sequences, and with the indentation of each line."""
    output = "\n  1 \x1b[31mpassed\x1b[0m\x07\n  ok\n"
    result = ToolResult(call_id="1", name="Bash", op="shell", subject="make test", status="ok", output=output)

    assert reported(result)[2:] == ["  · Bash make test"]
    assert reported(result, full=True)[2:] == ["  · Bash make test", "        1 passed", "        ok"]


def test_a_search_that_finds_nothing_says_what_to_do_next(recorded: Path, home: Path, run: Run) -> None:
    said = [
        run.err(ExitCode.NOTHING_FOUND, "search", *where, "rhinoceros")
        for where in (["--project", str(recorded)], ["--all"])
    ]
    (state_dir().ledger).unlink()
    for transcript in home.rglob("*.jsonl"):
        transcript.unlink()
    said.append(run.err(ExitCode.NOTHING_FOUND, "search", "--all", "rhinoceros"))

    assert [err.splitlines()[-1] for err in said] == [
        f"carryover: Nothing recorded for {recorded} matches. `--all` searches every project.",
        "carryover: Nothing recorded matches. Other words, or a part of one, may.",
        "carryover: No session is recorded anywhere. `carryover status` says what is watched.",
    ]


def test_each_hit_has_two_lines_and_the_words_are_marked_on_a_terminal_only(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("search", "--project", str(recorded), "checkout")
    found, plain = json.loads(run(*command, "--json")[1]), run(*command)[1]
    assert (len(plain.splitlines()), "\x1b" in plain) == (2 * len(found["hits"]), False)

    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run(*command)[1]
    assert "\x1b[1;33mcheckout\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_where_nothing_has_all_words_some_are_enough_and_an_incomplete_index_says_so(recorded: Path, run: Run) -> None:
    with closing(sqlite3.connect(state_dir().ledger)) as db:
        db.execute("UPDATE search_state SET pending_to = (SELECT max(id) / 2 FROM event)")
        db.commit()

    code, _, err = run("search", "--project", str(recorded), "checkout", "rhinoceros")

    assert (code, "No entry has all of the words" in err) == (ExitCode.OK, True)
    assert "% of what is recorded can be searched yet" in err


def test_the_sessions_of_a_project_are_listed_newest_first(recorded: Path, run: Run) -> None:
    code, out, err = run("sessions", str(recorded))

    missing = "newer sessions may be missing here. `carryover start` has them read."
    assert (code, err) == (ExitCode.OK, f"carryoverd is not running: {missing}\n")
    first, newest, oldest = (re.split(" {2,}", line) for line in out.splitlines())
    assert first == ["SESSION", "AGENT", "LAST", "PROMPTS", "TASK"]
    assert [cell.strip() for cell in newest] == [
        *(CHECKOUT[:-1], "Claude Code", "just now", "1", "Wire discount into checkout")
    ]
    assert [cell.strip() for cell in oldest[:4]] == [DISCOUNT[:-1], "Claude Code", "just now", "2"]


@pytest.mark.parametrize("options", ["--agent claude", "--branch main --since 1h"])
def test_a_list_can_be_of_one_agent_one_time_or_one_branch(recorded: Path, run: Run, options: str) -> None:
    assert len(run("sessions", str(recorded), *options.split())[1].splitlines()) == 1 + 2


@given(st.lists(st.text("abc", min_size=1, max_size=12), unique=True))
def test_a_short_id_belongs_to_one_session(ids: list[str]) -> None:
    short = shortest_unique(ids)

    for name in ids:
        others = [other for other in ids if other != name and other.startswith(short[name])]
        assert name.startswith(short[name])
        assert others == [] or short[name] == name
        assert len(short[name]) >= min(SHORTEST_ID, len(name))


DOCUMENT: Final = (Path(__file__).parents[4] / "docs" / "json.md").read_text("utf-8")
ROW: Final = re.compile(r"^\| `([\w.\[\]]+)` \| ([a-z ]+) \| ", re.MULTILINE)
NAMED: Any = {"string": str, "number": (int, float), "boolean": bool, "array": list, "object": dict, "null": type(None)}
ASKED: Final = {
    "carryover sessions --json": ("sessions",),
    "carryover search --json": ("search", "discount"),
    "carryover log --json": ("log",),
    "carryover why FILE --json": ("why", "cart.py"),
    "carryover why FILE:LINE --json": ("why", "cart.py:1"),
    "carryover why COMMIT --json": ("why", "HEAD"),
}


@pytest.fixture
def committed(work: ClaudeWork) -> None:
    """A session that wrote and committed a file, in the folder that the command runs in."""
    work.prompt("add a discount")
    work.write("cart.py", "discount = 5\n")
    work.commit("Add a discount")


def documented() -> dict[str, dict[str, str]]:
    """By section, the type of each field."""
    sections = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]
    return {section.partition("\n")[0]: dict(ROW.findall(section)) for section in sections}


def fields_of(data: object, described: dict[str, str], at: str = "") -> Iterator[tuple[str, object]]:
    """Each field with its value, as the page names it; not what it leaves to another section."""
    if isinstance(data, list) and data and isinstance(data[0], dict):
        yield from fields_of(data[0], described, f"{at}[]." if at else "")
    elif isinstance(data, dict):
        for name, value in data.items():
            path = f"{at}{name}"
            inside = [field for field in described if field.startswith((f"{path}.", f"{path}[]."))]
            if path in described or not inside:
                yield path, value
            if inside:
                yield from fields_of(value, described, path if isinstance(value, list) else f"{path}.")


@pytest.mark.usefixtures("committed")
def test_each_field_is_described_with_its_type_and_no_other(run: Run) -> None:
    for section, asked in ASKED.items():
        described = documented()[section]

        found = dict(fields_of(json.loads(run(*asked, "--json")[1]), described))

        assert set(found) == set(described), section
        assert {name: value for name, value in found.items() if not _is(value, described[name])} == {}, section


def _is(value: Any, kinds: str) -> bool:
    allowed = tuple(NAMED[name] for name in kinds.split(" or "))
    return isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool))


@pytest.mark.usefixtures("committed")
def test_turns_and_commits_are_the_same_everywhere(run: Run) -> None:
    page = documented()
    [turn] = json.loads(run("why", "cart.py", "--json")[1])
    line, commit = (json.loads(run("why", asked, "--json")[1]) for asked in ("cart.py:1", "HEAD"))

    assert set(turn) == set(line["turns"][0]) == set(commit["turns"][0]) == set(page["carryover why FILE --json"])
    assert line["commit"] == commit["commit"]


def test_a_session_that_is_called_last_is_not_taken_for_the_newest() -> None:
    assert shortest_unique(["last", "lasting-one"]) == {"last": "las", "lasting-one": "lasting-"}
    assert (id_in_command("last"), id_in_command("last one"), id_in_command("lasting")) == ("las", "las", "lasting")


def test_the_number_of_sessions_is_given_as_in_every_other_list(recorded: Path, run: Run) -> None:
    one = run("sessions", "--all", "--limit", "1")

    assert one[0] == ExitCode.OK
    assert run("sessions", "--all", "-n", "1") == one


def test_a_list_that_is_cut_where_nobody_asked_for_it_says_so(recorded: Path, home: Path, run: Run) -> None:
    for number in range(LIMIT):
        ClaudeSession(home / ".claude" / "projects", recorded).prompt(f"Look at step {number}")
    catch_up(str(recorded))

    _, listed, said = run("sessions", str(recorded))
    more = "These are the newest; --limit N lists more.\n"
    assert (len(listed.splitlines()), said.endswith(more)) == (LIMIT + 1, True)
    for options in (("-n", "21"), ("--json",)):
        assert more not in run("sessions", str(recorded), *options)[2]
