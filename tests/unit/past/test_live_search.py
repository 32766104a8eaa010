from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carryover.errors import ExitCode, UserError
from carryover.ledger.search_text import terms_of
from carryover.model import AssistantMessage, ToolCall, ToolResult
from carryover.past.live_preview import (
    LONGEST_LINE,
    LONGEST_PART,
    TOOL_LINES,
    Preview,
    PreviewLine,
    WantedPreview,
    preview_of,
    word_places,
)
from carryover.past.live_search import (
    LISTED,
    SOME_WORDS,
    Filter,
    ListQuery,
    TimeSpan,
    day_filter,
    is_kept,
    listing_of,
    live_search,
)
from support.scribe import AGENT, Scribe

WIDTH = 200


def ran(call_id: str, command: str, output: str) -> tuple[ToolCall, ToolResult]:
    call = ToolCall(call_id=call_id, name="Bash", op="shell", subject=command)
    return call, ToolResult(call_id=call_id, name="Bash", op="shell", subject=command, status="ok", output=output)


def listed(scribe: Scribe, typed: str, **asked: Any) -> list[str]:
    return [item.line for item in listing_of(scribe.db, ListQuery(typed, **asked)).items]


def preview(scribe: Scribe, typed: str, width: int = WIDTH) -> Preview:
    listing = listing_of(scribe.db, ListQuery(typed))
    return preview_of({"s1": "s"}, scribe.db, WantedPreview(listing.items[0], listing.terms, width))


def lit(line: PreviewLine) -> list[str]:
    return [line.text[start:end] for start, end in line.places]


async def test_without_words_the_newest_sessions_are_listed(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a\n parser", at_ms=1_000),
        scribe.event("draw it", at_ms=2_000, session="s2", cwd="/other"),
        scribe.event("add a test", at_ms=3_000),
    )

    assert listed(scribe, " ") == ["add a parser", "draw it"]
    assert listed(scribe, "", span=TimeSpan(2_500)) == ["add a parser"]
    assert listed(scribe, "", span=TimeSpan(None, 2_000)) == ["add a parser"]
    assert listed(scribe, "", agent="codex") == []


async def test_sessions_whose_names_have_all_words_come_before_the_hits(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("draw a parser", session="s2", cwd="/other/shop"),
        scribe.event("add s2 to the shop", at_ms=9_000),
    )

    rows = [(item.kind, item.line) for item in listing_of(scribe.db, ListQuery("S2 shop")).items]
    assert rows == [("session", "draw a parser"), ("prompt", "add s2 to the shop")]
    assert listed(scribe, "s2 shop", kinds=("prompt",)) == ["add s2 to the shop"]


async def test_hits_are_what_the_filters_leave_and_a_note_says_if_words_are_missing(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a parser", at_ms=1_000),
        scribe.event(AssistantMessage(text="The parser is there."), at_ms=2_000),
    )

    assert listed(scribe, "parser") == ["add a parser", "The parser is there."]
    assert listed(scribe, "parser", kinds=("answer",)) == ["The parser is there."]
    assert listed(scribe, "parser", span=TimeSpan(2_000)) == ["The parser is there."]
    assert listed(scribe, "parser", span=TimeSpan(1_000, 2_000)) == ["add a parser"]
    assert listed(scribe, "parser", agent="codex") == listed(scribe, "parser", project_id=0) == []
    assert listing_of(scribe.db, ListQuery("parser")).note == ""
    assert listing_of(scribe.db, ListQuery("parser rhinoceros")).note == SOME_WORDS


def test_each_of_the_last_days_can_be_chosen_and_they_meet() -> None:
    names = list(day_filter(None).values)
    days = [span for span in day_filter(None).values.values() if span.since_ms is not None]

    assert names[:3] == ["any", "today", "yesterday"]
    assert names[-2:] == ["last 7 days", "last 30 days"]
    assert [day.until_ms for day in days[:7]] == [None, *(day.since_ms for day in days[:6])]
    assert days[7].since_ms == days[6].since_ms
    assert day_filter(1_000).value == TimeSpan(1_000)


def names(chosen: Filter[Any]) -> tuple[list[str], str]:
    """The values of a filter, and the chosen one."""
    return list(chosen.values), chosen.label


@pytest.fixture
async def recorded(scribe: Scribe, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two projects with a session each, of which the current folder is the older one."""
    shop, bakery = (home / "work" / name for name in ("shop", "bakery"))
    for number, root in enumerate((shop, bakery)):
        root.mkdir(parents=True)
        await scribe.tell(scribe.event("add a parser", session=f"s{number}", cwd=str(root)), path=f"/t/{number}.jsonl")
    monkeypatch.chdir(shop)
    return shop


def test_a_search_begins_in_this_project_and_goes_over_to_all_and_back(recorded: Path) -> None:
    with live_search(agent=AGENT, since_ms=5, kinds=["prompt"]) as live:
        assert live is not None
        assert names(live.project) == (["all", "~/work/shop", "~/work/bakery"], "~/work/shop")
        assert names(live.agent) == (["any", AGENT], AGENT)
        this = live.query(" add \n a" + " " * 2_000 + "parser")
        assert this == ListQuery("add a", AGENT, live.project.values["~/work/shop"], TimeSpan(5), ("prompt",))
        assert [(live.toggle_project(), live.project.label) for _ in range(2)] == [(True, "all"), (True, "~/work/shop")]
        live.project.move(-2)
        assert live.project.label == "~/work/bakery"
    with live_search() as live:
        assert live is not None
        assert (live.agent.label, live.day.label) == ("any", "any")


def test_all_projects_are_searched_from_a_folder_without_one_but_not_if_it_is_named(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with live_search(everywhere=True) as live:
        assert live is not None and live.project.label == "all"
    monkeypatch.chdir(tmp_path)
    with live_search() as live:
        assert live is not None
        assert (live.project.label, live.toggle_project(), live.project.label) == ("all", False, "all")
    with (
        pytest.raises(UserError, match=f"No session is recorded for {tmp_path}.") as raised,
        live_search(str(tmp_path)),
    ):
        pass
    assert raised.value.code == ExitCode.NOTHING_FOUND


async def test_the_turn_of_a_hit_is_known(recorded: Path, scribe: Scribe) -> None:
    await scribe.tell(scribe.event("test the parser", session="s0", cwd=str(recorded)), path="/t/0.jsonl")
    found = listing_of(scribe.db, ListQuery("test", kinds=("prompt",))).items[0].hit

    with live_search() as live:
        assert live is not None and found is not None
        assert live.turn(found) == 2


def test_where_nothing_is_recorded_there_is_nothing_to_search(home: Path) -> None:
    assert not is_kept()
    with live_search() as live:
        assert live is None


async def test_a_hundred_hits_are_listed_and_it_is_known_that_there_are_more(scribe: Scribe) -> None:
    await scribe.tell(*(scribe.event(f"parser {number}") for number in range(LISTED + 1)))
    every = listing_of(scribe.db, ListQuery("parser"))
    few = listing_of(scribe.db, ListQuery("parser 99"))

    assert (len(every.items), every.more) == (LISTED, True)
    assert (len(few.items), few.more) == (1, False)


async def test_the_preview_is_the_turn_and_knows_which_line_matches(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a parser"),
        scribe.event("what about the parser of dates?"),
        scribe.event(AssistantMessage(text="I looked.\n\nA date parser\x1b[8m is there.\nThe parser reads dates.")),
        scribe.event("thanks for the parser"),
    )

    found = preview(scribe, "parser reads")
    assert [line.text for line in found.lines[:2]] == ["You", "  what about the parser of dates?"]
    assert [line.text for line in found.lines[-3:]] == ["", "  A date parser is there.", "  The parser reads dates."]
    assert lit(found.lines[found.match]) == ["parser", "reads"]
    assert found.title.startswith("carryover show s --turn 2 · ")
    assert found.title.endswith(" · /repo · turn 2 of 3")


async def test_a_session_is_previewed_by_what_was_asked_and_what_came_of_it(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("Add a\x1b[2J login page"),
        scribe.event(AssistantMessage(text="It is in login.html.")),
        scribe.event("thanks"),
    )

    shown = preview(scribe, "")
    assert [line.text for line in shown.lines if line.text.strip()[:1] in "›●"] == [
        "› Add a login page",
        "› thanks",
    ]
    assert shown.title.startswith("carryover show s · ")


async def test_long_lines_are_broken_between_words_and_the_row_that_matches_is_known(scribe: Scribe) -> None:
    await scribe.tell(scribe.event(f"{'no word ' * 30}and a discount"))

    shown = preview(scribe, "discount", 20)
    assert max(len(line.text) for line in shown.lines) <= 20
    assert lit(shown.lines[shown.match]) == ["discount"]
    assert shown.lines[1].text == "  no word no word no"


def test_parts_of_names_are_lit_but_not_the_middle_of_words() -> None:
    assert word_places("superuser user_id", terms_of("user")) == [(10, 14)]
    assert word_places("getUserName superuser", terms_of("user")) == [(3, 7)]
    assert word_places("設計を", terms_of("計")) == [(1, 2)]


async def test_of_what_a_tool_printed_the_lines_around_a_match_are_previewed(scribe: Scribe) -> None:
    printed = "\n".join(f"line {number}" for number in range(100))
    for body in ("check it", *ran("1", "make check", printed), *ran("2", "make rhinoceros", f"{printed}\nrhinoceros")):
        await scribe.tell(scribe.event(body))

    found = preview(scribe, "make rhinoceros")
    shown = [line.text.strip() for line in found.lines]
    assert shown.count("line 0") == 1
    assert shown[-1] == "rhinoceros"
    assert len(shown) < 2 * TOOL_LINES + 10
    assert found.lines[found.match].text == "· Bash make rhinoceros"


async def test_the_preview_of_a_sub_agent_is_its_own_work(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a parser"),
        scribe.event(AssistantMessage(text="I ask another one.")),
        scribe.event(AssistantMessage(text="A parser, as a sub-agent."), subagent_id="a1"),
        scribe.event("go on"),
        scribe.event(AssistantMessage(text="Later."), subagent_id="a1"),
    )

    found = preview(scribe, "parser sub-agent")
    assert [line.text for line in found.lines if line.text.startswith("  ")] == ["  A parser, as a sub-agent."]
    assert found.title.startswith("carryover show s --turn 1 --full · ")


async def test_a_word_that_nothing_has_is_searched_as_the_nearest_one_which_is_said_and_lit(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("make it serverless"))

    listing = listing_of(scribe.db, ListQuery("srverless"))
    assert listing.note == "No entry has 'srverless', these have 'serverless'."
    assert any(lit(line) == ["serverless"] for line in preview(scribe, "srverless").lines)


@pytest.mark.parametrize("huge", ["part ", " ", "part\n", "漢"])
async def test_of_a_huge_message_the_part_with_the_words_is_shown(huge: str, scribe: Scribe) -> None:
    """All of it would have to be wrapped whenever the terminal gets another width."""
    await scribe.tell(scribe.event(f"{huge * 5_000} find the needle here {huge * 50_000}"))

    shown = preview(scribe, "needle")

    assert sum(len(line.text) for line in shown.lines) < 2 * LONGEST_PART
    assert max(len(line.text) for line in shown.lines) <= LONGEST_LINE + len("……")
    assert lit(shown.lines[shown.match]) == ["needle"]
