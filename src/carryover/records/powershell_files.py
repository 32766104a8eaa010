"""Detects the file that a successful PowerShell script certainly wrote with its last command, since no other record
shows it: Codex on Windows (0.40 to 0.63) writes whole files that way. Nothing is guessed."""

from __future__ import annotations

import re
from typing import Final

from carryover.model import FileEdit
from carryover.records.fields import MAX_PATH_CHARS, resolved
from carryover.text.pattern import later

_TELLING: Final = later(r"(?i)\b(?:set-content|add-content|out-file)\s")
_WRITES: Final = later(r"(?i)\s*(?:set-content|add-content|out-file)\s+(?:-(?:path|literalpath|filepath)\s+)?(\S.*)")
_NAME: Final = later(
    r"(?:'([^'\n]+)'|\"([^\"$`\n]+)\"|([^\s$`*?\[\]{}()'\",|;&<>@-][^\s$`*?\[\]{}()'\",|;&<>@]*))(?=\s|\Z)"
)
_GOES_ON: Final = later(r"[{}&]")
"""What is in a block may not have run, and what is in a command of another shell may have run elsewhere."""
_VARIABLE: Final = later(r"\$(\w+)(?=\s|\Z)")
_MOVES: Final = later(r"(?i)\s*(?:cd|chdir|sl|pushd|popd|(?:set|push|pop)-location)\b")
"""After such a command only a whole path is certain."""
_BEGINS_TEXT: Final = ("@'", '@"')
_ENDS_TEXT: Final = ("'@", '"@')


def last_file_written(script: str, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the file that the last command of a script wrote; empty if that is none, or if its name is not certain.
    An earlier command may have failed although the script succeeded."""
    if not _TELLING.search(script):
        return ()
    statements = [one for line in _without_texts(script) for one in line.split(";") if one.strip()]
    last = statements[-1].rpartition("|")[2] if statements else ""
    writes = _WRITES.fullmatch(last.rstrip()) if not _GOES_ON.search(last) else None
    if writes is None:
        return ()
    name = _NAME.match(writes[1])
    variable = _VARIABLE.match(writes[1])
    if variable is not None:
        assigned = re.compile(rf"\s*\${variable[1]}\s*=\s*")
        values = [one[found.end() :] for one in statements if (found := assigned.match(one)) is not None]
        name = _NAME.fullmatch(values[0].strip()) if len(values) == 1 else None
    folder = None if any(map(_MOVES.match, statements)) else cwd
    path = resolved(name[name.lastindex or 0], folder) if name is not None else None
    return (FileEdit(path=path, change="modify"),) if path is not None and len(path) <= MAX_PATH_CHARS else ()


def _without_texts(script: str) -> list[str]:
    """Returns the lines of a script without its here-strings (`@'` to `'@`), which may hold anything."""
    lines: list[str] = []
    is_text = False
    for line in script.splitlines():
        begun = lines.pop() if is_text and line.startswith(_ENDS_TEXT) else ""
        is_text = is_text and begun == ""
        if not is_text:
            lines.append(f"{begun}{line[2:] if begun else line}")
            is_text = line.rstrip().endswith(_BEGINS_TEXT)
    return [] if is_text else lines
