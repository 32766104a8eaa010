from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from carryover.adapter.contract import HookProtocol
from carryover.agents import adapters
from carryover.config import AgentsConfig, Config, ProjectsConfig
from carryover.distill.entry import Entry, Section
from carryover.distill.handoff import Handoff
from carryover.publish.answers import (
    RESUMED,
    answer_path,
    answers_in_advance,
    forget_answers,
    keep_answers,
    prune_answers,
)

REASONS = ("clear", "compact", "old", "startup")
UPDATED_MS = 1_795_155_746_000
DAY_S = 86_400


@pytest.fixture
def forms() -> dict[str, HookProtocol]:
    hooks = adapters()["claude-code"].hooks
    assert hooks is not None
    return {"claude-code": hooks}


def handoff(task: str = "Add a discount", *, resume: str = "ask") -> Handoff:
    return Handoff(
        updated_ms=UPDATED_MS,
        agent="Claude Code",
        resume=resume,
        session="s1",
        head="abc1234",
        sections=(Section("Task", (Entry(text=task, kind="prompt"),)),),
    )


def kept(state: Path) -> dict[str, str]:
    """Every file in the store, by its path there."""
    store = state / "restore"
    return {str(path.relative_to(store)): path.read_text() for path in sorted(store.rglob("*")) if path.is_file()}


def test_there_is_an_answer_for_each_agent_and_reason(tmp_path: Path) -> None:
    forms = {agent.id: agent.hooks for agent in adapters().values() if agent.hooks is not None}
    keep_answers(tmp_path, "/home/dev/shop", handoff(), forms, stale_days=7)

    reasons = {
        agent: [reason for reason in (*REASONS, RESUMED) if reason != RESUMED or form.forgets]
        for agent, form in forms.items()
    }
    assert set(kept(tmp_path)) == {
        f"{agent}/{reason}/home/dev/shop/.answer" for agent, of_agent in reasons.items() for reason in of_agent
    }


def test_an_agent_that_forgets_finds_one_for_a_resumed_session_too(
    tmp_path: Path, forms: dict[str, HookProtocol]
) -> None:
    keep_answers(tmp_path, "/shop", handoff(), {"vague": replace(forms["claude-code"], forgets=True)}, stale_days=7)

    texts = answers_in_advance(handoff(), forgets=True)
    assert kept(tmp_path) == {f"vague/{reason}/shop/.answer": texts[reason] for reason in (*REASONS, "resume")}
    assert "This session was resumed" in texts["resume"]


def test_only_their_owner_can_read_them(tmp_path: Path, forms: dict[str, HookProtocol]) -> None:
    before = os.umask(0)
    try:
        keep_answers(tmp_path, "/home/dev/shop", handoff(), forms, stale_days=7)
    finally:
        os.umask(before)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "restore").rglob("*") if path.is_dir()}
    assert modes == {0o700} == {stat.S_IMODE((tmp_path / "restore").stat().st_mode)}
    assert {
        stat.S_IMODE(answer_path(tmp_path, "claude-code", r, "/home/dev/shop").stat().st_mode) for r in REASONS
    } == {0o600}


def test_a_file_is_a_day_old_when_its_handoff_goes_stale(tmp_path: Path, forms: dict[str, HookProtocol]) -> None:
    path = answer_path(tmp_path, "claude-code", "startup", "/shop")
    for stale_days in (7, 0, 30):
        keep_answers(tmp_path, "/shop", handoff(), forms, stale_days=stale_days)
        assert path.stat().st_mtime + DAY_S == UPDATED_MS // 1000 + stale_days * DAY_S


def test_forgetting_a_project_leaves_those_above_and_below_it(tmp_path: Path, forms: dict[str, HookProtocol]) -> None:
    for root in ("/home/dev", "/home/dev/shop", "/home/dev/shop/lib", "/home/dev/shop2"):
        keep_answers(tmp_path, root, handoff(root), forms, stale_days=7)

    forget_answers(tmp_path, "/home/dev/shop")
    forget_answers(tmp_path, "/home/dev/unknown")

    left = {path.removeprefix("claude-code/startup/") for path in kept(tmp_path) if "/startup/" in path}
    assert left == {"home/dev/.answer", "home/dev/shop/lib/.answer", "home/dev/shop2/.answer"}


@pytest.mark.parametrize("root", ["C:\\shop", "../../../etc", "/home/../etc", "shop", ""])
def test_what_is_no_path_of_this_system_is_not_kept(tmp_path: Path, forms: dict[str, HookProtocol], root: str) -> None:
    keep_answers(tmp_path, root, handoff(), forms, stale_days=7)
    forget_answers(tmp_path, root)

    assert list(tmp_path.iterdir()) == []


def test_projects_that_are_gone_or_excluded_by_now_are_pruned(tmp_path: Path, forms: dict[str, HookProtocol]) -> None:
    state, work = tmp_path / "state", tmp_path / "work"
    roots = {name: work / name for name in ("here", "gone", "theirs", "mine")}
    for name, root in roots.items():
        keep_answers(state, str(root), handoff(name), forms, stale_days=7)
        root.mkdir(parents=True, exist_ok=True)
    roots["gone"].rmdir()
    (roots["theirs"] / ".carryover.toml").write_text("exclude = true\n")

    prune_answers(state, Config(projects=ProjectsConfig(exclude=(str(roots["mine"]),))))

    assert sorted(kept(state)) == [f"claude-code/{reason}{roots['here']}/.answer" for reason in REASONS]


def test_answers_for_agents_that_are_no_longer_selected_are_pruned(
    tmp_path: Path, forms: dict[str, HookProtocol]
) -> None:
    state, root = tmp_path / "state", tmp_path / "shop"
    root.mkdir()
    keep_answers(state, str(root), handoff("here"), forms, stale_days=7)

    prune_answers(state, Config(agents=AgentsConfig(selected=("codex",))))

    assert list((state / "restore").iterdir()) == []
