"""Detects the jobs that a shell command leaves running: no other record shows those of `tmux`, `screen` and `&`."""

from __future__ import annotations

import re
from typing import Final

from carryover.text.pattern import later
from carryover.text.shell import commands

_STARTED: Final = later(
    r"(?:tmux (?:(?:new|new-session) (?=.*-\w*d)|send-keys (?!(?:-t \S+ )?(?:Enter|C-m)\Z).*(?:Enter|C-m)\Z)"
    r"|screen -\w*[dm]).*",
    re.S,
)
_ENDED: Final = later(
    r"(?:sudo )?(?:(?:kill|pkill|killall|wait|fg)\b|(?:tmux|screen) .*(?:\bkill-|\bquit\b|C-c))", re.S
)
_MAY_END: Final = later(r"kill|wait|fg|tmux|screen")
_MAY_LEAVE: Final = later(r"tmux|screen|(?<!&)(?<![<>](?=&[\d-]))&(?![&>])")
"""What a command has that ends a job, or leaves one: few have, and the others need not be taken apart."""
_SESSION: Final = later(r" -(?:\w*[sS]|t) ?(\S+)")
_REPORTED: Final = later(
    r"^\[\d{1,3}\](?![ +-]*(?:\d+ )?(?:running|suspended|stopped|continued))[ +-]{2,4}"
    r"\S.{0,40}? {2,}(\S.*)(?<!&)$",
    re.M | re.I,
)
"""Bash: `[1]+  Done    command`, zsh: `[1]  + exit 1     command`. Bash speaks many languages, and lists a job that
runs on with ` &` at its end."""
_NOT_TOLD: Final = later(r"[\s\"']+")
"""What a shell may write in another way than it was typed."""
_BEFORE_CALLS: Final = ("{", "=")
"""What stands before the `&` with which PowerShell calls a program: `try { & $msbuild }`, `$out = & $msbuild`."""
_BLANK: Final = "\0"
"""Stands for a blank within a word, such as the name of a session."""
_LONGEST_LINE: Final = 100
_PORT: Final = later(r"(?<![\w.-])(?<!-o )-{0,2}(?:(?:server|http|web)[.-])?port[= ](\d{2,5})\b", re.I)
_LOG: Final = later(r">{1,2} ?[\"']?(?!/dev/null)(?:[\w.-]*[/~])*([\w.-]+)(?=[\"'\s;&)]|\Z)")


def job_left(command: str) -> tuple[str, str] | None:
    """Returns the job that `command` leaves running: the name by which later commands may refer to it (its session or
    its log file), and its own command line. None if there is none, or the same command ends it."""
    left = None
    parts = commands(command) if _MAY_LEAVE.search(command) else ()
    logs = _LOG.findall(command) if parts else []
    for each in parts:
        line = " ".join(each.words)
        if _ENDED.match(line):
            left = None
        elif _STARTED.match(words := " ".join(word.replace(" ", _BLANK) for word in each.words)):
            session = _SESSION.search(words)
            left = (session[1].replace(_BLANK, " ") if session is not None else line, line)
        elif each.then == "&" and line and not line.endswith(_BEFORE_CALLS):
            left = (logs[-1] if logs else line, line)
    return left


def port_of(line: str) -> str | None:
    """Returns the port that a job's command line names as its own; None if it names none."""
    named = _PORT.search(line)
    return named[1] if named is not None else None


def reports_end(output: str, line: str) -> bool:
    """Whether a shell reports in `output` that the job with the command line `line` has ended, in any language."""
    known = _plain(line)[:_LONGEST_LINE]
    return known != "" and any(known in _plain(found[1]) for found in _REPORTED.finditer(output))


def never_began(output: str, line: str) -> bool:
    """Whether a shell reports in `output` that it could not start the program of the command line `line`, in any
    language: `bash: line 1: eog: command not found`, `zsh: command not found: eog`."""
    program = line.partition(" ")[0]
    said = ([part.strip() for part in each.split(":")] for each in output.splitlines())
    return any(shell.endswith("sh") and program in parts for shell, *parts in said)


def _plain(line: str) -> str:
    return _NOT_TOLD.sub("", line)


def ends_job(command: str) -> bool:
    """Whether `command` ends a job in the background, or waits for it."""
    parts = commands(command) if _MAY_END.search(command) else ()
    return any(_ENDED.match(" ".join(each.words)) for each in parts)
