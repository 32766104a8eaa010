"""Jobs and sub-agents that run on while the conversation goes on."""

from __future__ import annotations

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import MOST_FAILURES, MOST_PENDING, Digest, Failure, Pending
from carryover.distill.events.folded import Folded
from carryover.distill.prose import one_line
from carryover.model import BackgroundTask, Event


def job(digest: Digest, event: Event, body: BackgroundTask) -> Folded:
    """Known by its label from its start to its end; one that fails is a failure like any other."""
    known = next((job for job in digest.jobs if job.id == body.task_id), None)
    others = tuple(job for job in digest.jobs if job.id != body.task_id)
    label = one_line(body.label) or (known.text if known else "background job")
    if body.state == "running":
        running = Pending(id=body.task_id, text=clip(label, chars=120), at_ms=event.at_ms)
        return replace(digest, jobs=(*others, running)[-MOST_PENDING:]), ()
    failures = digest.failures
    if body.state == "failed":
        mark = f"job:{label}"
        new = Failure(tried=clip(label, chars=120), why="the background job failed", at_ms=event.at_ms, signature=mark)
        failures = (*(f for f in failures if f.signature != mark), new)[-MOST_FAILURES:]
    return replace(digest, jobs=others, failures=failures), ()
