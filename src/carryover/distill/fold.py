"""Folds events into the digest of their thread: tool calls and their results here, what is said in `turns`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PureWindowsPath
from typing import Any, Final

from msgspec.structs import replace

from carryover import model
from carryover.distill import background, commands, documents, reverting, turns
from carryover.distill.commands import (
    failed,
    is_corrected,
    is_edit_of,
    looks_at_ours,
    may_solve,
    signature,
    tried,
    why,
)
from carryover.distill.digest import MOST_RUNS, Call, Digest, EditedFile, Failure, Pending, Reply
from carryover.distill.git_reports import COMMITS, branch_in, committed, pushed_to
from carryover.distill.names import with_names
from carryover.distill.own_text import without_handoffs
from carryover.distill.quotes import LINE_BREAK, clip, clip_middle
from carryover.distill.turns import MOST_FAILURES, MOST_PENDING, at_work, with_turn
from carryover.model import Event, FileEdit, SessionInfo, ToolCall, ToolResult
from carryover.records.fields import is_below, with_drive
from carryover.records.file_bodies import without_bodies
from carryover.records.shell_files import removed
from carryover.records.shell_jobs import ends_job, job_left, never_began, reports_end
from carryover.records.text import names_handoff_file
from carryover.text.harmless import one_line
from carryover.text.looking import is_looking, is_retry, uncut, without_prefix
from carryover.text.stack import without_deep_frames

_LONGEST_TEXT: Final = 200_000
_MOST_EDITED_FILES: Final = 40
_MOST_COMMITS: Final = 4
_REPORT_CHARS: Final = 3000  # of a sub-agent
_OUTPUT_CHARS: Final = 4000
_BY_TOOL: Final = ("read", "search", "web", "other")
"""Operations whose arguments alone may not show what a call does."""
_NEAR: Final = 3
"""Within so many calls a script that failed is corrected."""
_SHORTEST_JOB: Final = 3
"""A shorter name may stand in any command."""


def fold(digest: Digest, events: Iterable[Event]) -> Digest:
    """Returns the digest after `events`, in order; the same object if nothing changes."""
    names = dict(digest.names)
    for event in events:
        body = event.body
        rule = _RULES.get(type(body))
        if rule is None:
            continue
        text = getattr(body, "text", "")
        if len(text) > _LONGEST_TEXT:  # pasted megabytes: their ends show what they are, and all would delay others
            body = replace(body, text=clip_middle(text, chars=_LONGEST_TEXT))
        after = rule(digest, event, body)
        if after is not digest:
            heard = digest.heard + 1
            reads_own = isinstance(body, ToolCall | ToolResult) and looks_at_ours(body)
            names = names if reads_own else with_names(names, heard, body)
            digest = replace(after, last_ms=max(event.at_ms, after.last_ms), names=names, heard=heard)
    return digest


def _call(digest: Digest, event: Event, body: ToolCall) -> Digest:
    """Adds a call. The turn continues, so what was said before the call did not end it."""
    if body.actor == "human" or looks_at_ours(body):
        return digest
    digest = at_work(digest, event)
    lines = map(one_line, without_bodies(body.subject).split("\n"))
    subject = "\n".join(filter(None, lines)) or body.name
    told = f"{body.name} {subject}" if body.op in _BY_TOOL and subject != body.name else subject
    opened = Pending(id=body.call_id, text=clip(told, chars=400), at_ms=event.at_ms, turn=digest.prompts, op=body.op)
    turn = digest.turns[-1]
    changes = body.op in ("edit", "write", "agent") or (body.op == "shell" and not is_looking(body.subject))
    branch = digest.branch if changes else turn.branch
    counted = {"calls": turn.calls + 1, "changes": turn.changes + changes, "branch": branch}
    digest = with_turn(digest, **counted, end="", last_ms=event.at_ms)
    # Some clients compact while a call runs (Copilot). One that is open when the next begins has lost its result.
    compacted_ms = digest.summary.at_ms if digest.summary is not None else 0
    others = (call for call in digest.open_calls if call.at_ms >= compacted_ms)
    return replace(digest, open_calls=(*others, opened)[-MOST_PENDING:])


def _result(digest: Digest, event: Event, body: ToolResult) -> Digest:
    open_calls = tuple(call for call in digest.open_calls if call.id != body.call_id)
    if looks_at_ours(body):
        return replace(digest, open_calls=open_calls)
    output = without_handoffs(body.output)
    if output is not body.output:
        body = replace(body, output=output)
    digest = replace(at_work(digest, event), open_calls=open_calls)
    if body.status == "error":
        digest = turns.without_unasked(digest, body.call_id)
    digest = documents.after_result(digest, event, body)
    digest = _with_jobs(_with_call(digest, body, event), body, event)
    digest = _without_removed(digest, body, event)
    refused = body.status == "denied" and body.op not in ("plan", "ask") and tried(body)  # nothing names a lost call
    if body.user_words or refused:
        words = clip(one_line(body.user_words), chars=400)
        digest = turns.refused_call(digest, Reply(text=words, to=tried(body), at_ms=event.at_ms, refused=True))
    elif body.status == "ok":
        digest = turns.allowed(digest, tried(body))
    if seen := commands.tests_in(body, event, turn=digest.prompts, at_ms=event.at_ms):
        began, mark = digest.failures, signature(body)  # now, if a step before the tests had failed
        began = tuple(replace(failure, solved=True) if failure.signature == mark else failure for failure in began)
        digest = replace(digest, runs=(*digest.runs, seen)[-MOST_RUNS:], failures=began)
    elif body.status == "ok":
        digest = background.with_printed(digest, event)
    if seen is None or seen.run.status == "pass":  # else the failure is that of the tests
        digest = replace(digest, failures=_failures_after(digest, body, event.at_ms))
    if named := branch_in(body):
        is_first = digest.turns[-1].changes <= 1  # nothing else of this turn was done on the branch that it left
        digest = replace(with_turn(digest, branch=named) if is_first or committed(body) else digest, branch=named)
    commits = [f"{subject} ({short})" if short else subject for short, subject in committed(body)]
    if not commits:
        return digest
    commits = [*digest.turns[-1].commits, *commits][-_MOST_COMMITS:]
    return with_turn(digest, commits=tuple(commits), committed_ms=event.at_ms)


def _with_call(digest: Digest, body: ToolResult, event: Event) -> Digest:
    most = _REPORT_CHARS if body.op == "agent" else _OUTPUT_CHARS
    made = Call(
        name=body.name,
        op=body.op,
        subject=clip_middle(without_bodies(body.subject).strip(), chars=600, tail_share=0.3),
        status=body.status,
        exit_code=body.exit_code if body.status == "error" else None,
        output=clip_middle(without_deep_frames(body.output.strip()), chars=most),
        at_ms=event.at_ms,
        turn=digest.prompts,
        folder=body.folder,
    )
    return turns.with_call(digest, made)


def _with_jobs(digest: Digest, body: ToolResult, event: Event) -> Digest:
    """Tracks the jobs that shell commands leave running. A command that names one shows that it runs, or ends it, and
    its output may report that one has ended."""
    if body.op != "shell" or body.never_ran:
        return digest
    # One that never reported its end is over if the same command has since run to its end. Of a long one only the
    # beginning is known, which another may share.
    same = one_line(body.subject) if body.status == "ok" else ""
    jobs = tuple(job for job in digest.jobs if job.id == body.call_id or same != job.text)
    jobs = tuple(job for job in jobs if not reports_end(body.output, job.text))
    digest = replace(digest, jobs=jobs) if len(jobs) < len(digest.jobs) else digest
    ends = ends_job(body.subject)
    named = [job for job in jobs if len(job.id) >= _SHORTEST_JOB and job.id in body.subject]
    named = named or list(jobs[:1] if ends and len(jobs) == 1 else ())
    running = [] if ends else [replace(job, at_ms=event.at_ms, turn=digest.prompts) for job in named]
    left = job_left(body.subject) if body.status == "ok" else None
    has_ended = left is not None and (reports_end(body.output, left[1]) or never_began(body.output, left[1]))
    left = None if has_ended else left
    if left is not None and not any(job.at_ms == event.at_ms for job in jobs):  # else the agent recorded it itself
        name, line = left
        running = [Pending(id=name, text=clip(line, chars=200), at_ms=event.at_ms, turn=digest.prompts, op="shell")]
    if not named and not running:
        return digest
    return replace(digest, jobs=(*(job for job in jobs if job not in named), *running)[-MOST_PENDING:])


def _failures_after(digest: Digest, body: ToolResult, at_ms: int) -> tuple[Failure, ...]:
    failures, turn = digest.failures, digest.prompts
    has_failed = failed(body)
    if not has_failed and not (failures and may_solve(body)):
        return failures
    mark = signature(body)
    if not has_failed:
        again, to = commands.steps(body), pushed_to(body)
        programs = {_program(step) for step in (mark, *again)} if body.op == "shell" else ()
        has_committed = committed(body) != []
        committed_ms = at_ms if has_committed else max((each.committed_ms for each in digest.turns), default=0)

        def is_solved(failure: Failure) -> bool:
            is_made = _stopped_before_push(failure) and failure.at_ms < committed_ms
            is_sent = (to != "" and (to in failure.why or is_made)) or (has_committed and _only_commits(failure))
            is_step = not again.isdisjoint((failure.signature, uncut(failure.signature), failure.command))
            is_step = is_step or commands.has_run(failure.signature, again)
            is_found = _program(failure.signature) in programs and _is_missing(failure)
            is_near = failure.turn == turn and digest.turns[-1].calls - failure.begun <= _NEAR
            is_next = is_near and body.op == "shell" and is_corrected(failure.signature, failure.why, body.subject)
            return is_sent or is_step or is_found or is_next or _solves(failure, mark, turn)

        return tuple(replace(each, solved=True) if not each.solved and is_solved(each) else each for each in failures)
    former = next((failure for failure in failures if failure.signature == mark), None)
    new = Failure(
        tried=tried(body),
        why=why(body.output, op=body.op),
        at_ms=at_ms,
        signature=mark,
        turn=turn,
        times=former.times + 1 if former and not former.solved else 1,
        begun=digest.turns[-1].calls,
    )
    return (*(f for f in failures if f is not former), new)[-MOST_FAILURES:]


def _only_commits(failure: Failure) -> bool:
    """Whether a command commits, and does not go on to push, which may be what failed."""
    return COMMITS.search(failure.signature) is not None and "git push" not in f"{failure.signature} {failure.tried}"


def _stopped_before_push(failure: Failure) -> bool:
    """Whether a command commits and failed before it could push: else the reason would name an address."""
    return COMMITS.search(failure.signature) is not None and "://" not in failure.why and "git@" not in failure.why


def _is_missing(failure: Failure) -> bool:
    """Whether a shell could not start the program of a command; False where what should start it (`sudo`) is not
    there."""
    return never_began(failure.why.replace(LINE_BREAK, "\n"), without_prefix(failure.tried.strip("`")))


def _program(mark: str) -> str:
    """Returns the program of the command with this signature, without its folder and version: `python` also stands for
    `.venv/bin/python` and `python3`."""
    return mark.removeprefix("shell:").partition(" ")[0].rpartition("/")[2].rstrip("0.")


def _solves(failure: Failure, mark: str, turn: int) -> bool:
    """Whether a success with this signature is the failed attempt again, or soon after with a slight change."""
    again, first = (text.removeprefix("shell:") for text in (mark, failure.command or failure.signature))
    soon = mark != again and turn - failure.turn <= 1
    return again == first or (soon and is_retry(first, again))


def _edit(digest: Digest, event: Event, body: FileEdit) -> Digest:
    """Replaces the file's previous edit. A new file stays new, and one that was deleted and added again is not."""
    if names_handoff_file(body.path):
        return digest
    failures = tuple(_after_edit(failure, body.path) for failure in digest.failures)
    body = replace(body, path=with_drive(body.path), old_path=with_drive(body.old_path) if body.old_path else None)
    former = next((file for file in digest.touched if file.path == body.path), None)
    change = body.change
    if former is not None and former.change == "add" and change == "modify":
        change = "add"
    elif former is not None and former.change == "delete" and not former.temporary and change == "add":
        change = "modify"
    file = EditedFile(
        path=body.path,
        change=change,
        at_ms=event.at_ms,
        turn=digest.prompts,
        session=event.session,
        edits=former.edits + (former.change != "delete") if former else 1,
        temporary=body.change == "delete" and former is not None and former.change in ("add", "delete"),
        line=body.line,
        anchor=clip(body.anchor, chars=120) if body.anchor else None,
        changes=reverting.with_change(former.changes if former else (), body, digest.prompts),
    )
    name = PureWindowsPath(body.path).name  # with either slash
    written = (one.path for one in digest.touched if one.change == "add" and one.turn == digest.prompts)
    if body.change != "delete" or all(PureWindowsPath(path).name != name for path in written):  # else it was moved
        reverts = reverting.reverts_after(digest.reverts, former, body, digest.prompts, event.at_ms)
        digest = replace(digest, reverts=reverts)
    others = (other for other in digest.touched if other.path not in (body.path, body.old_path))
    digest = replace(at_work(digest, event), touched=(*others, file)[-_MOST_EDITED_FILES:], failures=failures)
    digest = documents.after_edit(digest, event, body)
    changes = max(1, digest.turns[-1].changes)
    return with_turn(digest, changes=changes, branch=digest.branch, last_ms=event.at_ms)


def _without_removed(digest: Digest, body: ToolResult, event: Event) -> Digest:
    """Notes which edited files went with a folder: no record names them one by one."""
    gone = removed(body.subject, body.folder) if body.op == "shell" and body.status == "ok" and digest.touched else ()
    there = (file for file in digest.touched if file.change != "delete")
    went = [file for file in there if any(is_below(file.path, place) for place in gone)]
    if not went:
        return digest
    kept = [file for file in digest.touched if file not in went]
    went = [
        replace(
            file,
            change="delete",
            at_ms=event.at_ms,
            turn=digest.prompts,
            temporary=file.temporary or file.change == "add",
        )
        for file in went
    ]
    return replace(digest, touched=(*kept, *went))


def _elsewhere(digest: Digest, event: Event, body: model.ChangedElsewhere) -> Digest:
    """Notes that a file is not as its last edit left it, unless a command of this turn names it and may have done it:
    Claude Code looks at each step (2.1.136 to 2.1.226)."""
    file = next((file for file in digest.touched if file.path == with_drive(body.path)), None)
    if file is None:
        return digest
    name = body.path.replace("\\", "/").rpartition("/")[2]
    ran = (call.subject for call in digest.calls if call.op == "shell" and call.turn == digest.prompts)
    if any(name in command and not is_looking(command) for command in ran):
        return digest
    changed = replace(file, elsewhere_ms=event.at_ms)
    return replace(digest, touched=tuple(changed if one is file else one for one in digest.touched))


def _after_edit(failure: Failure, path: str) -> Failure:
    return replace(failure, solved=True) if is_edit_of(failure.signature, path) else failure


def _info(digest: Digest, _event: Event, body: SessionInfo) -> Digest:
    return replace(digest, branch=clip(body.branch, chars=120)) if body.branch else digest


_RULES: Final[dict[type, Callable[[Digest, Event, Any], Digest]]] = {
    model.UserPrompt: turns.prompt,
    model.AssistantMessage: turns.message,
    model.Answer: turns.answer,
    model.AgentSummary: turns.summary,
    model.TurnEnd: turns.ending,
    model.ToolCall: _call,
    model.ToolResult: _result,
    model.FileEdit: _edit,
    model.ChangedElsewhere: _elsewhere,
    model.SessionInfo: _info,
    model.PlanUpdate: turns.plan,
    model.PlanProposal: turns.proposal,
    model.Question: turns.question,
    model.QueuedPrompt: turns.queued,
    model.BackgroundTask: background.job,
}
