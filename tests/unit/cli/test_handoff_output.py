from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from carryover.actions.project_handoff import MadeHandoff
from carryover.cli.handoff_output import as_data, lines_for_person, with_reasons
from carryover.distill.entry import Entry, Kind, Section
from carryover.distill.handoff import Handoff
from carryover.distill.render import render
from support.forked import CARRYOVER
from support.terminal import Terminal

NOW = datetime(2026, 11, 20, 15, tzinfo=timezone(timedelta(hours=1)))
UPDATED_MS = int(NOW.timestamp() * 1000) - 2 * 3_600_000


def section(title: str, text: str, kind: Kind = "prompt", label: str = "") -> Section:
    return Section(title, (Entry(text=text, kind=kind, label=label),))


def made(*sections: Section) -> MadeHandoff:
    handoff = Handoff(updated_ms=UPDATED_MS, agent="Codex", resume="ask", session="3f2a", head=None, sections=sections)
    return MadeHandoff(root="/home/ada/code/shop", handoff=handoff, text="")


def shown(*sections: Section, width: int = 72) -> list[str]:
    lines = lines_for_person(made(*sections), now_ms=int(NOW.timestamp() * 1000), home=Path("/home/ada"), width=width)
    return "\n".join(lines).split("\n")


@pytest.mark.usefixtures("utc")
def test_it_is_laid_out_for_a_person() -> None:
    assert shown(
        section("Task", "Add a discount", label="Prompt (turn 1, 30 min earlier)"),
        section("Next action", "Limit; for the user: `carryover to aider`", kind="limit"),
        section("Recent files", "`cart.py`: edited 30 min earlier, tests pass", kind="edit"),
    ) == [
        "~/code/shop",
        "last work 2026-11-20 12:00 (2 h ago), Codex",
        "",
        "Task",
        "  · Prompt (turn 1, 30 min earlier): Add a discount",
        "",
        "Next action",
        "  · Limit; `carryover to aider`",
        "",
        "Recent files",
        "  · `cart.py`: edited 30 min earlier, tests pass",
        "",
        "carryover show 3f2a  the whole session",
        "carryover handoff --raw  the text that agents get",
    ]


def on_terminal(shop: Path, *arguments: str) -> str:
    command = [*CARRYOVER, "handoff", str(shop), *arguments]
    with Terminal(command, {**os.environ, "PAGER": "cat"}) as terminal:
        code, text = terminal.end()
    assert code == 0
    return text


def test_on_a_terminal_a_person_reads_it_and_agents_get_the_file(shop: Path, capfd: pytest.CaptureFixture[str]) -> None:
    person, raw = on_terminal(shop), on_terminal(shop, "--raw")

    assert person.startswith("~/shop\nlast work ")
    assert "Wire discount into checkout" in person
    assert not any(order in person for order in ("MUST", "RESUME PROTOCOL", "Do not begin"))
    assert raw.startswith("# [CARRYOVER] Last updated ")
    assert "Your first response in this session MUST be:" in raw


def long_handoff() -> MadeHandoff:
    ruling = Entry(text="Never round", kind="prompt", weight=1, session="c0de", agent="claude-code", turn=2, at_ms=1000)
    short = Entry(text="Never round | Yes", kind="prompt", members=(ruling, Entry(text="Yes", kind="reply", turn=3)))
    words = tuple(Entry(text=f"Ruling {number}", kind="prompt", weight=10 + number) for number in range(60))
    handoff = Handoff(
        updated_ms=1_795_156_858_000,
        agent="Claude Code",
        agent_id="claude-code",
        resume="ask",
        session="c0de",
        head="abc1234",
        sections=(
            Section("Task", (Entry(text="Add a ## discount", kind="prompt"),)),
            Section("What the user said", (short, *words)),
        ),
    )
    return MadeHandoff(root="/home/dev/shop", handoff=handoff, text=render(handoff))


def test_the_data_holds_what_is_printed_and_nothing_that_was_cut() -> None:
    handed = long_handoff()
    data = as_data(handed)

    sections = data.pop("sections")
    assert data == {
        "format": "carryover-handoff/1.0",
        "project": "/home/dev/shop",
        "updated": "2026-11-20T06:40:58Z",
        "updated_ms": 1_795_156_858_000,
        "agent": "claude-code",
        "agent_name": "Claude Code",
        "resume_protocol": "ask",
        "session": "c0de",
        "head": "abc1234",
        "text": handed.text,
    }
    assert [section["title"] for section in sections] == ["Task", "What the user said"]
    assert sections[0]["lines"] == ["Add a ## discount"]
    assert 0 < len(sections[1]["lines"]) < 60
    printed = [line for section in sections for line in (f"## {section['title']}", *section["lines"])]
    assert printed == [line.removeprefix("- ") for line in handed.text.splitlines() if line.startswith(("- ", "## "))]


def test_each_line_names_all_the_records_that_it_comes_from() -> None:
    ruling = {
        "kind": "prompt",
        "agent": "claude-code",
        "session": "c0de",
        "turn": 2,
        "at": "1970-01-01T00:00:01Z",
        "at_ms": 1000,
    }
    said = as_data(long_handoff())["sections"][1]

    assert said["sources"][0] == [ruling, {**dict.fromkeys(ruling), "kind": "reply", "turn": 3}]
    assert len(said["sources"]) == len(said["lines"])
    assert "- Never round | Yes\n    why: prompt, claude-code, turn 2 of c0de, 1970-01-01T00:00:01Z\n" in with_reasons(
        long_handoff()
    )
