"""The systemd unit as text: the template `carryoverd.service` filled in, and read back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from carryover.errors import ExitCode, UserError
from carryover.install.service import Program

UNIT: Final = "carryoverd.service"

_TEMPLATE: Final = Path(__file__).with_name(UNIT)
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "%": "%%", "\n": "\\n", "\r": "\\r"}
_PLAIN: Final = {escape: character for character, escape in _ESCAPES.items()}


def unit_text(program: Program) -> str:
    """The unit for `program`.

    Raises UserError for a path that systemd takes for no program: seen in 252 with quotes and backslashes.
    """
    path, *arguments = program.command
    if any(character in "\"'\\" or not character.isprintable() for character in path):
        raise UserError(
            f"systemd starts no program whose path holds quotes, backslashes or control characters: {path!r}. "
            "Install Carryover elsewhere, or start the daemon yourself: `carryoverd`.",
            ExitCode.REFUSED,
        )
    # systemd replaces `$NAME` in arguments, but not in the path of the program.
    command = " ".join([_quoted(path), *(_quoted(argument).replace("$", "$$") for argument in arguments)])
    variables = "\n".join(
        f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(program.environment.items())
    )
    filled = _TEMPLATE.read_text(encoding="utf-8").replace("@COMMAND@", command)
    return filled.replace("@ENVIRONMENT@", variables) if variables else filled.replace("@ENVIRONMENT@\n", "")


def command_of(unit: str) -> tuple[str, ...] | None:
    """The command line in a unit that `unit_text` made; None where somebody wrote something else."""
    found = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    if found is None or not re.fullmatch(rf"{_QUOTED}(?: {_QUOTED})*", found[1]):
        return None
    path, *arguments = (_unquoted(word) for word in re.findall(_QUOTED, found[1]))
    return (path, *(argument.replace("$$", "$") for argument in arguments))


def _quoted(word: str) -> str:
    return f'"{"".join(_ESCAPES.get(character, character) for character in word)}"'


def _unquoted(word: str) -> str:
    return re.sub(r"\\.|%%", lambda found: _PLAIN.get(found[0], found[0]), word[1:-1])
