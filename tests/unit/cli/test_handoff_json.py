from __future__ import annotations

from carryover.cli.handoff_json import MadeHandoff, as_data
from carryover.distill.handoff import Handoff, Line, Section
from carryover.distill.render import render
from carryover.distill.sections.entry import Entry


def test_the_data_holds_what_is_printed_and_nothing_that_was_cut() -> None:
    decisions = tuple(Line(Entry(text=f"Ruling {number}", rule="test"), 10 + number) for number in range(60))
    handoff = Handoff(
        updated_ms=1_795_156_858_000,
        agent="Claude Code",
        agent_id="claude-code",
        resume="ask",
        session="c0de",
        head="abc1234",
        sections=(
            Section("Task", (Line(Entry(text="Add a ## discount", rule="test"), 0),)),
            Section("Decisions", decisions),
        ),
    )
    text = render(handoff)

    data = as_data(MadeHandoff(root="/home/dev/shop", handoff=handoff, text=text))

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
        "text": text,
    }
    assert [section["title"] for section in sections] == ["Task", "Decisions"]
    assert sections[0]["lines"] == ["Add a ## discount"]
    assert 0 < len(sections[1]["lines"]) < 60
    printed = [line for section in sections for line in (f"## {section['title']}", *section["lines"])]
    assert printed == [line.removeprefix("- ") for line in text.splitlines() if line.startswith(("- ", "## "))]
