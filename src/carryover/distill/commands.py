"""Classifies tool calls: whether one failed, what it tried, and why."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

from carryover.distill.digest import Call, SeenRun
from carryover.distill.quotes import LINE_BREAK, called, clip, cut_middle
from carryover.model import Event, Op, ToolCall, ToolResult, is_own_tool
from carryover.records.file_bodies import without_bodies
from carryover.records.own_files import only_looks
from carryover.records.text import names_handoff_file
from carryover.testruns.commands import part_with_tests
from carryover.testruns.reading import test_run_in
from carryover.text.harmless import one_line
from carryover.text.looking import found_nothing, is_looking, without_prefix, without_settings
from carryover.text.pattern import later
from carryover.text.shell import is_cut, pipelines
from carryover.text.stack import is_frame

_RAISED: Final = later(
    r"(?:Caused by: |Exception in thread \"[^\"\n]{1,80}\" |Unhandled exception\. )?"
    r"(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b(?::|$)|[\w.]+\.(?-i:Error|Exception):"
    r"|\*\* \([\w.]{1,100}\) \S"
    r"|(?:panic|fatal error): \S|thread '[^'\n]{1,80}' (?:\(\d{1,20}\) )?panicked at \S",
    re.I,
)
"""What languages print of an error that was raised; the last forms are Elixir's, Go's and Rust's."""
_REPORTED: Final = later(r"(?:\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d\S{0,12} )?(?:PHP )?(?:error|fatal)\b", re.I)
"""Perhaps only by the program that ran the failed one, or in its log."""
_LOCATED: Final = later(r"\S+?(?::\d+:\d+:|\(\d+,\d+\):) \S|[^\n]{1,300}?(?::\d+: error|: error [A-Z]{2,8}\d{2,5}): \S")
"""Line and column, the line of an error or MSBuild's code of one, in the form of compilers and linters; searches print
none of these."""
_NO_COMMAND: Final = later(r"(?:\S{1,100} : )?The term '")
"""PowerShell's error for a command that does not exist. The place and advice come after it."""
_TIMED_OUT: Final = later(r"command timed out\b", re.I)
"""What clients put before or after what a command has printed until then, which may all be well."""
_NOT_TAKEN: Final = later(r"(?:[\w./-]{1,40}: )?(?:unknown|unrecogni[sz]ed|unsupported|invalid) \S", re.I)
"""What a program says of an argument that it doesn't take."""
_LISTS: Final = later(r"usage\b|[^\n]{1,200}:$", re.I)
"""What comes before the list of those that it does take."""
_LISTED_WITHIN: Final = 5
"""Lines, of which some name the program and say what it is for."""
_NPM: Final = later(
    r"^npm (?:error|ERR!) code E?(\w{1,30})(?:\n[^\n]*){0,8}?\n(npm (?:error|ERR!) (?:Error: )?E?\1\b[^\n]*)",
    re.M | re.I,
)
"""The code of npm's error and the line that explains it; below stand what it compared, advice and the path of a log."""
_ESLINT: Final = later(
    r"^((?:/|[A-Z]:\\)[^\n]{1,300}?\.\w{1,10})[ \t]*\n(?:[ \t][^\n]*\n)*?[ \t]+(\d+):\d+[ \t]+error[ \t]+([^\n]+)", re.M
)
"""A file and the first error in it, as ESLint lists them; below the last one stand only their numbers."""
_ESLINT_ERROR: Final = later(r"^[ \t]+\d+:\d+[ \t]+error[ \t]+[^\n]+", re.M)
"""An error alone: a terminal can wrap the path of its file, and what a rule says takes lines between them."""
_ESLINT_ENDS: Final = later(r"^✖ \d+ problems? \(", re.M)
_IN_JSON: Final = later(r'"error":\s*(?:\{[^{}]{0,400}?"message":\s*)?"((?:[^"\\\n]|\\.){3,400})')
"""The beginning of an error's message in JSON output; more JSON may follow."""
_ESCAPED: Final = later(r'\\(["\\/])')
_REJECTED: Final = later(r"^ ! (\[[^\]\n]{1,40}\] [^\n]{1,120})$", re.M)
"""What `git push` says of a branch that was not taken."""
_PASSED_ON: Final = later(r"([^\"'&|]*)([\"'])([^\"']*)\2")
"""A chain in quotes that a command passes to another shell: `ssh HOST "make && make install"`."""
_CUT_SHORT: Final = later(r"(?![^\n]*\b(?:logs?|logcat|gh)\b)(?:[^;|]|\|(?!\|))*\|[ \t]*(?:tail|head)\b[^|;&\n]{0,20}")
"""A command with the exit code of `tail` or `head`. A log, an issue or one step of several may tell another error."""
_FIGURE: Final = later(r"error(?:[ _-][a-z]{1,20})?[ \t]{0,9}[:=]?[ \t]{0,9}[\d.,e+%-]+", re.I)
"""How many errors there were, or how large one is: "Error: 0.03"."""
_PRINTS: Final = "carryover handoff"
_HANDOFF_COMMAND: Final = later(rf"{_PRINTS}\b(?:(?!&&|;).)*")
_FRAME: Final = later(
    r"\+ |npm (?:error|ERR!) (?:A complete log of this run |Log files were not |You can rerun |\w+ This is related to )"
    r"|bash: line \d+: warning: here-document at line |wsl: Failed to translate "
    r"|[^\n]{1,200}: line \d+: `(?![^\n]{0,200}': not a )"  # bash quotes the line below the syntax error in it
    r"|(?:At|In|En|Au caractère) (?:\w{4,5}|[^\n]{1,300}\.ps1): ?\d+ (?:char|Zeichen|Carácter)?: ?\d+$"
    r"|(?:LINE \d+|HINT|hint): |- To [^\n]{1,60}, run: gh |note: run with `RUST_BACKTRACE="
    r"|[A-Z][\w ]{2,20}: \((?:none|empty)\)$"
)
_WRAPPED: Final = later(r"^( +\+ (?:CategoryInfo|FullyQualifiedErrorId)\b[^\n]*)(?:\n {3}(?! )[^\n]*)+", re.M)
"""What Windows PowerShell puts below a reason, and the rest of it on further lines: `ndException`."""
_POWERSHELL: Final = "Line |"
"""The head above the line of a command that PowerShell 7 quotes; the reason stands below, behind a rule."""
_CODE: Final = later(r"(?:> ?)?(?:\d{1,6} {1,9}){1,2}[|│](?: |$)|\|(?![^|\n]*\|)|│(?![^│\n]*│)")
"""A line of code that a compiler, a linter or a shell quotes, by its number, or what stands below it (Swift, Rust,
Babel, Biome)."""
_SUMS_UP: Final = later(
    r"error(?::| Command) (?:could not compile|aborting due to|test failed,|failed with exit code"
    r"|script \S{1,80} exited with code) ",
    re.I,
)
"""What cargo, yarn and bun print below the errors that they found."""
_CROSSED: Final = later(r"[×✖✗✘✕❌]\ufe0f? {1,4}\S")
"""What linters and checks found, by its mark (Biome, `gt doctor`)."""
_LINE_NUMBER: Final = later(r"(?m)^ *\d+(?:→|\t|: )")
_HAD_ENDED: Final = later(r"(?:Shell|Task) \S{1,80} is not running\b")
"""The result of a call that was to end a job that had already ended (Claude Code)."""
_SCRIPT: Final = later(
    r"shell:[^\n]*?(?:<<|@[\"']"
    r"|(?<![\w.-])(?:python|node|bun|deno|perl|ruby|(?:ba|z)?sh|pwsh)[\d.]*(?:\s-\S+)*?\s-[ce]\s)"
)
"""The signature of a command with a program in it: a document, an option of an interpreter, PowerShell's string."""
_WORD: Final = later(r"\w+")
_LEAST_WORDS: Final = 8
_CHANGED: Final = 8
"""Of so many words of a script, one may have been changed in the next attempt."""
_SHORT_CAUSE: Final = 60
_SHOWN_RUN: Final = 110
"""Characters of a command that ran tests that are shown (`where_it_stands`): of more, or of lines, a part is kept."""
_RUN_CHARS: Final = 240
_MARK_CHARS: Final = 160
_CAUSE_CHARS: Final = 220
_MOST_ANNOUNCED: Final = 2


def looks_at_ours(call: ToolCall | ToolResult) -> bool:
    """Whether a call does nothing but look something up with Carryover, or read or write the handoff or its second
    page. A sub-agent that is asked to read it has a task."""
    if call.op != "shell" or is_own_tool(call):
        return is_own_tool(call) or (call.op != "agent" and names_handoff_file(call.subject))
    if _PRINTS in call.subject and _HANDOFF_COMMAND.fullmatch(without_prefix(call.subject)):
        return is_looking(call.subject.replace(_PRINTS, "cat"))
    return names_handoff_file(call.subject) and only_looks(call.subject)


def failed(result: ToolResult) -> bool:
    """Whether a call failed in a way that reveals something about the approach. Looking around, refused calls and
    results of unknown calls don't count."""
    if result.never_ran or not (result.subject or result.name):
        return False
    if result.status != "error":
        return _failed_before_pipe(result)
    if result.op in ("read", "search", "plan", "ask"):
        return False
    if result.op != "shell":
        return not _HAD_ENDED.match(result.output.lstrip())
    return not found_nothing(result.subject, result.exit_code)


def _failed_before_pipe(result: ToolResult) -> bool:
    """Whether only `tail` or `head` ended well: the last that the command before it printed is an error."""
    error = _error_before_pipe(result)
    return error != "" and one_line(_telling(result.output)[-1]).startswith(error.removesuffix("…"))


def _error_before_pipe(result: Call | ToolResult) -> str:
    """Returns what looks like an error in the output of a command that ended well whatever it did."""
    if result.op != "shell" or result.status != "ok" or not _CUT_SHORT.fullmatch(result.subject.strip()):
        return ""
    error = "" if is_looking(result.subject) else error_in(result.output)
    return "" if _FIGURE.fullmatch(error) else error


def may_solve(result: Call | ToolResult) -> bool:
    """Whether a call succeeded, as far as is known. Of an edit, the file's entry has more."""
    return result.status == "ok" and result.op != "edit" and not _error_before_pipe(result)


def only_looked(call: Call | ToolResult) -> bool:
    """Whether the call only looked at what is still there."""
    return call.op in ("read", "search") or (call.op == "shell" and is_looking(call.subject))


def printed_by(call: Call | ToolResult) -> str:
    """Returns the output of a call; of a file that it read, without the numbers of the lines."""
    return _LINE_NUMBER.sub("", call.output) if call.op == "read" else call.output


def tests_in(result: ToolResult, event: Event, *, turn: int, at_ms: int) -> SeenRun | None:
    """Returns the test run that a result shows; None if it shows none."""
    run = test_run_in(result)
    if run is None:
        return None
    subject = result.subject.strip()
    fits = len(subject) <= _SHOWN_RUN and "\n" not in subject
    part = without_bodies(subject if fits else part_with_tests(subject)).strip().replace("\n", LINE_BREAK)
    command = cut_middle(one_line(part), _RUN_CHARS)
    folder = result.folder or ""
    return SeenRun(run=run, at_ms=at_ms, command=command, turn=turn, session=event.session, folder=folder)


def tried(result: ToolResult) -> str:
    """Returns the attempt in a few words."""
    if result.op == "shell":
        return command_tried(result.subject, result.name)
    subject = one_line(without_prefix(without_bodies(result.subject))) or result.name
    return called(result.name, clip(subject, chars=140) if subject != result.name else "")


def command_tried(command: str, name: str = "") -> str:
    """Returns the attempt at a shell command in a few words."""
    subject = one_line(without_settings(without_bodies(command))) or name
    return f"`{cut_middle(subject.replace('`', ''), 160)}`"


def signature(result: ToolResult) -> str:
    """Returns a text that is equal for repeated attempts: numbers and white space don't count. Of an unknown tool, such
    as an MCP server's, its name and the numbers count: two may be called with the same arguments, and a number may be
    all that says which issue it was."""
    if result.op == "other":
        return f"other:{result.name}:{one_line(result.subject)[:_MARK_CHARS]}"
    return f"{result.op}:{_mark(without_prefix(result.subject))}"


def steps(result: ToolResult) -> frozenset[str]:
    """Returns the signatures of the steps of a chain that succeeded, each of which ran only if the one before it did.
    Whether a step before a pipe succeeded is not known. A step of a chain that was passed to another shell counts as
    the command that passes this step alone: `ssh HOST "make"`."""
    chain = _chain(without_bodies(result.subject)) if result.op == "shell" else []
    ran: list[str] = []
    for step in filter(None, chain):
        passed_on = _PASSED_ON.fullmatch(step)
        shell, quote, script = passed_on.groups() if passed_on is not None else ("", "", "")
        inner = _chain(script)
        ran += [f"{shell}{quote}{each}{quote}" for each in inner if each] if len(inner) > 1 else [step]
    return frozenset(f"shell:{_mark(step)}" for step in ran)


def has_run(failed: str, again: Set[str]) -> bool:
    """Whether each step of the chain with the signature `failed` is among the `steps` that succeeded."""
    chain = _chain(failed.removeprefix("shell:")) if "&&" in failed else []
    return len(chain) > 1 and all(f"shell:{step}" in again for step in chain)


def is_corrected(failed: str, cause: str, subject: str) -> bool:
    """Whether a command is the script with the signature `failed` again, with few of its words changed, none of which
    the `cause` names: that would be another approach. Of a long script only the beginning is known."""
    begins = failed.removeprefix("shell:")
    words = _WORD.findall(begins)[: -1 if len(begins) == _MARK_CHARS else None]  # the last one may be cut
    if _SCRIPT.match(failed) is None or len(words) < _LEAST_WORDS:
        return False
    changed = {*words}.difference(_WORD.findall(_numberless(subject)))
    few = sum(word in changed for word in words) * _CHANGED <= len(words)
    return few and changed.isdisjoint(_WORD.findall(_numberless(cause)))


def _chain(script: str) -> list[str]:
    """Returns the steps of a script in which each ran only if the one before it succeeded, empty where one is piped;
    nothing of any other script."""
    parts = pipelines(script)
    is_chain = all(part[-1].then == "&&" for part in parts[:-1]) and not is_cut(script)
    return [without_prefix(part[0].text) if len(part) == 1 else "" for part in parts] if is_chain else []


def _mark(subject: str) -> str:
    return _numberless(one_line(subject))[:_MARK_CHARS]


def _numberless(text: str) -> str:
    return re.sub(r"[0-9]+", "0", text)


def is_edit_of(mark: str, path: str) -> bool:
    """Whether a failure with this signature was an edit of the file at `path`. The signature may abbreviate paths."""
    if not mark.startswith("edit:"):
        return False
    subject = mark.removeprefix("edit:").replace("\\", "/").removeprefix("./")
    return subject != "" and f"/{_mark(path)}".replace("\\", "/").endswith(f"/{subject.lstrip('/')}")


def why(output: str, *, op: Op = "shell") -> str:
    """Returns the reason of a failure from its output: that it ran out of time, ESLint's first error, the last line
    that looks like an error or, of npm's, the one that explains it, the first that a cross marks, the message of an
    error where it ends in JSON, or else the last lines. A tool that runs no command says it first; of an edit, what
    looks like an error may be of the file."""
    lines = _telling(output)
    if not lines:
        return ""
    if timed_out := _timed_out(lines):
        return clip(one_line(timed_out), chars=_CAUSE_CHARS)
    if op in ("edit", "write"):
        return clip(one_line(lines[0]).rstrip(":"), chars=_CAUSE_CHARS)
    if by_eslint := _ESLINT.search(output):
        file, line, error = by_eslint.groups()
        return cut_middle(one_line(f"{file}:{line} error {error}"), _CAUSE_CHARS)
    if _ESLINT_ENDS.search(output) and (without_file := _ESLINT_ERROR.search(output)):
        return clip(one_line(without_file[0]), chars=_CAUSE_CHARS)
    raised = error_in(output)
    if (not raised or _SUMS_UP.match(raised)) and (crossed := next(filter(_CROSSED.match, lines), "")):
        return clip(one_line(crossed).rstrip(":"), chars=_CAUSE_CHARS)
    if (not raised or raised.startswith("npm ")) and (by_npm := _NPM.search(output)):
        return clip(one_line(by_npm[2]), chars=_CAUSE_CHARS)
    if raised:
        rejected = _REJECTED.search(output)
        # The last line names the repository, by which a later push solves this; the one of the branch says why.
        return f"{raised}{LINE_BREAK}{rejected[1]}" if rejected is not None else _with_what_follows(raised, lines)
    if _NOT_TAKEN.match(lines[0]) and any(map(_LISTS.match, lines[1:_LISTED_WITHIN])):
        return clip(one_line(lines[0]), chars=_CAUSE_CHARS)
    if output.rstrip().endswith(("}", "]")) and (in_json := _IN_JSON.findall(output)):
        return clip(one_line(_ESCAPED.sub(r"\1", in_json[-1])), chars=_CAUSE_CHARS)
    if op != "shell":
        return clip(one_line(lines[0]), chars=_CAUSE_CHARS)
    last = lines[-1]
    for line in reversed(lines[-4:-1]):
        if len(last) >= _SHORT_CAUSE:
            break
        last = f"{line}{LINE_BREAK}{last}"
    return cut_middle(one_line(last), _CAUSE_CHARS, tail=0.6)


def _with_what_follows(raised: str, lines: list[str]) -> str:
    """Returns an error, with the lines after it if it ends with a colon: they say what it is about."""
    at = next((at for at in reversed(range(len(lines))) if lines[at] == raised), len(lines))
    below = lines[at + 1 : at + 1 + _MOST_ANNOUNCED] if raised.endswith(":") else []
    return clip(LINE_BREAK.join((raised, *map(one_line, below))), chars=_CAUSE_CHARS)


def error_in(output: str) -> str:
    """Returns the last line of an output that looks like an error, if possible one that does not sum up others; empty
    if there is none."""
    newest = _telling(output)[::-1]
    errors = [line for line in newest if not _SUMS_UP.match(line)]
    # A stack is long, and nothing but what was raised is at its head.
    within = ((_RAISED, 40), (_REPORTED, 40), (_LOCATED, 40), (_NO_COMMAND, 40), (_RAISED, 200))
    found = (next(filter(form.match, of[:lines]), "") for of in (errors, newest) for form, lines in within)
    return clip(one_line(next(filter(None, found), "")), chars=_CAUSE_CHARS)


def _timed_out(lines: list[str]) -> str:
    """Returns the line that says that a command's time was up; empty if none does."""
    return next(filter(_TIMED_OUT.match, (*lines[:1], *lines[-1:])), "")


def _telling(output: str) -> list[str]:
    """Returns the lines of an output that may tell why it failed: rules, the frames of a stack, npm's last line, a
    shell's warning, what PostgreSQL, git and gh put below an error, quoted code, what PowerShell draws around a reason
    do not."""
    lines = [line.strip() for line in _WRAPPED.sub(r"\1", output).splitlines() if line.strip()]
    if _POWERSHELL in lines:
        lines = [line.removeprefix("| ") for line in lines if line != _POWERSHELL]
    left_out = (_FRAME.match, _CODE.match, is_frame)
    telling = [line for line in lines if any(map(str.isalnum, line)) and not any(form(line) for form in left_out)]
    return telling or lines
