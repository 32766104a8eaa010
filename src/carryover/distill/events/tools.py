"""Tool calls and their results: what is in flight, what failed, test runs and commits."""

from __future__ import annotations

from typing import Final, Literal

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import MOST_FAILURES, MOST_PENDING, MOST_RUNS, Digest, Failure, Pending, SeenRun, Turn
from carryover.distill.events.turns import at_work, with_turn
from carryover.distill.language.names import names_in
from carryover.distill.language.prose import Quote, one_line
from carryover.distill.own_text import names_handoff, without_handoffs
from carryover.distill.testruns.commands import find_invocations
from carryover.distill.testruns.reading import read_test_run
from carryover.distill.testruns.run import TestRun
from carryover.distill.tool_failures import failed, is_looking, program, signature, tried, user_said, why
from carryover.distill.work.turn_text import text_went_on
from carryover.model import Event, ToolCall, ToolResult
from carryover.text import lazy_re as re

_MOST_COMMITS: Final = 4
_COMMITTED: Final = re.compile(r"^\[[^\]\n]{1,120} ([0-9a-f]{6,40})\] (.{1,200})$", re.M)
_CHORE: Final = re.compile(
    r"^\s*(?:cd\s[^&;|]*(?:&&|;)\s*)?(?:git\b|gh (?:pr|run|repo view)\b|prettier\b|black\b|gofmt\b|ruff\b|eslint\b"
    r"|(?:npx|pnpm|yarn|npm|cargo|make|uv|poetry)\s(?:run\s)?(?:lint|fmt|format|prettier|eslint|check|ruff|clippy)\b)"
)
_Use = Literal["looked", "chores", "changed"]


def call(digest: Digest, event: Event, body: ToolCall) -> Digest:
    """The turn continues: what was said before the call did not close it."""
    if body.actor == "human" or names_handoff(body.subject):
        return digest
    subject = clip(one_line(body.subject) or body.name, chars=200)
    edits = body.op in ("edit", "write") and bool(body.subject)
    use = _use(body)
    opened = Pending(
        id=body.call_id, text=subject, at_ms=event.at_ms, turn=digest.prompts, edits=edits, changes=use != "looked"
    )
    digest = replace(at_work(digest, event), calls=(*digest.calls, opened)[-MOST_PENDING:])
    turn = digest.turn
    if turn is None:
        return digest
    # A command that runs once an answer has been applied and committed does not reopen the turn.
    if not (turn.applied and turn.commits):
        turn = replace(text_went_on(turn, after_failure=_failed_just_now(digest, turn)), end="")
    counted = {use: getattr(turn, use) + 1} if use is not None else {}
    turn = replace(turn, last_ms=event.at_ms, **counted)
    return replace(digest, turns=(*digest.turns[:-1], turn))


def _use(body: ToolCall) -> _Use | None:
    if body.op in ("read", "search", "web"):
        return "looked"
    if body.op in ("edit", "write", "agent"):
        return "changed"
    if body.op != "shell":
        return None
    if _CHORE.match(body.subject) or find_invocations(body.subject):
        return "chores"
    return "looked" if is_looking(body.subject) else "changed"


def _failed_just_now(digest: Digest, turn: Turn) -> bool:
    """Whether the text before this call followed a failure of the turn."""
    return bool(digest.failures) and digest.failures[-1].turn == turn.number and bool(digest.failures[-1].remark)


def result(digest: Digest, event: Event, body: ToolResult) -> Digest:
    """A test run is noted as such, whether it failed or not; anything else may have failed, or mended what had. A
    handoff in the output is not read, and what else there is in it is."""
    if names_handoff(body.subject):
        return digest
    output = without_handoffs(body.output)
    if output is not body.output:
        body = replace(body, output=output)
    digest = replace(digest, calls=tuple(call for call in digest.calls if call.id != body.call_id))
    run = test_run_in(body)
    if run is not None:
        return _with_run(digest, run, body, event)
    failures = _of_jobs(digest.failures, body)
    digest = replace(digest, failures=_failures_after(failures, body, event.at_ms, digest.prompts))
    return _with_refusal(_with_commits(digest, body), body)


def test_run_in(body: ToolResult) -> TestRun | None:
    """The test run that a command was. Where no record says how it ended, only an output with a verdict is one."""
    if body.op != "shell":
        return None
    if body.status in ("ok", "error"):
        return read_test_run(body.subject, body.output, exit_code=body.exit_code, failed=body.status == "error")
    if body.status == "unknown":
        run = read_test_run(body.subject, body.output, exit_code=None, failed=None)
        return run if run is not None and run.status != "unknown" else None
    return None


def _with_run(digest: Digest, run: TestRun, body: ToolResult, event: Event) -> Digest:
    command = clip(one_line(body.subject), chars=160)
    seen = SeenRun(run=run, at_ms=event.at_ms, command=command, turn=digest.prompts, session=event.session)
    digest = replace(
        digest, runs=(*digest.runs, seen)[-MOST_RUNS:], failures=_with_failed_run(digest, run, body, event.at_ms)
    )
    if run.status == "unknown":
        return digest
    return with_turn(digest, tests=run.status)


_OF_THE_SURROUNDINGS: Final = re.compile(
    r"\w+\.\w*(?:Error|Exception)\b"
    r"|\b\w*(?:Connection|Timeout|Import|ModuleNotFound|Permission|Operational|NotImplemented|Memory|Unsupported|Network)"
    r"\w*(?:Error|Exception)\b"
    r"|\bE(?:PERM|ACCES|CONNREFUSED|ADDRINUSE|NOENT|TIMEDOUT)\b|\b[Cc]annot find module\b|\b[Cc]ould not resolve\b"
)


def _with_failed_run(digest: Digest, run: TestRun, body: ToolResult, at_ms: int) -> tuple[Failure, ...]:
    """The failures with a test run that failed by its surroundings rather than by an expectation: a library, a server,
    a permission that is not to be had."""
    if run.status != "fail":
        return digest.failures
    reason = run.reason or ""
    if not _OF_THE_SURROUNDINGS.search(reason):
        reason = why(body.output, only_telling=True)
        if not _OF_THE_SURROUNDINGS.search(reason):
            return digest.failures
    mark = f"run:{reason[:80]}"
    failure = Failure(tried=tried(body), why=clip(reason, chars=200), at_ms=at_ms, signature=mark, turn=digest.prompts)
    return (*(f for f in digest.failures if f.signature != mark), failure)[-MOST_FAILURES:]


def _with_commits(digest: Digest, body: ToolResult) -> Digest:
    turn = digest.turn
    commits = commits_in(body) if turn is not None else ()
    return with_turn(digest, commits=(*turn.commits, *commits)[-_MOST_COMMITS:]) if turn and commits else digest


def commits_in(body: ToolResult) -> tuple[str, ...]:
    """The subjects of the commits that `git commit` says it made, each with its abbreviated id."""
    if body.op != "shell" or body.status != "ok" or "git commit" not in body.subject:
        return ()
    return tuple(f"{match[2]} ({match[1]})" for match in _COMMITTED.finditer(body.output))


def _with_refusal(digest: Digest, body: ToolResult) -> Digest:
    reason = user_said(body.output) if body.status == "denied" else None
    if not reason or digest.turn is None:
        return digest
    quote = Quote(clip(reason, chars=240), "said on refusing a call", 2.0, names_in(reason))
    return with_turn(digest, rules=(*digest.turn.rules, quote))


def _of_jobs(failures: tuple[Failure, ...], body: ToolResult) -> tuple[Failure, ...]:
    """The output of a background job that failed says why, when somebody looks at it (its path holds the job's id)."""
    if not any(failure.task_id and failure.task_id in body.subject for failure in failures) or not body.output:
        return failures
    return tuple(
        replace(failure, why=reason)
        if failure.task_id and failure.task_id in body.subject and (reason := why(body.output, only_telling=True))
        else failure
        for failure in failures
    )


def _failures_after(failures: tuple[Failure, ...], body: ToolResult, at_ms: int, turn: int) -> tuple[Failure, ...]:
    has_failed = failed(body)
    # Of an edit its file says more: see `edits`.
    has_worked = body.status == "ok" and body.op != "edit"
    if not has_failed and not (has_worked and failures):
        return failures
    mark = signature(body)
    runs = program(body.subject) if body.op == "shell" else ""
    if has_failed:
        former = next((failure for failure in failures if failure.signature == mark), None)
        reason = why(body.output, of_edit=body.op == "edit")
        same = former or next(
            (failure for failure in failures if reason and (failure.why, failure.program) == (reason, runs)), None
        )
        new = Failure(
            tried=tried(body),
            why=reason,
            at_ms=at_ms,
            signature=mark,
            turn=turn,
            program=runs,
            times=same.times + 1 if same else 1,
        )
        return (*(f for f in failures if f is not same), new)[-MOST_FAILURES:]
    return tuple(
        replace(f, mended=True) if f.signature == mark or (runs and f.program == runs) else f for f in failures
    )
