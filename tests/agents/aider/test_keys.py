"""What an event is known by: cut, edited and continued histories hide nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.aider.chats import HEAD, answer, prompt, reading
from agents.aider.contract_case import HISTORY
from agents.aider.test_commands import APPLIED, BLOCK
from agents.aider.test_history import continued
from carryover.model import AnyBody, FileEdit, UserPrompt
from contract.case import Reading

TURNS = [f"{prompt(f'Do {name}')}{answer(f'{name} is done.{chr(10)}{BLOCK}')}{APPLIED}" for name in "ABC"]
NEXT = f"{prompt('Do D')}{answer(f'D is done.{chr(10)}{BLOCK}')}{APPLIED}"


def added(before: Reading, after: Reading) -> list[AnyBody]:
    known = {event.key for event in before.events}
    return [event.body for event in after.events if event.key not in known]


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_history_that_was_cut_and_continues_shows_all_that_is_new_and_nothing_twice(
    tmp_path: Path, gone: int
) -> None:
    before = reading(tmp_path, HEAD + "".join(TURNS))
    left = [turn for number, turn in enumerate(TURNS) if number != gone]
    (tmp_path / HISTORY).write_text(HEAD + "".join(left) + NEXT)

    new = added(before, continued(tmp_path))

    assert [body.text for body in new if isinstance(body, UserPrompt)] == ["Do D"]
    assert sum(isinstance(body, FileEdit) for body in new) == 1
