"""What is not answered, not decided or not known: asked by anyone, left by the work, or noted in the files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.digest import Digest, SeenRun
from carryover.distill.language.findings import STANDS_IN
from carryover.distill.language.prose import one_line
from carryover.distill.relative_time import before
from carryover.distill.sections.entry import Entry, entry_of
from carryover.distill.sections.files import RecentFile, relative
from carryover.distill.work.relation import says_something
from carryover.distill.work.state import Item, Line

_MOST_LOOSE_ENDS: Final = 4
_MOST_ELSEWHERE: Final = 2
_MOST_NOTES: Final = 3
_LOOSE_ENDS_LAST_PROMPTS: Final = 6


def open_entries(
    line: Line, digest: Digest, runs: Iterable[SeenRun], recent: Iterable[RecentFile], root: str, at_ms: int
) -> list[Entry]:
    """What the user or the assistant asked, then what is unchecked: failures, edits and jobs without a result.
    `digest` is that of the session that last worked on the line."""
    return [
        *_queued(digest),
        *_unanswered(digest, line),
        *_of_tools(digest),
        *(entry_of(item, _with_options(item.text, item.options)) for item in reversed(line.questions)),
        *_waiting_plan(digest),
        *_error(digest),
        *_unexplained_failure(digest),
        *_uncertain_edits(digest, root),
        *_newest_test_run(runs, recent, at_ms),
        *_running_jobs(digest),
    ]


def _queued(digest: Digest) -> list[Entry]:
    return [
        Entry(
            text=_of_user(waiting.text), rule="prompt that waits in the queue", turn=waiting.turn, at_ms=waiting.at_ms
        )
        for waiting in digest.queued[-2:]
        # What waited two turns ago was taken up since, and a command of the agent's own asks for nothing.
        if waiting.turn >= digest.prompts - 1 and not waiting.text.startswith("/")
    ]


def _unanswered(digest: Digest, line: Line) -> list[Entry]:
    """What the user asked and no turn answered, and the newest prompt while nothing came of it."""
    asked = [entry_of(line.unanswered, _of_user(line.unanswered.text))] if line.unanswered is not None else []
    turn = digest.turn
    if turn is None or turn.end == "answered":
        return asked
    entry = partial(Entry, session=turn.session, turn=turn.number, at_ms=turn.at_ms)
    found = []
    shown = {(item.session, item.turn) for item in (line.goal, line.step, line.unanswered) if item is not None}
    if says_something(turn) and (turn.session, turn.number) not in shown:
        text = _of_user(clip(one_line(turn.prompt.text), chars=300))
        found.append(entry(text=text, rule="prompt without an answer"))
    if turn.prompt.pasted:
        found.append(entry(text=f"The user pasted, not dealt with yet: {turn.prompt.pasted}", rule="pasted matter"))
    return [*asked, *found]


def _of_tools(digest: Digest) -> list[Entry]:
    return [
        Entry(
            text=_with_options(question.text, question.options),
            rule="question of a tool",
            turn=question.turn,
            at_ms=question.at_ms,
        )
        for question in digest.questions
    ]


def _waiting_plan(digest: Digest) -> list[Entry]:
    if not digest.proposal:
        return []
    text = f"A plan waits for the user's word: {digest.proposal}"
    return [Entry(text=text, rule="plan without a word of the user", turn=digest.prompts)]


def _error(digest: Digest) -> list[Entry]:
    ending = digest.ending
    if ending is None or ending.reason != "error" or not ending.message:
        return []
    text = f"The newest turn ended in an error: {ending.message}"
    return [Entry(text=text, rule="turn that ended in an error", turn=digest.prompts, at_ms=ending.at_ms)]


def _running_jobs(digest: Digest) -> list[Entry]:
    if not digest.jobs:
        return []
    jobs = "; ".join(job.text for job in digest.jobs[-4:])
    return [Entry(text=f"Not known yet, still running: {jobs}", rule="jobs without an end", turn=digest.jobs[-1].turn)]


def _with_options(text: str, options: Sequence[str]) -> str:
    return f"{text} Options: {'; '.join(options)}" if options else text


def questions_beside(
    line: Line, others: Iterable[Line], agents: Mapping[str, str], own: Collection[str], since_ms: int
) -> list[Entry]:
    """The newest question of each of the `others` that was at work after `since_ms`, in sessions that are not `own`,
    where it is not one of the `line` too. `agents`: the names of the sessions' agents."""
    asked = []
    for other in others:
        for item in other.questions[-1:] if other.at_ms >= since_ms else ():
            if item.session in own or item in line.questions:
                continue
            name = agents.get(item.session, "Another session")
            asked.append(entry_of(item, f"{name} beside asked: {item.text}"))
    return asked


def loose_ends(line: Line, others: Iterable[Line], prompts: int) -> list[Entry]:
    """What the assistant left open without asking in the last few turns, newest first, around what it announced before
    other work came; then that of other lines.
    `prompts` is how many the session has had: what was not taken up since is not worth a line."""
    lasting = [item for item in line.loose_ends if item.turn > prompts - _lasts(item)]
    ranked = sorted(enumerate(lasting), key=lambda pair: (-pair[1].at_ms, -pair[1].weight, -pair[0]))
    entries = [entry_of(item) for _, item in ranked[:_MOST_LOOSE_ENDS]]
    elsewhere = [entry_of(item) for other in others for item in reversed(other.loose_ends) if item.rule != STANDS_IN]
    again = {item.text for item in line.announced}
    postponed = [
        entry_of(item, f"Announced, then other work came first: {item.text}")
        for item in reversed(line.postponed)
        if item.text not in again
    ]
    offered = [
        entry_of(item, f"Offered, not answered: {item.text}")
        for item in reversed(line.offers)
        if item.text not in again
    ]
    return [*entries[:2], *offered, *postponed, *entries[2:], *elsewhere[:_MOST_ELSEWHERE]]


def _lasts(item: Item) -> int:
    """For how many prompts it is worth a line."""
    return _LOOSE_ENDS_LAST_PROMPTS if item.rule != STANDS_IN else 1


def notes_in_files(recent: Iterable[RecentFile]) -> list[Entry]:
    """TODO comments and the like in the files touched last."""
    noted = [
        Entry(text=f"{marker.text} (`{file.path}` line {marker.line})", rule="note in a file")
        for file in recent
        if file.facts is not None
        for marker in file.facts.markers
    ]
    return noted[:_MOST_NOTES]


def _of_user(text: str) -> str:
    return f'The user asked, not answered yet: "{text}"'


def _unexplained_failure(digest: Digest) -> list[Entry]:
    """What failed last in a turn that was cut off: no later turn got past it."""
    if digest.is_done or not digest.failures:
        return []
    failure = digest.failures[-1]
    if failure.turn != digest.prompts or failure.mended or failure.undone:
        return []
    cause = f": {failure.why}" if failure.why else ""
    text = f"Failed last, and not got past yet: {failure.tried}{clip(cause, chars=140)}"
    return [Entry(text=text, rule="failure in a turn that was cut off", turn=failure.turn, at_ms=failure.at_ms)]


def _uncertain_edits(digest: Digest, root: str) -> list[Entry]:
    """Edits that were on their way when the work stopped: it is unknown whether they were made."""
    if digest.turn is None or digest.is_done:
        return []
    files = dict.fromkeys(relative(call.text, root) or call.text for call in digest.calls if call.edits)
    names = ", ".join(f"`{file}`" for file in list(files)[-3:])
    if not names:
        return []
    return [
        Entry(text=f"Not known whether this edit was made: {names}", rule="edit without a result", turn=digest.prompts)
    ]


def _newest_test_run(runs: Iterable[SeenRun], recent: Iterable[RecentFile], at_ms: int) -> list[Entry]:
    """The newest run, where it failed or is older than the newest edits of code."""
    newest = max(runs, key=lambda seen: seen.at_ms, default=None)
    if newest is None:
        return []
    entry = partial(Entry, session=newest.session, turn=newest.turn, at_ms=newest.at_ms)
    command, when = newest.command.replace("`", ""), before(newest.at_ms, at_ms)
    edited = [file for file in recent if file.status is not None and file.touched.at_ms > newest.at_ms]
    changed = ", ".join(f"`{file.path}`" for file in edited[:3])
    if newest.run.status != "fail":
        result = "passed " if newest.run.status == "pass" else ""
        text = f"Not run again since {changed} changed: `{command}` ({result}{when})"
        return [entry(text=text, rule="edits after the newest test run")] if changed else []
    names = ", ".join(newest.run.failed_names[:3])
    reason = f": {newest.run.reason}" if newest.run.reason else ""
    what = f" {names}" if names else ""
    since = f"; not run again since {changed} changed" if changed else ""
    return [entry(text=f"Tests fail ({when}, `{command}`){what}{reason}{since}", rule="newest test run")]
