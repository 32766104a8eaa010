from __future__ import annotations

from carryover.actions.project_handoff import MadeHandoff
from carryover.cli.handoff_json import as_data, with_reasons
from carryover.distill.entry import Entry, Section
from carryover.distill.handoff import Handoff
from carryover.distill.render import render


def made() -> MadeHandoff:
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
    handed = made()
    data = as_data(handed)

    sections = data.pop("sections")
    assert data == {
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
    said = as_data(made())["sections"][1]

    assert said["sources"][0] == [ruling, {**dict.fromkeys(ruling), "kind": "reply", "turn": 3}]
    assert len(said["sources"]) == len(said["lines"])
    assert "- Never round | Yes\n    why: prompt, claude-code, turn 2 of c0de, 1970-01-01T00:00:01Z\n" in with_reasons(
        made()
    )
