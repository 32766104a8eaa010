"""The agent's last words at length; if it was cut off, also what it said on the way and what was in flight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from posixpath import commonprefix
from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import SeenRun
from carryover.distill.entry import Entry, fixed_rank
from carryover.distill.quotes import (
    LINE_BREAK,
    before_call,
    branch_name,
    cut_middle,
    earlier,
    estimated_tokens,
    in_code,
    in_quotes,
    of_one_place,
    printed_line,
)
from carryover.distill.sections.open_questions import asking_sessions, from_run, has_no_result, newest_run
from carryover.distill.sections.quoting import announced, from_turn, joined_short, last_words, parted
from carryover.distill.sections.recent_files import from_root, may_be_tested, placed, relative, run_and_place
from carryover.distill.trail import (
    Past,
    Step,
    answers_since,
    carried_out_by,
    did_work,
    has_no_ruling,
    idle_since,
    running_jobs,
)
from carryover.distill.view import ProjectView
from carryover.facts import GitFacts

_TOLD_ELSEWHERE: Final = ("plan", "ask", "edit", "write")
"""Questions and edits without a result are shown under Open questions."""
_MOST_ON_THE_WAY: Final = 6
_LEAST_FOUND: Final = 20
"""Tokens of a message on the way that says what was found, without the sentence that leads to a call."""
_MOST_BRANCHES: Final = 2
_MOST_JOBS: Final = 3
_MOST_IN_FLIGHT: Final = 2
_ONLY_LOOK: Final = ("read", "search", "web")
"""Calls in flight that give way to others, which may have changed something: an agent makes several at once."""
_CUT_OFF: Final = {
    "": "no answer recorded",
    "interrupted": "interrupted by the user",
    "error": "ended in an error",
    "limit": "stopped at its usage limit",
}


def standing_entries(past: Past, git: GitFacts | None) -> list[Entry]:
    """Returns one line of facts, then the agent's last words, oldest first, then what was in flight."""
    steps = [past.work, past.main] if past.work is not None else [past.main]
    worked = _newest_work(past, steps)
    endings = [_ended(past, step) for step in steps]
    run = newest_run(past)
    said = (
        *endings,
        _plan_refused(past),
        _place(past, worked, git),
        *_other_branches(past, worked, git),
        _tests(past, run),
        _unpushed(git),
        _jobs(past),
        _ended_unsaid(past),
    )
    facts = [fact for fact in said if fact]
    state = parted(past.main, "; ".join(facts), "ending", "state", label="", at_ms=past.main.turn.last_ms)
    if run is not None:
        of_run = from_run(past, run, "")
        others = len(facts) > 1
        state = [
            replace(one, text=of_one_place(one.text), members=(one, of_run) if others else (of_run,)) for one in state
        ]
    entries = [entry for step in steps for entry in (*_words(past, step), *_in_flight(past, step))]
    return [*state, *entries, *_talk(past)]


def _newest_work(past: Past, steps: Sequence[Step]) -> Step:
    """Returns the newest turn that did work, be it only to commit, in the sessions of `steps`, none before these."""
    sessions = {step.view.session for step in steps}
    since = (step for step in reversed(past.steps) if step.turn.began >= steps[0].turn.began)
    return next((step for step in since if did_work(step.turn) and step.view.session in sessions), steps[0])


def _plan_refused(past: Past) -> str:
    digest = past.main.digest
    proposal = digest.proposal
    if proposal is None or proposal.accepted is not False or proposal.turn != digest.prompts:
        return ""
    if not has_no_ruling(digest):
        return "its plan was refused by the user"
    later = carried_out_by(past, digest)
    if later is None:
        return "its plan was refused without a word, or taken into another session: no ruling is recorded"
    return f"its plan was accepted, and session {past.short_ids[later.session]} began with it"


def _unpushed(git: GitFacts | None) -> str:
    if git is None or not git.ahead:
        return ""
    commits = "commits" if git.ahead > 1 else "commit"
    return f"{git.ahead} {commits} not pushed"


def _ended(past: Past, step: Step) -> str:
    turn = step.turn
    of_turn = f"{past.agent(step)}'s {past.turn(turn.number, step.view)}"
    if turn.end == "answered" and turn.grows and step.is_newest:
        return f"{of_turn}: not recorded whether it ended with its last words"
    if turn.end == "answered" or (turn.end == "" and not step.is_newest):
        return ""
    proposal = step.digest.proposal
    if proposal is not None and proposal.turn == turn.number and carried_out_by(past, step.digest) is not None:
        return ""  # its work continues there
    ending = step.digest.ending if step.is_newest else None
    said = cut_middle(ending.message.replace('"', "'"), 120) if ending is not None else ""
    message = f': "{said}"' if said else ""
    calls = f" after {turn.calls} calls" if turn.calls > 1 else ""
    answered = answers_since(step.digest, turn.number)
    since = f", {answered} turn{'s' if answered > 1 else ''} answered since" if answered else ""
    return f"{of_turn}: {_CUT_OFF[turn.end]}{calls}{message}{since}"


def _branch(step: Step, git: GitFacts | None) -> str:
    """Returns the branch of the newest work; where git can't say what is checked out since, the last known one."""
    return (step.digest.branch if git is None else "") or step.turn.branch


def _place(past: Past, step: Step, git: GitFacts | None) -> str:
    """Returns the branch of the newest work, unless it is checked out or being rebased, and the agent's own worktree
    that it is in; of work outside of the project, the folder instead: the branch is that of the agent's folder."""
    branch = _branch(step, git)
    edited = [file.path for file in step.digest.touched if file.turn == step.turn.number]
    if branch and (folder := _folder_outside(edited, past.view)):
        return f"newest edits outside of the project, in {in_code(folder)}"
    tree = next((tree for tree in past.view.trees if _has_any(tree, edited)), None)
    is_out = git is not None and branch in (git.branch, git.notes.rebased)
    was = "was " if git is not None and tree is None else ""  # git says beside it what is checked out here
    on_branch = f"{was}on {_named(past, branch)}" if branch and not is_out else ""
    in_tree = f"in worktree {in_code(tree)}" if tree is not None else ""
    return " ".join(filter(None, (on_branch, in_tree)))


def _other_branches(past: Past, newest: Step, git: GitFacts | None) -> list[str]:
    """Returns the branches of earlier work of any session, but for those checked out and of the newest work."""
    worked = [step for step in past.steps if did_work(step.turn) and step.turn.branch]
    last = {step.turn.branch: step for step in worked if not past.is_beside(step)}
    here = {_branch(newest, git), git.branch if git is not None else None}
    others = sorted((step for branch, step in last.items() if branch not in here), key=lambda step: -step.turn.last_ms)
    return [
        f"earlier work on {_named(past, step.turn.branch)} ({past.place(step, step.turn.last_ms)})"
        for step in others[:_MOST_BRANCHES]
    ]


def _named(past: Past, branch: str) -> str:
    lost = ", which is not here now" if branch in past.view.lost_branches else ""
    return f"branch {branch_name(branch)}{lost}"


def _folder_outside(edited: Iterable[str], view: ProjectView) -> str:
    """Returns the folder of the files of work among `edited`; empty if there are none, one of them is of the project,
    or the folder has the project in it: then one repository may hold both."""
    names = {path: name for path in edited if (name := placed(path, view, outside=True))}
    if any(placed(path, view, outside=False) for path in names):
        return ""
    folder = commonprefix([*names.values()]).rpartition("/")[0]
    return "" if relative(f"{view.root}/", folder) else folder


def _has_any(tree: str, paths: Iterable[str]) -> bool:
    return any(relative(path, tree) for path in paths)


def _tests(past: Past, seen: SeenRun | None) -> str:
    if seen is None:
        code = any(may_be_tested(file.path) for file in past.lead.digest.touched)
        return "no test run recorded" if code else ""
    is_older = seen.session == past.lead.session and seen.turn != past.newest.turn.number
    ago = earlier(seen.at_ms, past.at_ms) or (f"turn {seen.turn}" if is_older else "")  # not all agents write times
    when = f" ({ago})" if ago else ""
    command, place = (cut_middle(text.replace("`", ""), 110) for text in run_and_place(seen, past.view))
    where = place and f" in `{place}`"
    return f"last test run{when} `{command}`{where}: {result_of(seen)}"


def result_of(seen: SeenRun) -> str:
    """Returns the result of a run, with its counts if it printed any."""
    run = seen.run
    counts = ((run.passed, "passed"), (run.failed, "failed"), (run.errors, "errors"), (run.skipped, "skipped"))
    said = ", ".join(f"{count} {word}" for count, word in counts if count)
    status = {"pass": "passed", "fail": "failed", "unknown": "result unclear"}[run.status]
    if run.status == "unknown" and run.reason:
        return f"no test was run: {printed_line(run.reason.replace('`', ''))}"
    if has_no_result(run):
        return "ended in an error, no result printed"
    return f"{status} ({said})" if said else status


def _jobs(past: Past) -> str:
    """Returns the jobs that may still run, each with how long before it was started or mentioned."""
    jobs = [
        (in_quotes(from_root(job.text, past.view), 100), earlier(job.at_ms, past.at_ms))
        for job, _ in running_jobs(past)
    ]
    shown = [f"{text} ({ago})" if ago else text for text, ago in jobs[-_MOST_JOBS:]]
    more = [f"and {len(jobs) - _MOST_JOBS} more"] if len(jobs) > _MOST_JOBS else []
    return f"started in the background, no end recorded: {'; '.join((*shown, *more))}" if shown else ""


def _ended_unsaid(past: Past) -> str:
    """Returns the jobs that have ended since the agent last spoke: its last words may say that they run."""
    shown = "; ".join(in_quotes(job.text, 140) for job in past.main.digest.ended)
    return f"ended since the last words: {shown}" if shown else ""


def _words(past: Past, step: Step) -> list[Entry]:
    """Returns messages on the way, then the last words; in a turn that was cut off, all messages are on the way."""
    turn = step.turn
    is_main = step is past.main
    if turn.end != "answered":
        return _on_the_way(past, step)
    label = past.spoke(step, turn.last_ms)
    at_ms = turn.said[-1].at_ms if turn.said else None
    words = last_words(turn)
    if is_main:
        text = words.body if announced(past) else words.said
        return parted(step, text, "message", "last words", label=label, at_ms=at_ms)
    asks = step.is_newest and step.view.session in asking_sessions(past)
    body = words.said if asks else turn.answer
    return parted(step, body, "message", "last words of work", label=label, at_ms=at_ms)


def _on_the_way(past: Past, step: Step) -> list[Entry]:
    """Returns the newest messages of a turn that was cut off. The last mostly leads to a call; what was found or
    decided, and is in no answer yet, stands in the one before it that says most beside what comes next."""
    entries: list[Entry] = []
    said = step.turn.said[-_MOST_ON_THE_WAY:]
    tells = [estimated_tokens(before_call(one.text)) for one in said[:-1]]
    found = tells.index(max(tells)) if max(tells, default=0) >= _LEAST_FOUND else None
    for at, one in enumerate(said):
        row = "last words" if one is said[-1] else "found" if at == found else None
        label = f"{past.agent(step)} on the way ({past.place(step, one.at_ms)})"
        entries += parted(step, one.text, "message", row, label=label, most=4, at_ms=one.at_ms)
    return joined_short(entries)


def _in_flight(past: Past, step: Step) -> list[Entry]:
    if step.turn.end == "answered" or not step.is_newest:
        return []
    running = {job.id for job, _ in running_jobs(past)}  # Codex's open call is its job: told in the line of facts
    calls = [call for call in step.digest.open_calls if call.op not in _TOLD_ELSEWHERE and call.id not in running]
    calls = sorted(calls, key=lambda call: call.op not in _ONLY_LOOK)[-_MOST_IN_FLIGHT:]
    entries = []
    for back, call in enumerate(reversed(calls)):
        shown = from_root(call.text, past.view).replace("`", "").replace("\n", LINE_BREAK)
        text = f"`{cut_middle(shown, 240)}`"
        label = "In flight, no result recorded"
        entries.append(from_turn(step, text, "call", fixed_rank("in flight", back=back), label=label, at_ms=call.at_ms))
    return entries[::-1]


def _talk(past: Past) -> list[Entry]:
    """Returns what was last answered to a short reply since."""
    entries: list[Entry] = []
    for step in [step for step in idle_since(past) if step.turn.answer][-1:]:
        label = f"Since then {past.agent(step)} said ({past.place(step)})"
        entries += parted(step, last_words(step.turn).said, "message", "last words", label=label, most=6)
    return entries
