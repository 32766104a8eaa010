"""What the parser of a command prints with any version of Python."""

import pytest

from carryover.faces.cli.arguments import CommandParser, UsageError


def test_no_help_and_no_message_has_the_colours_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14 and newer have them on a terminal; to older ones the variable says nothing."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    parser = CommandParser(prog="carryover pause")
    parser.add_argument("--json", action="store_true", help="print data as JSON")

    with pytest.raises(UsageError) as refused:
        parser.error("no")

    assert refused.value.shown == ("usage: carryover pause [-h] [--json]", "carryover pause: error: no")
    assert "\x1b" not in parser.format_help()
