"""Tool calls and their results: what is in flight, what failed, test runs and commits."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import MOST_FAILURES, MOST_PENDING, MOST_RUNS, Digest, Failure, Pending, SeenRun
from carryover.distill.events.folded import Folded
from carryover.distill.failures import failed, signature, tried, user_said, why
from carryover.distill.own_text import is_handoff_text, names_handoff
from carryover.distill.prose import one_line
from carryover.distill.testruns.reading import read_test_run
from carryover.distill.testruns.run import TestRun
from carryover.distill.view import Note
from carryover.model import Event, ToolCall, ToolResult

_MOST_COMMITS: Final = 4
_COMMITTED: Final = re.compile(r"^\[[^\]\n]{1,120} ([0-9a-f]{6,40})\] (.{1,200})$", re.M)


def call(digest: Digest, event: Event, body: ToolCall) -> Folded:
    """The turn goes on: what was said before the call did not close it."""
    if body.actor == "human" or names_handoff(body.subject):
        return digest, ()
    subject = clip(one_line(body.subject) or body.name, chars=200)
    edits = body.op in ("edit", "write") and bool(body.subject)
    opened = Pending(id=body.call_id, text=subject, at_ms=event.at_ms, edits=edits)
    said = replace(digest.said, closing=False) if digest.said is not None else None
    turn = replace(digest.turn, done=False, worked=True, last_ms=event.at_ms) if digest.turn is not None else None
    return replace(digest, calls=(*digest.calls, opened)[-MOST_PENDING:], said=said, turn=turn), ()


def result(digest: Digest, event: Event, body: ToolResult) -> Folded:
    """A test run is told as such, whether it failed or not; anything else may have failed, or mended what had."""
    if names_handoff(body.subject) or is_handoff_text(body.output):
        return digest, ()
    digest = replace(digest, calls=tuple(call for call in digest.calls if call.id != body.call_id))
    run = _test_run(body) if body.op == "shell" else None
    if run is not None:
        return _with_run(digest, run, body, event.at_ms), ()
    digest = replace(digest, failures=_failures_after(digest.failures, body, event.at_ms))
    return _with_commits(digest, body), _refusal(body, event.at_ms)


def _test_run(body: ToolResult) -> TestRun | None:
    """The test run that a shell command was. Where nobody says how it ended, only an output with a verdict is one."""
    if body.status in ("ok", "error"):
        return read_test_run(body.subject, body.output, exit_code=body.exit_code, failed=body.status == "error")
    if body.status == "unknown":
        run = read_test_run(body.subject, body.output, exit_code=None, failed=None)
        return run if run is not None and run.status != "unknown" else None
    return None


def _with_run(digest: Digest, run: TestRun, body: ToolResult, at_ms: int) -> Digest:
    seen = SeenRun(run=run, at_ms=at_ms, command=clip(one_line(body.subject), chars=160))
    turn = digest.turn
    if turn is not None and run.status != "unknown":
        turn = replace(turn, tests=run.status)
    return replace(digest, runs=(*digest.runs, seen)[-MOST_RUNS:], turn=turn)


def _with_commits(digest: Digest, body: ToolResult) -> Digest:
    """With the subjects of the commits that `git commit` says it made."""
    if digest.turn is None or body.op != "shell" or body.status != "ok" or "git commit" not in body.subject:
        return digest
    commits = tuple(f"{match[2]} ({match[1]})" for match in _COMMITTED.finditer(body.output))
    return replace(digest, turn=replace(digest.turn, commits=(*digest.turn.commits, *commits)[-_MOST_COMMITS:]))


def _refusal(body: ToolResult, at_ms: int) -> tuple[Note, ...]:
    """What the user said on refusing a call is a ruling."""
    reason = user_said(body.output) if body.status == "denied" else None
    return (Note(kind="ruling", text=clip(reason, chars=240), at_ms=at_ms, weight=2),) if reason else ()


def _failures_after(failures: tuple[Failure, ...], body: ToolResult, at_ms: int) -> tuple[Failure, ...]:
    mark = signature(body)
    former = next((failure for failure in failures if failure.signature == mark), None)
    if failed(body):
        reason = why(body.output, of_edit=body.op == "edit")
        times = former.times + 1 if former else 1
        new = Failure(tried=tried(body), why=reason, at_ms=at_ms, signature=mark, times=times)
        return (*(f for f in failures if f.signature != mark), new)[-MOST_FAILURES:]
    # Of an edit its file says more: see `edits`.
    if former is not None and body.status == "ok" and body.op != "edit":
        return tuple(replace(f, mended=True) if f.signature == mark else f for f in failures)
    return failures
