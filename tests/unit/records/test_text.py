from __future__ import annotations

import pytest

from carryover.records.text import without_ansi


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31;1mboom\x1b[0m",
        "\x1b]0;title\x07boom",
        "\\u001b[31;1mboom\\u001b[0m",
        "\\x1b[1mboom\\x1b[m",
        "\\033[32mboom\\e[0m",
        "^[[31mboom^[[39m",
        "\u241b[31mboom\u241b[0m",
        "\ufffd[31;1mboom\ufffd[0m",
        "[31;1mboom[0m",
        "[1mboom[22m",
        "[mboom[0m",
    ],
)
def test_terminal_escapes_go_however_their_first_sign_was_written(text: str) -> None:
    assert without_ansi(text) == "boom"


@pytest.mark.parametrize("text", ["seen [5m ago]", "a[1] + b[2m]", "[INFO] done", "x[0]", "\\u001b alone", "[1;2]"])
def test_brackets_of_other_kinds_stay(text: str) -> None:
    assert without_ansi(text) == text
