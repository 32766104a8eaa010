"""Folds the starts and ends of jobs in the background."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.commands import failed, printed_by, signature, tests_in
from carryover.distill.digest import JOB, MOST_RUNS, UNNAMED_JOB, Call, Digest, Failure, Pending, SeenRun
from carryover.distill.quotes import clip, clip_middle
from carryover.distill.turns import MOST_FAILURES, MOST_PENDING, at_work, closed_before, stopped_by_signal, with_call
from carryover.model import BackgroundTask, Event, ResultStatus, ToolResult
from carryover.records.shell_jobs import ends_job
from carryover.text.harmless import one_line
from carryover.text.pattern import later

_LONGEST_REPORT: Final = 3000
_MOST_ENDED: Final = 4
_SHORTEST_JOB: Final = 5
"""A shorter id may stand in any output."""
_WORD: Final = later(r"[\w-]+")
_EXIT_CODE: Final = later(r"\bexit code (\d{1,9})\b")


def job(digest: Digest, event: Event, body: BackgroundTask) -> Digest:
    """Tracks a job by its label from start to end. A job that fails counts like any failed call: a search that finds
    nothing has not failed."""
    if body.state == "failed" and _was_killed(digest, body):
        body = replace(body, state="stopped")
    known = next((job for job in digest.jobs if job.id == body.task_id), None)
    others = tuple(job for job in digest.jobs if job.id != body.task_id)
    label = clip(one_line(body.label) or (known.text if known else UNNAMED_JOB), chars=200)
    if body.state == "running":
        # What its command left running is this job (Claude Code 2.1.15), recorded at the same time.
        others = tuple(job for job in others if job.op != "shell" or job.at_ms != event.at_ms)
        if any(one.id == body.task_id and one.at_ms >= event.at_ms for one in digest.ended):
            return _begun_after_its_end(replace(digest, jobs=others), body.task_id)
        running = Pending(
            id=body.task_id, text=label, at_ms=event.at_ms, turn=digest.prompts, unreported=body.unreported
        )
        digest = replace(digest, runs=_without_begun(digest, body.task_id))
        return replace(at_work(digest, event), jobs=(*others, running)[-MOST_PENDING:])
    digest = closed_before(digest, event.at_ms)
    was_said = any(one.id == body.task_id for one in digest.ended)
    was_known = any(call.job == body.task_id for call in digest.calls) or (was_said and known is None)
    ran = _ended_command(digest, body)
    runs = _with_ended(digest, event, body, ran)
    digest = replace(digest, jobs=others, runs=runs, calls=_with_end(digest.calls, body))
    if digest.calls and digest.calls[-1].at_ms == event.at_ms:  # a look at the job found its end
        digest = with_printed(digest, event)
    # Else its end was found before; the report of it may reach the agent after it has spoken since.
    if known is not None or (body.label and not was_said):
        said = label if body.label else f"{label}: {body.state}"
        ended = Pending(id=body.task_id, text=said, at_ms=event.at_ms, turn=digest.prompts)
        digest = replace(digest, ended=(*digest.ended, ended)[-_MOST_ENDED:])
    mark = f"job:{body.task_id}"
    if body.state == "stopped":  # its end may be reported before the call that stopped it has its result
        digest = replace(digest, failures=tuple(one for one in digest.failures if one.signature != mark))
    is_new = body.state == "failed" and not any(failure.signature == mark for failure in digest.failures)
    if is_new and not was_known and (ran is None or failed(ran)):
        failure = Failure(
            tried=label,
            why=clip(one_line(body.report), chars=200),
            at_ms=event.at_ms,
            signature=mark,
            turn=digest.prompts,
            command=signature(ran) if ran is not None else "",
            begun=digest.turn.calls if digest.turn is not None else 0,
        )
        digest = replace(digest, failures=(*digest.failures, failure)[-MOST_FAILURES:])
    if not body.report:
        return digest
    made = Call(  # a report is treated like the output of a call
        name=JOB,
        op="agent",
        subject=label,
        status="ok" if body.state == "done" else "error",
        output=clip_middle(body.report.strip(), chars=_LONGEST_REPORT),
        at_ms=event.at_ms,
        turn=digest.prompts,
    )
    return with_call(digest, made)


def _begun_after_its_end(digest: Digest, job: str) -> Digest:
    """Returns the digest with the beginning of a job whose end was recorded first, though it came later (Claude Code
    2.1.81): the job does not run, and its failure is that of the command which began it."""
    begun = _begun_by(digest.calls[-1:], job)
    mark = signature(_result_of(begun, "error", None)) if begun is not None else ""
    failures = (replace(one, command=mark) if one.signature == f"job:{job}" else one for one in digest.failures)
    return replace(digest, runs=_without_begun(digest, job), failures=tuple(failures))


def _was_killed(digest: Digest, body: BackgroundTask) -> bool:
    """Whether a signal ended a job, and the agent's last command, which may still run, was to end one."""
    code = _EXIT_CODE.search(body.label)
    if code is None or not stopped_by_signal(int(code[1])):
        return False
    last = [call.text for call in digest.open_calls if call.op == "shell"]
    return any(map(ends_job, last or [call.subject for call in digest.calls[-1:] if call.op == "shell"]))


def _without_begun(digest: Digest, job: str) -> tuple[SeenRun, ...]:
    """Returns the test runs without one that has only begun, as a job: the client's line on the job is no result, and
    no failure either (Claude Code 2.1.141)."""
    call = _begun_by(digest.calls[-1:], job)
    is_begun = call is not None and digest.runs != () and digest.runs[-1].at_ms == call.at_ms
    return digest.runs[:-1] if is_begun else digest.runs


def _with_ended(digest: Digest, event: Event, body: BackgroundTask, ran: ToolResult | None) -> tuple[SeenRun, ...]:
    """Returns the test runs with the job, if it ran tests to their end. It counts from when it began: what was edited
    meanwhile may not be tested."""
    call = _begun_by(digest.calls, body.task_id)
    if call is None or ran is None or body.state == "stopped":
        return digest.runs
    run = tests_in(ran, event, turn=call.turn, at_ms=call.at_ms)
    return (*digest.runs, run)[-MOST_RUNS:] if run is not None else digest.runs


def with_printed(digest: Digest, event: Event) -> Digest:
    """Returns the digest with the result of a test run that was a job, if the last call got what that had printed when
    it had ended: by the job's id, or from a file that has its name (Claude Code 2.0.65 to 2.1.332). Without numbers,
    its end says as much."""
    look = digest.calls[-1]
    named = _WORD.findall(look.subject) if look.op in ("read", "other") else ()  # a search shows a part
    call = next((call for call in digest.calls[:-1] if call.job and call.job in named), None)
    if call is None:
        return digest
    code = _EXIT_CODE.search(call.output)
    ran = _result_of(call, call.status, int(code[1]) if code is not None else None, printed_by(look))
    seen = tests_in(ran, event, turn=call.turn, at_ms=call.at_ms)
    if seen is None or not _has_numbers(seen):
        return digest
    runs = {(run.at_ms, run.command): run for run in digest.runs}
    known = runs.get((seen.at_ms, seen.command))
    if known is None or not _has_numbers(known):
        runs[seen.at_ms, seen.command] = seen  # in its place: others may have run since
    return replace(digest, runs=tuple(runs.values())[-MOST_RUNS:])


def _has_numbers(seen: SeenRun) -> bool:
    return any((seen.run.passed, seen.run.failed, seen.run.errors))


def _ended_command(digest: Digest, body: BackgroundTask) -> ToolResult | None:
    """Returns the end of a job as the result of the command that began it; None if that is not known."""
    call = _begun_by(digest.calls, body.task_id)
    if call is None:
        return None
    code = _EXIT_CODE.search(body.label)
    return _result_of(call, _status(body), int(code[1]) if code is not None else None)


def _result_of(call: Call, status: ResultStatus, exit_code: int | None, output: str = "") -> ToolResult:
    return ToolResult(
        call_id="",
        name=call.name,
        op=call.op,
        status=status,
        exit_code=exit_code,
        subject=call.subject,
        output=output,
        folder=call.folder,
    )


def _status(body: BackgroundTask) -> ResultStatus:
    return "error" if body.state == "failed" else "ok"


def _begun_by(calls: tuple[Call, ...], job: str) -> Call | None:
    """Returns the command that began a job, which the client answered with a line on the job's id."""
    shell = (call for call in calls if call.op == "shell" and call.status == "ok" and "\n" not in call.output)
    named = (call for call in shell if job in call.output and job not in call.subject)
    return next(named, None) if len(job) >= _SHORTEST_JOB else None


def _with_end(calls: tuple[Call, ...], body: BackgroundTask) -> tuple[Call, ...]:
    """Returns the calls with the end of a job as the result of the command that started it, which the client had
    answered with a line on the job's id (Claude Code 2.1.27 to 2.1.226)."""
    begun = _begun_by(calls, body.task_id)
    output = clip(one_line(body.label), chars=200) or f"{UNNAMED_JOB} {body.state}"
    job = "" if body.state == "stopped" else body.task_id
    ended = replace(begun, status=_status(body), output=output, job=job) if begun else None
    return tuple(ended if ended is not None and call is begun else call for call in calls)
