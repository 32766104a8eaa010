"""Commands beyond a call's own arguments: those that a code mode script runs, in clients that keep no other record of
them (0.145, 0.146), and processes that a command left running, with what they print and what is typed into them."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

import msgspec

from carryover.records.lenient import fields_of, text_of
from carryover.records.text import without_ansi
from carryover.text.pattern import later

_MOST: Final = 20
"""Most commands of a script."""
_LITERAL: Final = (
    r"(?P<text>\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\$]|\\.|\$(?!\{)|\$\{[^{}]*\})*`)"
    r"(?!\s*\+)"  # only a part of the value
)
_BEGINS: Final = later(r"tools\.(?:exec_command|shell_command)\(\{")
_ARGUMENT: Final = r"(?:[^`]{0,1000}?[\s,{])??\"?%s\"?\s*" + rf":\s*{_LITERAL}"
"""Arguments need not be JSON: `{cmd: "..."}`, `{"cmd": "..."}`."""
_COMMAND: Final = later(_ARGUMENT % "(?:cmd|command)", re.DOTALL)
_WORKDIR: Final = later(_ARGUMENT % "workdir", re.DOTALL)
_ESCAPED: Final = later(r"\\([`$\\])")
_TOOL: Final = later(r"\btools\.(\w{1,100})")
_RUN: Final = frozenset(("exec_command", "shell_command"))
_TOLD: Final = _RUN | {"apply_patch", "write_stdin", "update_plan"}
"""Tools whose calls by a script have records of their own, or nothing to say beside the script's other calls."""
_CUT: Final = later(
    r"\A(?:(?:Warning: truncated output \(original token count: \d{1,10}\)\n)?Total output lines: \d{1,10}\n\n){1,2}"
)
_PLAN: Final = "tools.update_plan("
_CELL: Final = later(r"Script running with cell ID (\w{1,30})\n")
_HEAD_CHARS: Final = 1500
_TAIL_CHARS: Final = 4500
_HIDDEN_LAST: Final = later(r"\[redacted:[\w-]{1,32}\]\Z")
_REST_OF_WORD: Final = later(r"\A[^\s\"'`,;]*")
_TAKES_COMMANDS: Final = later(r"(?:[$#%>❯]|\?|[\[(][yY](?:es)?/[nN]o?[\])][:?]?)\s*\Z")
"""The end of a line that waits for a command or a plain answer. Everything else may be a question for a secret."""
_ASKS_FOR_SECRET: Final = later(
    r"(?i)pass|phrase|pwd|\bpin\b|secret|credential|token|otp|2fa|\bcode\b|\bkey\b|kennwort|contraseña|senha|парол|密码|密碼|パスワード|비밀번호"
)


def commands_in(script: str) -> list[str]:
    """Returns the different commands that a script runs, in order; none if one of them is put together while it runs,
    or is a variable.

    A variable in a command stays as it was written: `git show ${commit}`.
    """
    begins = islice(_BEGINS.finditer(script), _MOST)
    commands = [_argument_at(_COMMAND, script, begin) for begin in begins]
    return list(dict.fromkeys(commands)) if all(commands) else []


def workdir_in(script: str) -> str:
    """Returns the folder of the first command; empty if it is not written in the script."""
    begin = _BEGINS.search(script)
    return _argument_at(_WORKDIR, script, begin) if begin is not None else ""


def told_in(script: str, commands: list[str], *, recorded: bool) -> str:
    """Returns what a script does, if other records have all of it: the `commands` in it, else the names of its tools.
    Empty if only the script says some of it, or if it runs commands that are neither `recorded` nor in `commands`."""
    tools = dict.fromkeys(found[1] for found in islice(_TOOL.finditer(script), _MOST))
    is_told = tools.keys() <= _TOLD and (recorded or commands or not tools.keys() & _RUN)
    return ("\n".join(commands) or ", ".join(tools).replace("_", " ")) if is_told else ""


def plan_in(script: str) -> msgspec.Raw | None:
    """Returns the todo list that a script writes down as JSON; None if there is none."""
    _, called, given = script.partition(_PLAN)
    return fields_of(given[: given.rfind("})") + 1].encode("utf-8", "replace")).get("plan") if called else None


def printed_by(output: str) -> str:
    """Returns what a command or a script printed without the note that it was cut, which the client puts before it, and
    where a script printed the whole result of a command, before that one's header (0.140 to 0.146), nor as the JSON
    that a script may make of such a result (0.145)."""
    printed = _CUT.sub("", output)
    return (_decoded(printed) or printed) if printed.startswith('"Exit code: ') else printed


def output_in(printed: str) -> str:
    """Returns what a script printed, or of the whole result of a call the output alone: JSON (0.142 to 0.147)."""
    result = fields_of(printed.encode("utf-8", "replace")) if printed.startswith('{"chunk_id"') else {}
    return without_ansi(text_of(result["output"])) if "output" in result else printed


def cell_in(output: str) -> str:
    """Returns the `process` of a script that is still running by its output, as `wait` names it; else empty."""
    found = _CELL.match(output)
    return f"cell-{found[1]}" if found is not None else ""


def _argument_at(argument: re.Pattern[str], script: str, begin: re.Match[str]) -> str:
    """Returns an argument of the command that begins there; empty if the script does not write it down."""
    found = argument.match(script, begin.end())
    return _decoded(found["text"]) if found is not None else ""


def _decoded(literal: str) -> str:
    """Returns the text of a literal of JavaScript."""
    if literal.startswith("`"):
        return _ESCAPED.sub(r"\1", literal[1:-1])
    return text_of(msgspec.Raw(literal.encode("utf-8", "replace")))


def joined(before: str, piece: str) -> str:
    """Returns what a process has printed so far, without the middle of what is long. What is left of it begins with a
    line and ends with a word, since half a secret, or one without its name, would not be recognised."""
    if _HIDDEN_LAST.search(before) is not None:  # it was stored meanwhile, and its secret goes on in the piece
        piece = _REST_OF_WORD.sub("", piece, count=1)
    whole = before + piece
    if len(whole) <= _HEAD_CHARS + _TAIL_CHARS:
        return whole
    head, tail = whole[:_HEAD_CHARS], whole[-_TAIL_CHARS:]
    end = max(head.rfind("\n"), head.rfind(" "), 0)
    start = next((tail.index(sign) for sign in "\n " if sign in tail), len(tail))
    return f"{head[:end]}\n[...]\n{tail[start:].lstrip()}"


def shown_input(chars: str, printed: str) -> str:
    """Returns the first line of what is typed into a process that has `printed` this; empty where it may be a secret.

    A line after the first may answer a question that the first one raises.
    """
    asked = without_ansi(printed).replace("\r", "\n").rpartition("\n")[2]
    if not _TAKES_COMMANDS.search(asked) or _ASKS_FOR_SECRET.search(asked):
        return ""
    return next((line.strip() for line in chars.splitlines() if line.strip().isprintable()), "")
