"""What `make rehearse` serves, compares and reports. It is run whole before a release, since it needs registries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rehearsal.__main__ import timed
from rehearsal.installs import outcomes
from rehearsal.recorded import Event, Recorded, lost, lost_content
from rehearsal.registries import served
from rehearsal.stage import Failed, NotRun, user
from support.repository import git, repository

ONE, TITLE = ("codex", "s1", "AA", "UserPrompt"), ("codex", "s1", "BB", "SessionInfo")


def test_a_user_has_nothing_of_the_one_who_rehearses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", "/elsewhere")
    monkeypatch.setenv("UV_TOOL_DIR", "/elsewhere")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://mirror.example/simple")
    with served(tmp_path / "served") as registries:
        someone = user(tmp_path / "home", registries)

    assert someone.env["HOME"] == str(tmp_path / "home")
    assert someone.env["PIP_EXTRA_INDEX_URL"] == f"{registries.index} https://mirror.example/simple"
    assert [name for name, value in someone.env.items() if value == "/elsewhere"] == []


def seen(*events: Event, said: Sequence[str] = ("hello",), prompts: int = 1) -> Recorded:
    steps = [{"step_id": number, "message": text, "metrics": len(events)} for number, text in enumerate(said)]
    return Recorded(
        14, frozenset(events), {"s1": {"id": "s1", "prompts": prompts}}, {"s1": json.dumps({"steps": steps})}
    )


def test_what_was_recorded_before_has_to_be_there_and_to_look_the_same() -> None:
    before = seen(ONE, TITLE)
    further = replace(before, listed={"s1": {**before.listed["s1"], "tokens": 7}, "s2": {}})

    assert lost(before, further) == []
    assert lost(before, seen(ONE)) == [f"1 events are gone: {TITLE}"]
    assert lost(before, replace(before, listed={}, shown={})) == ["1 sessions are no longer listed: s1"]
    assert lost(before, seen(ONE, TITLE, prompts=2)) == ["1 sessions are listed differently: s1 (prompts)"]
    assert lost(before, seen(ONE, TITLE, said=("bye",))) == ["1 sessions are shown differently: s1 (1)"]


def test_a_session_that_went_on_has_to_have_what_was_said_before() -> None:
    before, went_on = seen(ONE, TITLE), seen(ONE, said=("hello", "and bye"), prompts=2)

    assert lost_content(before, went_on) == []
    assert lost_content(before, replace(went_on, events=frozenset({TITLE}))) == [f"1 events are gone: {ONE}"]
    assert lost_content(before, seen(ONE, said=("and bye",))) == ["1 sessions lack messages: s1"]


def test_a_step_that_fails_ends_no_rehearsal() -> None:
    def raising(error: Exception) -> Sequence[str]:
        raise error

    results = [
        timed("a", "works", lambda: ["one", "two\nthree"]),
        timed("b", "fails", lambda: raising(Failed("exit code 1\nwhy"))),
        timed("c", "can't", lambda: raising(NotRun("brew is not on this machine"))),
        timed("d", "breaks", lambda: raising(KeyError("x"))),
    ]

    assert [(each.outcome, each.said[-1]) for each in results] == [
        ("held", "three"),
        ("failed", "why"),
        ("not run", "brew is not on this machine"),
        ("failed", "KeyError: 'x'"),
    ]


def test_tests_that_were_all_skipped_are_no_step_that_held() -> None:
    held = '<testcase name="test_a"><system-out>\n| Debian 12 | 9 s | 50 MB | 99 ms |\n</system-out></testcase>'
    skipped = '<testcase name="test_b"><skipped message="needs root"/></testcase>'

    assert outcomes(f"<testsuites>{held}{skipped}</testsuites>") == [
        "test_a: held",
        "| Debian 12 | 9 s | 50 MB | 99 ms |",
        "test_b: not run: needs root",
    ]
    with pytest.raises(NotRun, match="needs root"):
        outcomes(f"<testsuites>{skipped}</testsuites>")


def test_projects_are_made_where_nothing_of_the_suite_is_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_TEMPLATE_DIR")
    shop = repository(tmp_path / "shop", {"cart.py": "a = 1\n"})

    assert git(shop, "log", "--format=%s").strip() == "first commit"
