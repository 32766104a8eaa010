from __future__ import annotations

import pytest
import questionary

from carryover.terminal.screen import ask_on_screen


def test_esc_leaves_a_question_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """prompt_toolkit (3.0.52) waits 1.5 s for a key that would make it another one."""
    question = questionary.select("Which?", ["this", "that"])
    monkeypatch.setattr(question, "unsafe_ask", lambda: "this")

    assert ask_on_screen(question) == "this"
    assert question.application.timeoutlen == question.application.ttimeoutlen == 0.05
