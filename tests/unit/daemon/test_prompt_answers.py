from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from carryover.config import Config
from carryover.daemon.context import DaemonContext
from carryover.daemon.prompt_answers import Asked, PromptAnswer, PromptAnswers
from carryover.paths import StateDir


async def refuse(*_: object) -> NoReturn:
    raise AssertionError("nothing is to be read")


@pytest.fixture
def state(home: Path) -> StateDir:
    state = StateDir(home / ".carryover")
    state.root.mkdir(mode=0o700)
    return state


@pytest.fixture
def answers(state: StateDir, home: Path) -> PromptAnswers:
    context = DaemonContext(state, home, {}, Config())
    return PromptAnswers(
        context,
        settle=refuse,
        know=lambda _root: None,
        follow=refuse,
        health=refuse,
    )


async def test_while_paused_the_command_speaks_for_itself(answers: PromptAnswers, state: StateDir) -> None:
    state.paused.touch()

    assert await answers.handoff(Asked(folder="/tea")) == PromptAnswer()


@pytest.mark.parametrize(
    "config", ['[projects]\nexclude = ["/tea"]\n', "not a setting"], ids=["excluded", "unreadable"]
)
async def test_settings_hold_as_the_file_says_now(answers: PromptAnswers, state: StateDir, config: str) -> None:
    state.config.write_text(config)

    assert await answers.handoff(Asked(folder="/tea")) == PromptAnswer()


async def test_a_project_that_is_read_is_settled_first(answers: PromptAnswers) -> None:
    with pytest.raises(AssertionError, match="nothing is to be read"):
        await answers.handoff(Asked(folder="/tea"))


async def test_without_a_ledger_no_session_is_listed(answers: PromptAnswers) -> None:
    assert await answers.sessions(Asked(folder="/tea")) == PromptAnswer()
    assert await answers.sessions(Asked()) == PromptAnswer()
