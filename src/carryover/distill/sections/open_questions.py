"""What is still open: questions the user has not answered, plans that wait for a decision, and tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from msgspec.structs import replace

from carryover.distill.closed_classes import (
    REPLIES,
    asks_to_commit,
    asks_to_go_on,
    is_question,
    replies_first,
)
from carryover.distill.digest import Pending, SeenRun
from carryover.distill.entry import Entry, Rank, fixed_rank
from carryover.distill.goals import is_reply
from carryover.distill.own_text import PROTOCOL_QUESTION
from carryover.distill.quotes import cut_middle, earlier, excerpt, in_code, name_in_code, printed_line, sentences
from carryover.distill.sections.quoting import from_session, from_turn, last_words, parted
from carryover.distill.sections.recent_files import RecentFile, relative, runs_of
from carryover.distill.sections.replied_to import asked_before
from carryover.distill.subjects import subjects_in
from carryover.distill.trail import (
    Past,
    Step,
    carried_out_by,
    carries_out,
    did_work,
    has_no_ruling,
    is_idle,
    plan_waits,
    was_left,
)
from carryover.distill.view import Opinion, SessionView
from carryover.facts import DAY_MS, is_foreign
from carryover.model import conversation_of, id_in_command
from carryover.testruns.related import verdict
from carryover.testruns.run import TestRun
from carryover.text.pattern import later

_OPINION_MS: Final = 7 * DAY_MS
_MOST_RUNS: Final = 40
_MOST_SESSIONS: Final = 4
_MOST_ASKED: Final = 4
"""Most sessions besides the leading one whose open question is quoted."""
_IN_PATH: Final = frozenset("./\\")
"""One of them is in the path of a file; a call without arguments has the tool's name instead."""
_SHORT: Final = later(r"(?<![^\W_])[a-z]{3}(?![^\W_])")
_PLAIN: Final = frozenset("the and for use now all our its not but let one two too via".split())


def open_entries(past: Past, recent: Sequence[RecentFile]) -> list[Entry]:
    """Returns questions, the leading session's first, then plans, then tests and edits without a result."""
    entries: list[Entry] = []
    for back, step in enumerate(_asking_steps(past)):
        entries += _asked(past, step, back)
    return [
        *entries,
        *_tests(past, recent),
        *_uncertain_edits(past),
        *opinion_entries(past.view.opinions, past.at_ms),
    ]


def asking_sessions(past: Past) -> frozenset[str]:
    """Returns the sessions whose newest answer ends with a question that is shown under this heading."""
    return frozenset(
        step.view.session
        for step in _asking_steps(past)
        if step.turn.end == "answered" and not _may_be_the_protocols(past, step)
    )


def _asking_steps(past: Past) -> list[Step]:
    """Returns the newest turn of each session with something that no later prompt of that session has replied to."""
    newest: dict[str, Step] = {}
    for step in reversed(past.steps):
        newest.setdefault(step.view.session, step)
    lead = newest.pop(past.lead.session)
    others = (step for step in newest.values() if _waits(past, step) and not is_over(past, step))
    return [lead, *islice(others, _MOST_SESSIONS)]


def _waits(past: Past, step: Step) -> bool:
    """Whether the turn left a question, or a plan that waits for the user's word."""
    if step.digest.questions or plan_waits(step.digest):
        return True
    return last_words(step.turn).question != "" and not _may_be_the_protocols(past, step)


def is_over(past: Past, step: Step) -> bool:
    """Whether a question is closed: the user replied to it in another session or left it for other work, or it asked
    whether to commit and that is done. A plan is never left."""
    if _replied_elsewhere(past, step):
        return True
    return not plan_waits(step.digest) and (was_left(past, step.turn.last_ms) or _is_committed(past, step))


def _is_committed(past: Past, step: Step) -> bool:
    """Whether a turn ended with the question whether to commit, and all is committed since."""
    has_committed = step.turn.committed_ms > 0  # then it asks what to do with that
    if step.digest.questions or has_committed or past.clean_ms <= step.turn.last_ms:
        return False
    asked = _questions_in(last_words(step.turn).question)
    return bool(asked) and all(map(asks_to_commit, asked))


def _questions_in(text: str) -> list[str]:
    return [one for line in text.splitlines() for one in sentences(line) if is_question(one)]


def _replied_elsewhere(past: Past, step: Step) -> bool:
    """Whether the user has written since in a fork of that session, or in another folder's part of it; or has gone on
    in another session after a question whether to, or with its plan; or has said there what has most names of the
    question."""
    name, last_ms = step.view.session, step.turn.last_ms
    conversation = conversation_of(name)
    asked = last_words(step.turn).question or "\n".join(one.text for one in step.digest.questions)
    questions = _questions_in(asked)
    names = subjects_in("\n".join(questions))
    only_to_go_on = questions != [] and all(map(asks_to_go_on, questions))
    for one in past.steps:
        if one.turn.at_ms <= last_ms or one.view is step.view or not one.turn.prompt:
            continue
        goes_on = name == one.view.parent or conversation == conversation_of(one.view.session)
        goes_on |= carries_out(one.view, step.digest)
        if goes_on or (only_to_go_on and did_work(one.turn)):
            return True
        if len(names) > 1 and 2 * len(names & subjects_in(_exchange(one))) > len(names):
            return True
        if _begins_with_answer(one, "\n".join(questions)):
            return True
    return False


def _begins_with_answer(step: Step, question: str) -> bool:
    """Whether the first prompt of a session that is more than a short reply has no other names than a question, or
    begins with a short reply and has mostly these: who is asked may answer in a new session. Words of three letters
    count here, since many say what else is to be done: `fix`, `add`, `run`."""
    names = subjects_in(question)
    before = (Step(turn, step.view) for turn in step.digest.turns if turn.number < step.turn.number)
    said = subjects_in(step.turn.prompt) - REPLIES
    shared = said & names
    if not shared:
        return False
    short = set(_SHORT.findall(step.turn.prompt.lower())) - _PLAIN - REPLIES
    says_no_more = said == shared and short.issubset(_SHORT.findall(question.lower()))
    is_answer = says_no_more or (replies_first(step.turn.prompt) and 2 * len(shared) > len(said))
    return is_answer and all(map(is_idle, before))


def _exchange(step: Step) -> str:
    """Returns what the user said in a turn, with the questions that it replied to."""
    replies = (f"{reply.to}\n{reply.text}" for reply in step.turn.replies)
    return "\n".join((asked_before(step), step.turn.prompt, *replies))


def _may_be_the_protocols(past: Past, step: Step) -> bool:
    """Whether the question was asked before anything was done in a session that took over from another."""
    takes_over = step.turn.resumes or past.steps[0].view is not step.view
    if takes_over and is_idle(step) and not step.turn.is_scheduled:
        return True
    said = any(PROTOCOL_QUESTION in said.text for said in step.turn.said)
    return said and PROTOCOL_QUESTION in last_words(step.turn).question


def _asked(past: Past, step: Step, back: int) -> list[Entry]:
    """Returns the question that the agent ended with, those of tools, and a written plan until the user decides."""
    at_ms = step.turn.last_ms
    label = f"{past.agent(step)} asked ({past.place(step, at_ms)})"
    entries: list[Entry] = []
    is_past = _went_on(step) or _is_committed(past, step)
    if not (is_past or _only_greets(step) or _may_be_the_protocols(past, step)):
        entries += parted(
            step, last_words(step.turn).question, "message", "question", back, label=label, most=5, at_ms=at_ms
        )
    for asked in step.digest.questions[-_MOST_ASKED:]:
        text = f"{asked.text} Options: {'; '.join(asked.options)}" if asked.options else asked.text
        label = f"{past.agent(step)} asked ({past.place(step, asked.at_ms)}), not answered"
        at_ms = asked.at_ms
        entries += parted(step, text, "question", "question", back, label=label, at_ms=at_ms)
    plan = step.digest.proposal
    if plan is not None and plan_waits(step.digest) and carried_out_by(past, step.digest) is None:
        what = (
            "plan, of which no ruling is recorded" if has_no_ruling(step.digest) else "plan waits for the user's word"
        )
        file = f"; all of it: {in_code(plan.file)}" if plan.file and not is_foreign(plan.file) else ""
        label = f"{past.agent(step)}'s {what} ({past.place(step, plan.at_ms)}{file})"
        entries += parted(step, plan.text, "plan", "proposal", label=label, most=8, at_ms=plan.at_ms)
    return entries


def _only_greets(step: Step) -> bool:
    """Whether the user has only greeted the agent so far. What the agent then asks is a greeting, too."""
    digest = step.digest
    return not digest.worked and all(one.prompt != "" and is_reply(one) for one in digest.turns)


def _went_on(step: Step) -> bool:
    """Whether the agent made a call after its last words that was not refused. A question in these words is one that it
    asked itself."""
    turn = step.turn
    if turn.end != "" or not turn.said or not step.is_newest:
        return False
    said_ms = turn.said[-1].at_ms
    if any(call.op != "ask" and call.at_ms >= said_ms for call in step.digest.open_calls):
        return True
    return any(call.op != "ask" and call.status != "denied" and call.at_ms > said_ms for call in step.digest.calls)


def newest_run(past: Past) -> SeenRun | None:
    """Returns the newest test run of the project."""
    return next(iter(runs_of(past.view, 1)), None)


def _failing_run(runs: Sequence[SeenRun]) -> SeenRun | None:
    """Returns the newest run that failed, in whichever session, unless what failed has passed since."""
    for at, seen in enumerate(runs):
        if seen.run.status == "fail" and not any(_passed(seen.run, later.run) for later in runs[:at]):
            return seen
    return None


def _passed(failed: TestRun, later: TestRun) -> bool:
    """Whether a later run covers what failed, as far as that is known, and it passed.

    A run of all that the failed one was given covers it however files are named: from the folder that a runner's
    settings are in, a name may lead to none of the paths on the command line.
    """
    leaves_out = not set(later.excluded) <= set(failed.excluded)
    is_whole = later.status == "pass" and not later.selective and not leaves_out and failed.paths != ()
    if is_whole and all(any(_is_within(path, given) for given in later.paths) for path in failed.paths):
        return True
    files = [name for name, outcome in failed.files.items() if outcome == "fail"]
    if not files and leaves_out:
        return False
    files = files or [*failed.paths]
    run = replace(later, selective=False)
    return all(verdict(run, file) == "pass" for file in files) if files else later.status == "pass"


def _is_within(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _tests(past: Past, recent: Iterable[RecentFile]) -> list[Entry]:
    runs = runs_of(past.view, _MOST_RUNS)[::-1]
    if not runs:
        return []
    seen = _failing_run(runs) or runs[0]
    since_run = (file for file in recent if (file.touched.at_ms, file.touched.turn) > (seen.at_ms, seen.turn))
    edited = [file for file in since_run if file.status is not None]
    changed = ", ".join(in_code(file.path) for file in edited[:3])
    since = f"not run again since {changed} changed" if edited else ""
    if seen.run.status == "fail":
        later = runs[: runs.index(seen)]
        is_unclear = any(one.run.status == "unknown" and one.run.paths == seen.run.paths for one in later)
        ago = earlier(seen.at_ms, past.at_ms) if later else since  # of the newest run, the line of facts has the age
        text = _failing(seen, (ago, "run again since, with an unclear result" if is_unclear else ""), later)
    elif since:
        text = f"Tests {since}"
    else:
        return []
    return [from_run(past, seen, text, fixed_rank("open tests"))]


def from_run(past: Past, seen: SeenRun, text: str, rank: Rank | None = None) -> Entry:
    """Returns one line from the turn of a test run."""
    session = next(one for one in past.view.sessions if _has_run(one, seen))
    return from_session(session, seen.turn, text, "test run", rank, at_ms=seen.at_ms)


def _failing(seen: SeenRun, notes: Iterable[str], later: Sequence[SeenRun]) -> str:
    """Returns what failed, without the tests whose file has passed in a `later` run, and the reason that came first,
    unless it is that of such a test. The notes come first: names and reason may be long."""
    run = seen.run
    passed = {name for name in run.failed_names for one in later if verdict(one.run, name.partition("::")[0]) == "pass"}
    left = [name for name in run.failed_names if name not in passed] or run.failed_names
    names = f" in {', '.join(map(name_in_code, left[:4]))}" if left else ""
    first = "; first reason given" if len(run.failed_names) > 1 else ""  # it may be that of another test
    is_of_left = [*left[:1]] == [*run.failed_names[:1]]
    reason = f"{first}: {printed_line(run.reason)}" if run.reason and is_of_left else ""
    how = "ended in an error" if has_no_result(run) else "fail"  # they may not have run at all
    noted = "; ".join(filter(None, notes))
    return f"Tests {how}{f' ({noted})' if noted else ''}{names}{reason}"


def has_no_result(run: TestRun) -> bool:
    """Whether a run failed without a result of any test."""
    return run.status == "fail" and not (run.failed_names or run.passed or run.failed or run.errors or run.skipped)


def _has_run(session: SessionView, seen: SeenRun) -> bool:
    moments = ((one.at_ms, one.turn, one.command) for digest in session.digests for one in digest.runs)
    return (seen.at_ms, seen.turn, seen.command) in moments


def uncertain_edits(step: Step) -> list[Pending]:
    """Returns the edits of the newest turn of which no result is recorded. Aider (0.86.2) writes the answer that asks
    for them first, and then asks the user of some."""
    named = (call for call in step.digest.open_calls if _IN_PATH.intersection(call.text))
    return [call for call in named if call.op in ("edit", "write")] if step.is_newest else []


def _uncertain_edits(past: Past) -> list[Entry]:
    step = past.main
    calls = uncertain_edits(step)
    names = dict.fromkeys(relative(call.text, past.view.root) or call.text for call in calls)
    if not names:
        return []
    shown = ", ".join(in_code(cut_middle(name, 120)) for name in list(names)[-3:])
    text = f"Not known whether this edit was made: {shown}"
    return [from_turn(step, text, "call", fixed_rank("uncertain"), at_ms=calls[-1].at_ms)]


def still_named(opinions: Sequence[Opinion], now_ms: int) -> tuple[Opinion, ...]:
    """Returns the texts from outside that the user brought in within the last week."""
    return tuple(opinion for opinion in opinions if opinion.at_ms > now_ms - _OPINION_MS)


def opinion_entries(opinions: Iterable[Opinion], at_ms: int) -> list[Entry]:
    """Returns the names of texts from outside: nobody has checked them."""
    entries = []
    for back, opinion in enumerate(opinions):
        when = earlier(opinion.at_ms, at_ms)
        said = f"{when}; not checked" if when else "not checked"
        show = f"carryover show {id_in_command(opinion.session)}"
        text = f"{excerpt(opinion.title, 120)} ({said}, not the user's word: `{show}`)"
        source = Entry(text=text, kind="text from outside", session=opinion.session, at_ms=opinion.at_ms)
        entries.append(replace(source, rank=fixed_rank("brought in", back=back)))
    return entries
