"""What is not answered, not decided or not known: asked by anyone, left by the work, or noted in the files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from carryover.distill.digest import Digest, SeenRun
from carryover.distill.files import RecentFile, relative
from carryover.distill.prose import one_line
from carryover.distill.view import SessionView
from carryover.distill.when import before
from carryover.model import AGENT_NAMES

_MOST_DOUBTS: Final = 3
_MOST_NOTES: Final = 3


def open_questions(digest: Digest, runs: Iterable[SeenRun], root: str, at_ms: int) -> list[str]:
    """What the user or the assistant asked, then what nobody has looked at yet; none twice."""
    asked = [_of_user(one_line(waiting.text)) for waiting in digest.queued[-2:]]
    for question in reversed(digest.questions):
        if question.origin == "user" and not digest.is_done:
            asked.append(_of_user(question.text))
        elif question.origin in ("tool", "assistant"):
            options = f" Options: {'; '.join(question.options)}" if question.options else ""
            asked.append(f"{question.text}{options}")
    if digest.proposal:
        asked.append(f"A plan waits for the user's word: {digest.proposal}")
    asked += _uncertain_edits(digest, root)
    asked += _failing_tests(runs, at_ms)
    if digest.jobs:
        asked.append("Not known yet, still running: " + "; ".join(job.text for job in digest.jobs[-4:]))
    return list(dict.fromkeys(asked))


def questions_beside(others: Iterable[SessionView]) -> list[str]:
    """The newest question that each of the `others`, which are at work beside, has put to the user."""
    asked = []
    for other in others:
        questions = [question.text for question in other.digest.questions if question.origin in ("tool", "assistant")]
        asked += [f"{AGENT_NAMES.get(other.agent, other.agent)} beside asked: {text}" for text in questions[-1:]]
    return asked


def doubts(digest: Digest) -> list[str]:
    """What the assistant left open without asking, newest first."""
    voiced = [question.text for question in reversed(digest.questions) if question.origin == "loose_end"]
    return list(dict.fromkeys(voiced[:_MOST_DOUBTS]))


def notes_in_files(recent: Iterable[RecentFile]) -> list[str]:
    """TODO comments and the like in the files touched last."""
    noted = [
        f"{marker.text} (`{file.path}` line {marker.line})"
        for file in recent
        if file.facts is not None
        for marker in file.facts.markers
    ]
    return list(dict.fromkeys(noted[:_MOST_NOTES]))


def _of_user(text: str) -> str:
    return f'The user asked, not answered yet: "{text}"'


def _uncertain_edits(digest: Digest, root: str) -> list[str]:
    """Edits that were on their way when the work stopped: nobody has looked whether they were made."""
    if digest.turn is None or digest.turn.done:
        return []
    files = dict.fromkeys(relative(call.text, root) or call.text for call in digest.calls if call.edits)
    names = ", ".join(f"`{file}`" for file in list(files)[-3:])
    return [f"Not known whether this edit was made: {names}"] if names else []


def _failing_tests(runs: Iterable[SeenRun], at_ms: int) -> list[str]:
    """The newest run, where it failed."""
    newest = max(runs, key=lambda seen: seen.at_ms, default=None)
    if newest is None or newest.run.status != "fail":
        return []
    names = ", ".join(newest.run.failed_names[:3])
    reason = f": {newest.run.reason}" if newest.run.reason else ""
    what = f" {names}" if names else ""
    return [f"Tests fail ({before(newest.at_ms, at_ms)}, `{newest.command.replace('`', '')}`){what}{reason}"]
