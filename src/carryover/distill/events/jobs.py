"""Jobs and sub-agents that keep running while the conversation continues."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import MOST_FAILURES, MOST_PENDING, Digest, Failure, Pending
from carryover.distill.language.prose import one_line
from carryover.model import BackgroundTask, Event
from carryover.text import lazy_re as re

_EXIT_CODE: Final = re.compile(r"exit code (\d{1,3})")
_QUOTED: Final = re.compile(r'"(.{3,})"')
_SIGNALS: Final = {137: "exit code 137 (killed, likely out of memory)", 143: "exit code 143 (terminated)"}


def job(digest: Digest, event: Event, body: BackgroundTask) -> Digest:
    """Known by its label from its start to its end; one that fails is a failure like any other."""
    known = next((job for job in digest.jobs if job.id == body.task_id), None)
    others = tuple(job for job in digest.jobs if job.id != body.task_id)
    label = one_line(body.label) or (known.text if known else "background job")
    if body.state == "running":
        running = Pending(id=body.task_id, text=clip(label, chars=120), at_ms=event.at_ms, turn=digest.prompts)
        return replace(digest, jobs=(*others, running)[-MOST_PENDING:])
    failures = digest.failures
    if body.state == "failed" and not any(failure.task_id == body.task_id for failure in failures):
        new = _failure(label, body.task_id, event.at_ms, digest.prompts)
        failures = (*failures, new)[-MOST_FAILURES:]
    return replace(digest, jobs=others, failures=failures)


def _failure(label: str, task_id: str, at_ms: int, turn: int) -> Failure:
    """What was started, and the exit code as far as the report of the job has it; its output may show more."""
    code = _EXIT_CODE.search(label)
    named = _QUOTED.search(label)
    number = int(code[1]) if code else 0
    # 1 and 2 are what every program says that fails.
    cause = _SIGNALS.get(number, f"exit code {number}") if number > 2 else ""
    return Failure(
        tried=clip(named[1] if named else label, chars=120),
        why=cause,
        at_ms=at_ms,
        signature=f"job:{task_id}",
        turn=turn,
        task_id=task_id,
    )
