"""The manual pages that the build writes: one of each command, in the language of `man`."""

import re

from carryover.faces.cli.main import COMMANDS
from manual.pages import pages

MACROS = {".TH", ".SH", ".PP", ".TP", ".nf", ".fi"}


def test_each_command_has_a_page_with_its_options_and_exit_codes() -> None:
    written = pages()

    assert len(written) == 1 + len(COMMANDS)
    assert all(
        text.count(f".SH {part}\n") == 1 for text in written.values() for part in ("NAME", "SYNOPSIS", "EXIT STATUS")
    )
    assert "\\fB\\-\\-resume\\-mode\\fR" in written["carryover-install.1"]


def test_no_text_of_the_help_is_taken_for_a_command_of_man() -> None:
    begun = {match for text in pages().values() for match in re.findall(r"^[.'](?:\w+)?", text, re.M)}

    assert begun == MACROS
