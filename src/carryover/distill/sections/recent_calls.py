"""What agents ran, read and were told by sub-agents, with what it printed: part of Recent files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from carryover.distill.commands import only_looked, printed_by
from carryover.distill.digest import JOB, Call
from carryover.distill.entry import Entry, fixed_rank
from carryover.distill.git_reports import COMMITS
from carryover.distill.quotes import called, excerpt, lines_of
from carryover.distill.sections.failed_approaches import open_failures
from carryover.distill.sections.quoting import from_turn, joined_short, parted
from carryover.distill.sections.recent_files import GOES_TO, edited_since, from_root, relative
from carryover.distill.trail import Past, Step
from carryover.distill.view import ProjectView, SessionView
from carryover.model import ToolResult
from carryover.records.fields import resolved, with_drive
from carryover.text.boxes import is_document
from carryover.text.looking import found_nothing, printed_files, showing_parts
from carryover.text.pattern import later

_MOST_CALLS: Final = 24
_COMMIT: Final = "git commit"
"""The whole command where an agent commits by itself."""
_CALL_CHARS: Final = 160
_MOST_OUTPUT: Final = 12
_MOST_READ: Final = 5
_MOST_DATA: Final = 2
_DATA: Final = later(r"\s*(?:\{\s*\"|\[\s*[\[{\"])")
"""The beginning of JSON, of which the next agent can use little as text."""
_SEVERAL_GAPS: Final = later(r"(?m)^…(?:\n…)+$")
_SHOWN_END: Final = later(r"(?:(?<! ) 2>&1)? ?\| ?(?:tail|head) [-\dn ]{1,12}\Z|(?<! ) 2>&1\Z")
_FOUND: Final = later(r"^((?:[A-Za-z]:)?[^:\n]{1,400}):\d{1,7}[:-]", re.M)
_UNCOMMITTED: Final = later(r"\bgit (?:-C \S{1,200} )?(?:status\b|diff(?: --[\w=-]{1,40})*(?= *(?:\Z|[\n|;&>]|2>)))")
"""Commands that show what is not committed."""
_OF_COMMIT: Final = later(
    r"(?m)^ ?(?:create|delete) mode \d{6} .*\n?|^ (?:rename|copy|rewrite|mode change) .*\n?"
    r"|^ ?Committer: .*(?:\n.*){0,16}\n *git commit --amend --reset-author\n?"
)
"""What git prints below a commit's subject: each file that it made, moved or deleted, and how to set one's name."""
_SIZE: Final = later(r"total [\d.,]+[KMGT]?")
"""The first line of `ls -l`."""
_PREPARED: Final = later(
    r"mkdir [^;&|\n]+|(?:mkdir [^;&|\n]+ && )?cat (?:>{1,2} ?\S+ <<\S+|<<\S+ >{1,2} ?\S+) …(?: \(\d+ lines\))?"
)
"""A command that only makes a folder, or writes a file whose body is not kept: both are there, and edited files are
listed."""
_NOTHING: Final = later(r"(?:(?:No (?:matches|files|results)(?: were)?|0 (?:matches|files)) found\b[^\n]*)?")
"""What a search prints that found nothing (Claude Code, Gemini CLI, opencode)."""


def call_entries(past: Past) -> list[Entry]:
    """Returns the newest calls with their output; without those that failed and said no more than stands there."""
    reasons = {(failure.at_ms, session.session): failure.why for failure, session in open_failures(past.view)}
    shown = (made for made in _shown_calls(past.view) if not _is_in_reason(*made, reasons))
    newest = [*shown][-_MOST_CALLS:]
    entries: list[Entry] = []
    for call, session in _without_repeated_lines(newest):
        row = "last call" if _is_where_it_broke_off(past, call, session) else None
        entries += _call(past, call, session, row)
    return joined_short(sorted(entries, key=lambda entry: entry.at_ms))


def _is_in_reason(call: Call, session: SessionView, reasons: Mapping[tuple[int, str], str]) -> bool:
    """Whether `reasons` has one for the failure of this call, and each line of its output is in that."""
    why = reasons.get((call.at_ms, session.session))
    return why is not None and all(line.strip() in why for line in call.output.splitlines())


def _is_where_it_broke_off(past: Past, call: Call, session: SessionView) -> bool:
    """Whether a call is the last one, of the newest turn or, if that has only begun, of the one before it, and nothing
    was answered since: what it printed is the state that the work was left in."""
    step = past.newest
    if not step.is_newest or session is not step.view or only_looked(call):
        return False
    last = step.digest.calls[-1]
    if (last.turn, last.at_ms, last.subject) != (call.turn, call.at_ms, call.subject):
        return False
    if step.turn.end == "answered":  # since then only the user can have run it: `! make`
        return last.turn == step.turn.number and any(last.at_ms > said.at_ms for said in step.turn.said[-1:])
    has_begun = not (step.turn.calls or step.turn.said)
    left = next((turn for turn in step.digest.turns if turn.number == last.turn), None)
    return left is not None and left.end != "answered" and step.turn.number - left.number <= has_begun


def _shown_calls(view: ProjectView) -> list[tuple[Call, SessionView]]:
    """Returns the calls to show with their sessions, oldest first; of the runs of one command, the newest, which says
    what is so now."""
    # Without a turn, a session has at most the report of a job that another one started.
    sessions = [session for session in view.sessions if session.digest.turns]
    calls = [(call, of) for of in sessions for call in of.digest.calls]
    reported = {(of.session, call.subject) for call, of in calls if call.name == JOB}
    calls = [(call, of) for call, of in calls if not _is_reported(call, of, reported)]
    calls.sort(key=lambda made: made[0].at_ms)
    different = {_again(call): (call, of) for call, of in calls if not _is_listed(call, view)}
    unsolved = (made for made in different.values() if not _is_solved(*made))  # else an earlier run would stand
    shown = ((call, of) for call, of in unsolved if _is_shown(call) and not is_on_disk(call, view.root))
    return [(call, of) for call, of in shown if not _printed_code(call, view.root)]


def _is_reported(call: Call, of: SessionView, reported: Iterable[tuple[str, str]]) -> bool:
    """Whether a call only began a sub-agent that has reported since: alone it reads as if no report had come."""
    begun = f'"{call.subject}"'
    is_bare = call.op == "agent" and call.status == "ok" and not call.output
    return is_bare and any(session == of.session and begun in label for session, label in reported)


def _is_listed(call: Call, view: ProjectView) -> bool:
    """Whether a call may have changed a file that is listed as changed."""
    if call.op not in ("edit", "write") or call.status != "unknown":
        return False
    return any(file.path == with_drive(call.subject) for digest in view.digests for file in digest.touched)


def _is_solved(call: Call, session: SessionView) -> bool:
    """Whether a call failed that has succeeded since: as a failed approach it may still be told."""
    return any(failure.solved and failure.at_ms == call.at_ms for failure in session.digest.failures)


def _folder(call: Call) -> str:
    """Returns the folder that a command goes to first; empty if it names none."""
    found = GOES_TO.match(call.subject) if call.op == "shell" else None
    return found["folder"].replace("\\", "/") if found is not None else ""


def _again(call: Call) -> tuple[str, str, str]:
    """Returns what is the same in each run of a call. A search is known by its pattern alone, wherever it looked; a
    command however much of its output is shown, and by its folder as it is written."""
    ran_again = call.subject != "" and call.op != "search"
    subject = _SHOWN_END.sub("", GOES_TO.sub("", call.subject)) if call.op == "shell" else call.subject
    return _folder(call), subject, "" if ran_again else call.output


def is_on_disk(call: Call | ToolResult, root: str) -> bool:
    """Whether a call read a file of the project: the next agent can read it too, as it is by then."""
    return call.op == "read" and call.status in ("ok", "unknown") and relative(call.subject, root) is not None


def _printed_code(call: Call, root: str) -> bool:
    """Whether a command only printed code of the project, as agents do that have no tool to read (Codex). Pieces of
    code say little, those of a plan or a specification more."""
    if call.op != "shell" or call.status not in ("ok", "unknown"):
        return False
    folder = resolved(_folder(call), root)
    paths = [resolved(name, folder) or "" for name in printed_files(call.subject)]
    return paths != [] and all(relative(path, root) is not None and not is_document(path) for path in paths)


def out_of_date(call: Call | ToolResult, at_ms: int, view: ProjectView) -> str:
    """Says that something was committed after a call that showed what was not, or which files were edited after one
    that looked at them, or that failed: they may no longer be as it printed. Empty if none was."""
    if call.op == "shell" and _UNCOMMITTED.search(call.subject) and _committed_since(at_ms, view):
        return "committed since"
    if not only_looked(call) and call.status != "error":
        return ""
    # What a search looked in is not always known, and what it found names files.
    names = f"{call.subject}\n{_names_of(call.output)}" if call.op == "search" else call.subject
    since = edited_since(names, at_ms, view)
    return "edited since" if since and call.op == "read" else since  # the line begins with the file


def _committed_since(at_ms: int, view: ProjectView) -> bool:
    return any(turn.committed_ms > at_ms for session in view.sessions for turn in session.digest.turns)


def _names_of(output: str) -> str:
    """Returns what stands before the line numbers of what a search found, the names of files."""
    return "\n".join(found[1] for found in _FOUND.finditer(output))


def _is_shown(call: Call) -> bool:
    if call.status == "denied" or not (call.subject or call.output):  # what was refused is with the user's words
        return False
    if not (call.subject or call.name):  # the result of a call that no record names
        return False
    if call.op == "shell" and call.status == "ok" and not call.output.strip() and _PREPARED.fullmatch(call.subject):
        return False
    if call.op == "search" and _NOTHING.fullmatch(call.output.strip()):
        return False  # it may have looked in one file alone, which is not known any more
    # Todo lists, questions and commits are shown under their headings, edits on their own lines.
    is_told = call.op in ("edit", "write") or call.subject == _COMMIT
    return call.op not in ("plan", "ask") and not (is_told and call.status == "ok")


def _without_repeated_lines(calls: Sequence[tuple[Call, SessionView]]) -> Iterator[tuple[Call, SessionView]]:
    """Yields the calls, newest first. Lines that several printed (a banner, a warning) stay only in the newest."""
    printed = Counter(line for call, _ in calls for line in {*call.output.splitlines()} if len(line) > 20)
    known: set[str] = set()
    for call, session in reversed(calls):
        lines = call.output.splitlines()
        output = "\n".join("…" if line in known else line for line in lines)
        known |= {line for line in lines if printed[line] > 2}
        yield msgspec.structs.replace(call, output=_SEVERAL_GAPS.sub("…", output)), session


def still_so(call: Call | ToolResult, since: str, at_ms: int, view: ProjectView) -> str:
    """Returns what a call printed that was not edited since, as `out_of_date` says; of a file that it read, without the
    numbers of the lines. Of a command of several parts, the first and last lines stay, if the part that printed them
    looked at nothing that was edited: where one part's lines end is not recorded. A search shows more than one file."""
    printed = printed_by(call)
    if not since or call.status == "error" or call.op == "search":
        return printed
    parts = showing_parts(call.subject) if call.op == "shell" else [call.subject]
    first, *_, last = (not edited_since(part, at_ms, view) for part in (parts[0], parts[-1]))
    lines = printed.splitlines()
    if first and last and len(lines) <= 2 * _MOST_READ:
        return printed
    kept = [*(lines[:_MOST_READ] if first else ()), "…", *(lines[-_MOST_READ:] if last else ())]
    return "\n".join(kept) if first or last else ""


def _call(past: Past, call: Call, session: SessionView, row: str | None) -> list[Entry]:
    """Returns a call with its output, unless the output shows a file that has changed since; nothing of one that only
    looked at something, if nothing of what it printed is left. If it is cut or takes several lines, the label names the
    turn, which has all of it."""
    step = _step_of(call, session)
    since = out_of_date(call, call.at_ms, past.view)
    label = f"{_label(past, call)} ({since})" if since else _label(past, call)
    output = still_so(call, since, call.at_ms, past.view)
    output = _OF_COMMIT.sub("", output) if COMMITS.search(call.subject) else output
    output = output if _says_something(output) else ""
    if not output and call.output.strip() and call.status != "error" and only_looked(call):
        return []
    most = _MOST_DATA if _DATA.match(output) else _MOST_READ if only_looked(call) else _MOST_OUTPUT
    quoted = parted(step, output, "call", row, label=label, most=most, at_ms=call.at_ms)
    if len(quoted) > 1 or _is_cut(label, output, quoted):
        notes = ", ".join(filter(None, (past.turn(call.turn, session), since)))
        label = f"{_label(past, call)} ({notes})"
        quoted = parted(step, output, "call", row, label=label, most=most, at_ms=call.at_ms)
    quoted = quoted or [from_turn(step, label, "call", fixed_rank(row), at_ms=call.at_ms)]
    again = _tests_passed(call, session) or (only_looked(call) and not any(map(is_document, _read(call))))
    return [msgspec.structs.replace(one, again=again) for one in quoted]


def _tests_passed(call: Call, session: SessionView) -> bool:
    """Whether a call ran tests that passed: the line of the last run and those of edited files say so."""
    runs = (seen for seen in session.digest.runs if (seen.at_ms, seen.turn) == (call.at_ms, call.turn))
    return any(seen.run.status == "pass" for seen in runs)


def _says_something(output: str) -> bool:
    """Whether anything is left of an output, beside how large a folder is."""
    return any(line != "…" and not _SIZE.fullmatch(line) for line in lines_of(output, printed=True))


def _read(call: Call) -> tuple[str, ...]:
    """Returns the files that a call printed, if that is all that it showed."""
    return printed_files(call.subject) if call.op == "shell" else (call.subject,) if call.op == "read" else ()


def _step_of(call: Call, session: SessionView) -> Step:
    """Returns the call's turn, or the newest one if that is no longer kept."""
    turns = session.digest.turns
    return Step(next((turn for turn in turns if turn.number == call.turn), turns[-1]), session)


def _label(past: Past, call: Call) -> str:
    """Returns what was called, and how it ended if that was not well."""
    path = relative(call.subject, past.view.root) if call.op in ("read", "edit", "write") else None
    given = from_root(call.subject, past.view) if call.op == "shell" else path or call.subject
    subject = given.replace("`", "")
    status = "" if call.status in ("ok", "unknown") else f" → {call.status}"
    if call.op in ("edit", "write") and call.status == "unknown":
        status = " → no result"  # or else it reads as if the file had been edited
    if call.op == "shell" and call.exit_code == 1 and found_nothing(call.subject, 1):
        status = " → exit 1"  # there is none, or a difference
    if call.op == "shell" and call.status == "ok" and not call.output and ("|" in call.subject or only_looked(call)):
        status = " → no output"  # or else it reads as if that were not known; what is piped is run for what it prints
    if subject in ("", call.name):
        return f"{called(call.name, '')}{status}"
    quoted = f"`{excerpt(subject, _CALL_CHARS, printed=call.op == 'shell')}`{status}"
    return quoted if call.op == "shell" else called(call.name, quoted)


def _is_cut(label: str, output: str, quoted: Iterable[Entry]) -> bool:
    return "…" in label or "…" in output or any("…" in entry.text for entry in quoted)
