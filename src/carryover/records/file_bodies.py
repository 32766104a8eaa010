"""Leaves out of a shell command the text that it writes into files, since the files have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from carryover.records.patches import files_in_patch
from carryover.text.pattern import later
from carryover.text.shell import ScriptLine, script_lines

_FEWEST: Final = 5
"""A shorter text, with the line that ends it, is quoted."""

_MOST_FILES: Final = 3
_INTO_FILE: Final = later(r"(?<![\d&<>=-])>{1,2}\|?\s*(?!&|/dev/)[\w./~$\"'{-]|\btee\s+(?:-a\s+)?[\w./~$\"'{]")
_OPENED: Final = later(
    r"\bopen\(\s*[rf]?[\"']([^\"'\n]{1,200})[\"']\s*,\s*(?:mode\s*=\s*)?[\"'][wax]"
    r"|\bPath\(\s*[rf]?[\"']([^\"'\n]{1,200})[\"']\s*\)|\bwriteFile(?:Sync)?\(\s*[\"'`]([^\"'`\n]{1,200})"
)
_WRITES: Final = later(r"\.write(?:_text|_bytes|lines|File|FileSync)?\(|\bwriteFile")


def without_bodies(command: str) -> str:
    """Returns `command` with each here-document that becomes a file replaced by its number of lines and the file names
    that occur only there. All other lines stay as they are."""
    if "<<" not in command:
        return command
    return "\n".join(line for each in script_lines(command) for line in _named(each))


def _named(line: ScriptLine) -> Sequence[str]:
    body = "\n".join(line.below)
    files = files_in_patch(body) or _written_by(body)
    if len(line.below) < _FEWEST or not (files or _INTO_FILE.search(line.text)):
        return [line.text, *line.below]
    is_cut = line.waiting or "".join(line.below[-2:-1]).endswith("…")
    count = "" if is_cut else f"{len(line.below) - 1} lines"
    said = "; ".join(filter(None, (count, ", ".join(dict.fromkeys(files[:_MOST_FILES])))))
    return [f"{line.text} … ({said})" if said else f"{line.text} …"]


def _written_by(script: str) -> list[str]:
    """Returns the files that a script names where it opens them to write."""
    if not _WRITES.search(script):
        return []
    return [name for found in _OPENED.finditer(script) for name in found.groups() if name]
