"""When things happened: inputs have times, the rest has that of the write that brought it."""

from __future__ import annotations

import os
from pathlib import Path

from agents.aider.chats import HEAD, answer, prompt, typed
from agents.aider.contract_case import HISTORY, INPUTS
from carryover.agents.aider.adapter import AGENT
from carryover.agents.aider.history import local_ms
from carryover.model import AssistantMessage, UserPrompt
from contract.case import Reading, read_on

FIRST_MS = local_ms("2026-11-20 06:17:00.500000")
"""When the first input of `typed` was given; each other a minute later."""
LATER_MS = FIRST_MS + 20_000


def read_at(folder: Path, chat: str, written_ms: int, before: Reading | None = None) -> Reading:
    """Reads a history that was last written at a time."""
    path = folder / HISTORY
    path.write_text(chat)
    os.utime(path, ns=(written_ms * 1_000_000,) * 2)
    [source] = AGENT.sources(folder)
    return read_on(AGENT, source, before)


def times(reading: Reading) -> list[int]:
    """Those of prompts and answers."""
    return [event.at_ms for event in reading.events if isinstance(event.body, UserPrompt | AssistantMessage)]


def test_an_answer_that_comes_late_has_the_time_of_its_write(tmp_path: Path) -> None:
    (tmp_path / INPUTS).write_text(typed("Fix it"))
    asked = f"{HEAD}{prompt('Fix it')}"

    before = read_at(tmp_path, asked, FIRST_MS + 3)
    after = read_at(tmp_path, f"{asked}{answer('Done.')}", LATER_MS, before)

    assert times(after) == [FIRST_MS, LATER_MS]


def test_in_a_history_of_many_turns_only_the_last_one_was_just_written(tmp_path: Path) -> None:
    (tmp_path / INPUTS).write_text(typed("Fix it", "Test it"))
    chat = f"{HEAD}{prompt('Fix it')}{answer('Done.')}{prompt('Test it')}{answer('It works.')}"

    first, first_answer, second, last_answer = times(read_at(tmp_path, chat, FIRST_MS + 90_000))

    assert (first, second, last_answer) == (FIRST_MS, FIRST_MS + 60_000, FIRST_MS + 90_000)
    assert first < first_answer < first + 1_000


def test_no_time_is_before_that_of_the_prompt_or_after_now(tmp_path: Path) -> None:
    (tmp_path / INPUTS).write_text(typed("Fix it"))
    chat = f"{HEAD}{prompt('Fix it')}{answer('Done.')}"

    [_, restored] = times(read_at(tmp_path, chat, 1_000))
    [_, future] = times(read_at(tmp_path, chat, local_ms("2099-01-01 00:00:00")))

    assert FIRST_MS < restored < FIRST_MS + 1_000
    assert future < local_ms("2090-01-01 00:00:00")
