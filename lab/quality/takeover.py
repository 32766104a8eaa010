"""`make takeover`: of what real sessions went on to need, how much is in their handoffs, and how much in a plain dump.

The sessions are those that `make takeover-fetch` got. Each is cut at some places; the facts in what its agent then did,
which had appeared before the cut and which the user does not give, are what a successor needs. docs/benchmark.md says
what this measures and what it does not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from carryover import __version__
from carryover.distill.quotes import estimated_tokens
from quality import closed_runs, peers
from quality.arms import CARRYOVER, SIZES, TAIL, carryover, tail
from quality.cuts import PLACES, Cut, cuts_of
from quality.facts import common_facts, facts, held
from quality.fetch import file_of, is_there, sessions_folder
from quality.happened import Happening, happenings
from quality.intervals import interval
from quality.manifest import Session, read

_LEAST_DELIVERED: Final = 0.95
"""An arm that failed on more of the cuts has no result: the programs would be compared on different cuts."""
_SAME_SIZE: Final = "; Carryover at its size"
_FRAME_TOKENS: Final = 170
"""About what Carryover's text has beside the sections, which its budget is for."""


@dataclass(frozen=True, slots=True)
class Given:
    """What one arm gave for one cut. `failed` says why there is no text; a text may be empty without a failure."""

    arm: str
    cut: Cut
    held: float
    tokens: int
    seconds: float
    failed: str = ""


def main() -> int:
    options = _parser().parse_args()
    sessions = [each for each in read() if each.half == options.half]
    there = [each for each in sessions if is_there(each, options.folder)]
    there = there[: options.sample] if options.sample else there
    if not there:
        print(f"No sessions in {options.folder}: `make takeover-fetch` gets them.")
        return 1
    if options.half == "closed" and (refused := closed_runs.refusal()):
        print(refused, file=sys.stderr)
        return 1
    began = time.monotonic()
    common = common_facts(facts_by_repository(there, options.folder, options.jobs))
    with tempfile.TemporaryDirectory(prefix="carryover-takeover-") as home:
        given = _measured(there, options, common, home)
    if options.half == "closed":
        closed_runs.add(options.seed, len(there))
    when = f"{datetime.now(UTC):%Y-%m-%d}, {(time.monotonic() - began) / 60:.0f} minutes"
    absent = f"{len(there)} of {len(sessions)} sessions of the {options.half} half"
    print(f"{absent}; seed {options.seed}; Carryover {__version__}; {when}\n")
    print(report(given, options.seed))
    undelivered = not_delivered(given)
    for line in undelivered:
        print(f"takeover: {line}")
    return 1 if undelivered else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make takeover", description=__doc__, allow_abbrev=False)
    parser.add_argument("--folder", type=Path, metavar="DIR", default=sessions_folder(), help="default: %(default)s")
    halves = "the closed one is scored once for a version (default: %(default)s)"
    parser.add_argument("--half", choices=("open", "closed"), default="open", help=halves)
    parser.add_argument("--sample", type=int, metavar="N", default=0, help="only N sessions, to try it")
    parser.add_argument("--per", type=int, metavar="N", default=2, help="cuts of a place in a session")
    parser.add_argument("--seed", type=int, metavar="N", default=1, help="of the choice (default: %(default)s)")
    parser.add_argument("--programs", type=Path, metavar="DIR", default=peers.FOLDER, help="default: %(default)s")
    parser.add_argument("--jobs", type=int, metavar="N", default=os.cpu_count(), help="at once (default: %(default)s)")
    return parser


def facts_by_repository(sessions: Sequence[Session], folder: Path, jobs: int) -> Mapping[str, set[str]]:
    """Returns all that is said in the sessions of each repository."""
    found = defaultdict[str, set[str]](set)
    with ProcessPoolExecutor(jobs) as pool:
        files = [file_of(each, folder) for each in sessions]
        for session, own in zip(sessions, pool.map(_facts_of, files), strict=True):
            found[session.repository] |= own
    return found


def _facts_of(file: Path) -> set[str]:
    return set().union(*(facts(each.text) for each in happenings(file)[1]))


def _measured(
    sessions: Sequence[Session], options: argparse.Namespace, common: frozenset[str], home: str
) -> list[Given]:
    by_repository = defaultdict[str, list[Session]](list)
    for session in sessions:
        by_repository[session.repository].append(session)
    with ProcessPoolExecutor(options.jobs, initializer=with_no_settings, initargs=(home,)) as pool:
        runs = [pool.submit(_of_repository, own, options, common) for own in by_repository.values()]
        return [each for run in runs for each in run.result()]


def with_no_settings(home: str) -> None:
    """Lets no setting of the user's take part."""
    os.environ["HOME"] = home
    for name in [name for name in os.environ if name.startswith(("XDG_", "CARRYOVER_"))]:
        del os.environ[name]


def _of_repository(sessions: Sequence[Session], options: argparse.Namespace, common: frozenset[str]) -> list[Given]:
    folder = options.folder
    read_ones = {session: happenings(file_of(session, folder))[1] for session in sessions}
    given = []
    for session, cut in cuts_of(read_ones, options.per, options.seed, common):
        past = [each for each in read_ones[session] if not cut.until or each.record <= cut.until]
        given += _of_cut(cut, file_of(session, folder), past, options.programs)
    return given


def _of_cut(cut: Cut, file: Path, past: Sequence[Happening], programs: Path) -> list[Given]:
    given = []
    for size in SIZES:
        handoff = _given(f"{CARRYOVER}, {size:,}", cut, partial(carryover, file, cut.until, size))
        room = max(size, handoff.tokens)  # its frame is not in the budget that it is asked for
        given += [handoff, _given(f"{TAIL}, {size:,}", cut, partial(tail, past, room))]
    for other in peers.installed(programs):
        if cut.agent in other.places:
            for asked in other.arguments:
                text = partial(other.text, programs, file, cut.until, cut.agent, asked)
                theirs = _given(f"{other.name}, {asked}", cut, text)
                given += [theirs, *of_same_size(theirs, file)]
    return given


def of_same_size(theirs: Given, file: Path) -> list[Given]:
    """Returns Carryover's text of a cut, as long as another program's is there: that differs much from cut to cut, so
    the median of all of them says little of those of one place."""
    if theirs.failed:
        return []
    tokens = max(1, theirs.tokens - _FRAME_TOKENS)
    return [_given(f"{theirs.arm}{_SAME_SIZE}", theirs.cut, partial(carryover, file, theirs.cut.until, tokens))]


def _given(arm: str, cut: Cut, make: Callable[[], str]) -> Given:
    began = time.perf_counter()
    try:
        text = make()
    except Exception as error:  # whatever a program does, the others are measured
        return Given(arm, cut, 0.0, 0, 0.0, failed=type(error).__name__)
    seconds = time.perf_counter() - began
    return Given(arm, cut, held(cut.needed, text), estimated_tokens(text), seconds)


def not_delivered(given: Sequence[Given]) -> list[str]:
    """Returns a line for each of our own arms that failed on too many cuts; other programs may fail."""
    lines = []
    for arm in dict.fromkeys(each.arm for each in given if each.arm.startswith((CARRYOVER, TAIL))):
        own = [each for each in given if each.arm == arm]
        failed = [each for each in own if each.failed]
        if len(failed) > (1 - _LEAST_DELIVERED) * len(own):
            why = ", ".join(sorted({each.failed for each in failed}))
            lines.append(f"{arm}: {len(own) - len(failed)} of {len(own)} texts were delivered ({why})")
    return lines if given else ["no session could be cut"]


def report(given: Sequence[Given], seed: int) -> str:
    """Returns the page: deliveries first, then what each arm held, by place and by agent."""
    by_arm = defaultdict[str, list[Given]](list)
    for each in given:
        by_arm[each.arm].append(each)
    delivered = {arm: [each for each in own if not each.failed] for arm, own in by_arm.items()}
    scored = {arm: own for arm, own in delivered.items() if len(own) >= _LEAST_DELIVERED * len(by_arm[arm])}
    counts = [f"| {arm} | {len(own)} of {len(by_arm[arm])} |" for arm, own in delivered.items() if arm not in scored]
    head = f"{len({each.cut for each in given})} cuts. "
    if not counts:
        head += "Each arm delivered all its texts." if delivered == by_arm else "Each arm delivered 95 % or more."
    else:
        head += "\n".join(["No result, too few texts delivered:\n", "| arm | delivered |", "|---|---|", *counts])
    agents = sorted({each.cut.agent for each in given})
    others = tuple(program.name for program in peers.PROGRAMS)
    ours = {arm: own for arm, own in scored.items() if not arm.startswith(others)}
    by_place = _table(ours, PLACES, lambda each: each.cut.place, seed)
    by_agent = _table(ours, agents, lambda each: each.cut.agent, seed)
    beside = [_beside(scored, program, seed) for program in others]
    return "\n\n".join([head, by_place, by_agent, *filter(None, beside)])


def _beside(scored: Mapping[str, Sequence[Given]], program: str, seed: int) -> str:
    """Returns the table of another program on the cuts that it read, with all others on the same ones."""
    cuts = {each.cut for arm, own in scored.items() if arm.startswith(program) for each in own}
    if not cuts:
        return ""
    same = {arm: [each for each in own if each.cut in cuts] for arm, own in scored.items()}
    return f"On the cuts that {program} reads:\n\n{_table(same, PLACES, lambda each: each.cut.place, seed)}"


def _table(
    by_arm: Mapping[str, Sequence[Given]], columns: Sequence[str], column_of: Callable[[Given], str], seed: int
) -> str:
    first = next(iter(by_arm.values()), [])
    numbers = {column: sum(column_of(each) == column for each in first) for column in columns}
    heads = [f"{column} ({numbers[column]})" for column in columns]
    lines = [f"| arm, tokens | {' | '.join(heads)} | all | empty | tokens | seconds |", "|---" * (len(heads) + 5) + "|"]
    for arm, own in by_arm.items():
        cells = [_cell([each for each in own if column_of(each) == column], seed) for column in columns]
        empty = sum(not each.tokens for each in own)
        tokens = statistics.median(each.tokens for each in own)
        seconds = statistics.median(each.seconds for each in own)
        lines.append(f"| {arm} | {' | '.join(cells)} | {_cell(own, seed)} | {empty} | {tokens:,.0f} | {seconds:.2f} |")
    return "\n".join(lines)


def _cell(own: Sequence[Given], seed: int) -> str:
    if not own:
        return ""
    by_repository = defaultdict[str, list[float]](list)
    for each in own:
        by_repository[each.cut.repository].append(each.held)
    low, high = interval(by_repository, seed)
    return f"{statistics.fmean(each.held for each in own):.3f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    sys.exit(main())
