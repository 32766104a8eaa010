"""Aider's input history, `.aider.input.history`, beside the chat history: what was typed, and when (0.86.2)."""

from __future__ import annotations

import re
from bisect import bisect_left
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Final

from carryover.records.fields import digest, local_ms
from carryover.text.pattern import later
from carryover.transcript.files import read_tail

INPUTS_NAME: Final = ".aider.input.history"
INPUTS_BYTES: Final = 4 << 20
"""How much of the input history one read considers."""
_NEWEST_BYTES: Final = 256 << 10
"""The newest input is searched for in this many last bytes: it may be a long paste."""
_AHEAD: Final = 300
"""Inputs that may have come in between: answers to questions are inputs too."""
_LONGEST_ANSWER: Final = 5
"""Characters of an answer to a question: `y`, `skip`, `don't`."""
_EARLIER_MS: Final = 1_500
"""A session's header has whole seconds, and the first question may be answered before it is written."""
_STAMP: Final = r"# (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)"
_STAMPED: Final = later(_STAMP)
_ENTRY: Final = later(rf"^{_STAMP}\r?\n((?:\+[^\n]*\n)+)", re.MULTILINE)

_OF_FILES: Final = ("/add", "/drop", "/read-only")
_CHOICE: Final = later(
    r"[^?\n]{1,200}\? \(Y\)es/\(N\)o/(?:\(A\)ll/)?\(S\)kip all[^\n\[]{0,40} \[\w{1,10}\]: (?:all|skip)\s*"
)


def inputs_of(history: Path) -> Path:
    """Returns the input history: beside the chat history, or at the top of the repository if that was moved below."""
    top = next((folder for folder in history.parents if (folder / ".git").exists()), history.parent)
    beside = history.with_name(INPUTS_NAME)
    return beside if beside.exists() else top / INPUTS_NAME


def last_input(log: Path) -> tuple[Path, tuple[int, ...]]:
    """Returns the log and the time of its newest input. It is local to this machine or a container (mostly UTC)."""
    lines: list[str] = []
    with suppress(OSError):
        lines = read_tail(log, _NEWEST_BYTES).decode("utf-8", "replace").splitlines()
    stamp = next((found[1] for line in reversed(lines) if (found := _STAMPED.fullmatch(line))), None)
    return log, (local_ms(stamp), local_ms(f"{stamp}+00:00")) if stamp is not None else ()


def plain_prompt(text: str) -> str:
    """Returns a text for comparison, without trailing blanks. Aider splits a prompt at any line break and adds two."""
    return "\n".join(map(str.rstrip, text.splitlines())).strip()


def mark_of(text: str) -> int:
    """Returns a fingerprint of a text: a number, because a string of letters and digits would look like a secret."""
    return int(digest(plain_prompt(text))[:12], 16)


def is_choice(text: str) -> bool:
    """Whether an input is a question that Aider answered by itself, as the user had answered the one before."""
    return _CHOICE.fullmatch(text) is not None


def request_below(command: str, words: str) -> str:
    """Returns the request in the paragraphs below a command of files. Aider takes its words for files."""
    return plain_prompt(words).partition("\n\n")[2] if command in _OF_FILES else ""


class Inputs:
    """The newest entries of the input history in order, each found again in the chat history of a session."""

    def __init__(self, path: Path) -> None:
        self.kept = False
        self._next = 0
        self._inputs: list[tuple[int, str]] = []
        with suppress(OSError):
            for entry in _ENTRY.finditer(read_tail(path, INPUTS_BYTES).decode("utf-8", "replace")):
                lines = (line.removeprefix("+") for line in entry[2].splitlines())
                self._inputs.append((local_ms(entry[1]), plain_prompt("\n".join(lines))))
            self._inputs.sort(key=itemgetter(0))
            self.kept = True

    def begin(self, started_ms: int) -> None:
        """Goes to the first input of a session."""
        self._next = bisect_left(self._inputs, (started_ms - _EARLIER_MS, ""))

    def confirm(self, text: str) -> bool | None:
        """Whether this text was typed after the last one that was taken; None if nothing is known of inputs."""
        return self._find(text) is not None if self._inputs else None

    def take(self, text: str) -> int | None:
        """Consumes the inputs up to this text and returns when it was typed (UTC ms); None if it was not typed.

        An input like the one before is not recorded again (0.37 to 0.86.2). It is one unless only answers come between.
        """
        found = self._find(text)
        between = self._inputs[self._next : found]
        if self._is_last(text) and (found is None or any(len(each) > _LONGEST_ANSWER for _, each in between)):
            found = self._next - 1
        if found is None:
            return None
        self._next = found + 1
        return self._inputs[found][0]

    def _is_last(self, text: str) -> bool:
        return self._next > 0 and self._inputs[self._next - 1][1] == plain_prompt(text)

    def _find(self, text: str) -> int | None:
        wanted = plain_prompt(text)
        # Text typed between `{` and `}` is one prompt, but Aider records each line that is not empty as an input.
        lines = [line for each in wanted.split("\n") if (line := each.strip())]
        ahead = range(self._next, min(self._next + _AHEAD, len(self._inputs)))
        return next((at for at in ahead if self._inputs[at][1] == wanted or self._is_line_by_line(at, lines)), None)

    def _is_line_by_line(self, at: int, lines: list[str]) -> bool:
        if lines[:1] != [self._inputs[at][1]]:
            return False
        return [text for _, text in self._inputs[at : at + len(lines)]] == lines
