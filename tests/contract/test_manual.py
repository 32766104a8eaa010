from __future__ import annotations

from carryover.cli.main import COMMANDS
from contract.definition import Argument, Command, commands, program
from contract.manual import FOLDER, pages


def test_the_pages_are_those_of_the_commands() -> None:
    """`make man` writes them."""
    assert {path.name: path.read_text() for path in FOLDER.glob("*.1")} == pages(program(), commands())
    assert len(list(FOLDER.glob("*.1"))) == 1 + len(COMMANDS)


def test_a_page_says_what_the_help_says() -> None:
    command = Command(
        "carryover try",
        "try a thing",
        "Tries it.\n.dots and 'quotes' stay.\n\nTwice.",
        "examples:\n  carryover try -n 3\n\nexit codes:\n  0    done\n  3    nothing found\n",
        (Argument(("-n", "--number"), "N", "how often"), Argument((), "THING", "the thing", required=True)),
    )

    page = pages(command, ())["carryover-try.1"]

    assert page == (
        '.TH "CARRYOVER-TRY" "1" "" "Carryover" "User Commands"\n'
        ".SH NAME\ncarryover\\-try \\- try a thing\n"
        ".SH SYNOPSIS\n\\fBcarryover try\\fR \\fITHING\\fR [\\fIOPTION\\fR ...]\n"
        ".SH DESCRIPTION\nTries it.\n\\&.dots and \\(aqquotes\\(aq stay.\n.PP\nTwice.\n"
        ".SH OPTIONS\n.TP\n\\fITHING\\fR\nthe thing\n"
        ".TP\n\\fB\\-n\\fR \\fIN\\fR, \\fB\\-\\-number\\fR \\fIN\\fR\nhow often\n"
        ".SH EXAMPLES\n.nf\n  carryover try \\-n 3\n.fi\n"
        ".SH EXIT STATUS\n.TP\n\\fB0\\fR\ndone\n.TP\n\\fB3\\fR\nnothing found\n"
        ".SH SEE ALSO\n\\fBcarryover\\fR(1)\n"
    )
