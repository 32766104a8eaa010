"""Codex runs no hook that its user has not reviewed. Until then nothing breaks, and Carryover says what to do."""

from __future__ import annotations

import json
from typing import Final

import pytest

from real_agents.codex import hooked, work
from real_agents.codex.client import CODEX_HOME, LATEST, PROJECT, READY, REVIEW, SETTINGS, CodexBox, of_version
from real_agents.codex.requests import told
from real_agents.codex.work import FILES
from real_agents.lab import handoffs, product
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

HOOKS: Final = CODEX_HOME / "hooks.json"
NOT_YET: Final = "not reviewed yet"
EVENTS: Final = ("SessionStart", "PreCompact", "Stop", "SessionEnd")


def test_before_the_review_the_client_runs_without_our_hooks_and_without_a_word(codex: CodexBox, row: Row) -> None:
    """Transcripts are read all the same, and `carryover doctor` says that the hooks wait for the user."""
    hooked.start_unreviewed(codex)
    work.do_the_work(codex)
    product.settle(codex.box)
    before = len(codex.requests())
    ran = codex.exec("Hello")
    found = handoffs.injected(told(codex.requests()[before]))
    doctor = codex.box.run(product.CARRYOVER, "doctor")

    row.shown(f"handoffs by the hook: {len(found)}; lines about hooks: {hooked.lines_of_hooks(ran.err) or 'none'}")
    row.shown(f"doctor: {said_of_review(doctor.out)}")
    assert found == []
    assert hooked.lines_of_hooks(ran.out + ran.err) == []
    assert work.TASK in handoffs.read(codex.box, PROJECT)
    assert NOT_YET in doctor.out


@of_version(LATEST, "0.150.0")
def test_reviewed_once_in_the_terminal_they_run_in_exec_too(codex: CodexBox, row: Row) -> None:
    """One question in the terminal, "Trust all": then the hooks run everywhere, and doctor has nothing to say."""
    hooked.start_unreviewed(codex)
    asked = codex.trust_hooks()
    work.do_the_work(codex)
    product.settle(codex.box)
    before = len(codex.requests())
    ran = codex.exec("Hello")
    found = handoffs.injected(told(codex.requests()[before]))
    doctor = codex.box.run(product.CARRYOVER, "doctor")

    question = next(line.strip() for line in asked.splitlines() if "new or changed" in line)
    row.shown(f"the client asks: {question}")
    row.shown(f"afterwards in exec: {' / '.join(hooked.lines_of_hooks(ran.err))}")
    assert question.startswith(f"{len(EVENTS)} hooks are")
    assert len(found) == 1
    assert hooked.lines_of_hooks(ran.err) == hooked.EXEC_LINES
    assert NOT_YET not in doctor.out


def test_a_client_that_was_used_before_takes_the_hooks_up(codex: CodexBox, row: Row) -> None:
    """Terminals of 0.169.0 share a server that outlives them; it was started before there were any hooks."""
    with codex.terminal() as terminal:
        terminal.wait(READY)
    hooked.start(codex)
    work.do_the_work(codex)
    product.settle(codex.box)
    with codex.terminal() as terminal:
        terminal.wait(READY)
        terminal.enter("Hello")
        terminal.wait(r"• OK\.")
    found = handoffs.injected(codex.told())

    row.shown(f"{len(found)} handoff(s) in the first request of a session in the terminal")
    assert len(found) == 1


@of_version("0.125.0")
def test_a_version_that_asks_for_no_review_runs_them_at_once(codex: CodexBox, row: Row) -> None:
    """0.125.0 has the first hooks that are on by themselves, without a review; it gets the two that it knows."""
    hooked.start_unreviewed(codex)
    work.do_the_work(codex)
    product.settle(codex.box)
    left = handoffs.read(codex.box, PROJECT)
    found = handoffs.injected(hooked.first_request(codex, "Hello"))
    written = list(json.loads(codex.box.here(HOOKS).read_text("utf-8"))["hooks"])

    row.shown(f"hooks written: {', '.join(written)}; {len(found)} handoff(s) in the first request")
    assert written == ["SessionStart", "Stop"]
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]


@of_version("0.99.0")
def test_a_version_without_hooks_gets_none(codex: CodexBox, row: Row) -> None:
    """Install says so and leaves the settings of 0.99.0 as they are."""
    codex.make_project(FILES)
    said = hooked.install(codex)
    settings = codex.box.here(CODEX_HOME / "config.toml").read_text("utf-8")

    row.shown(" / ".join(line.strip() for line in said.splitlines()[:3]))
    assert not codex.box.here(HOOKS).exists()
    assert settings == SETTINGS
    assert f"Codex CLI {codex.client.version} detected" in said


@pytest.mark.parametrize("command", ["refresh", "install"])
def test_setting_it_up_again_asks_for_no_new_review(codex: CodexBox, row: Row, command: str) -> None:
    """No byte of hooks.json changes, the client asks nothing, and the hooks go on running."""
    hooked.start(codex)
    hooks = codex.box.here(HOOKS)
    before = hooks.read_bytes()
    said = product.carryover(codex.box, command, "--yes", "--no-service")
    with codex.terminal() as terminal:
        terminal.wait(f"{READY}|{REVIEW}")
        screen = terminal.screen()
    ran = codex.exec("Hello")

    row.shown(f"{command}: {said.splitlines()[0]}")
    row.shown(f"hooks.json: {'as before' if hooks.read_bytes() == before else 'changed'}; review: {REVIEW in screen}")
    assert hooks.read_bytes() == before
    assert REVIEW not in screen
    assert hooked.lines_of_hooks(ran.err) == hooked.EXEC_LINES


def said_of_review(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if NOT_YET in line), "nothing of a review")
