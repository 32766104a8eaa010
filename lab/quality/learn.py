"""`make learn`: writes what a name is worth to the next agent, and a line beside its names, as real sessions show it.

Names are needed at a cut of a public session if its later calls use them, and at one that a reader read up to if the
reader's notes have them. docs/benchmark.md says what is learned from what. The same data give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

from carryover.agents import agent_names
from carryover.distill import learned as written_before
from carryover.distill.render import render
from carryover.facts import Facts
from carryover.publish.make import distill_view
from carryover.text.reset_times import on_this_machine
from quality.examples import (
    TARGETS,
    Example,
    Scorer,
    Target,
    all_the_same,
    by_age,
    fold_of,
    held_by_best,
    learned,
    of_notes,
    of_sessions,
    out_of_fold,
)
from quality.facts import common_facts, held
from quality.fetch import is_there, sessions_folder
from quality.manifest import Session, read
from quality.notes import Noted, noted
from quality.takeover import facts_by_repository, with_no_settings

MEANINGS: Final[Mapping[str, str]] = {
    "any name": "the same for each",
    "mentions": "log of the number of messages, calls and results that have it",
    "in words": "log of the number of messages",
    "in calls": "log of the number of calls",
    "age": "log of the number of events since the last mention",
    "age in words": "the same since the last message",
    "age in calls": "the same since the last call",
    "length of the past": "log of the number of all events",
    "only printed": "in no message and no call",
    "plain word": "letters alone",
    "digit": "has one",
    "dot": "has one",
    "suffix": "ends like the name of a file",
    "length": "characters, in units of 20",
    "any line": "what a line is worth beside its names",
    "turns since": "log of the number of turns since",
}
MOST_NUMBERS: Final = 40
LINES: Final = tuple(
    {"any line": any_line, "turns since": since} for any_line in (0.05, 0.1, 0.2) for since in (0.0, -0.05, -0.1)
)
"""What is tried for a line."""
_ROOMS: Final = (150, 300)


def main() -> int:
    options = _parser().parse_args()
    sessions = [each for each in read() if each.half == "open"]
    there = [each for each in sessions if is_there(each, options.folder)]
    if not there:
        print(f"No sessions in {options.folder}: `make takeover-fetch` gets them.")
        return 1
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="carryover-learn-") as home,
        ProcessPoolExecutor(options.jobs, initializer=with_no_settings, initargs=(home,)) as pool,
    ):
        examples = _examples(there, options, pool, Path(home))
        print(f"{len(there)} of {len(sessions)} sessions of the open half. {_counted(examples)}.\n")
        print(best_names(examples, options.share))
        name = learned(examples, options.share)
        if not any(each.target == "readers' notes" for each in examples):
            print(f"\n{_rows(name)}\nReaders' notes are missing (NOTES=DIR MIRRORS=DIR), so nothing was written.")
            return 0
        line, tried = _best_line(examples, name, pool)
    options.to.write_text(file_text(name, line), encoding="utf-8", newline="\n")
    print(f"\n{tried}\n\n{_rows(name)}{_rows(line)}\n{options.to} was written after {time.monotonic() - began:.0f} s.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make learn", description=__doc__, allow_abbrev=False)
    parser.add_argument("--folder", type=Path, metavar="DIR", default=sessions_folder(), help="default: %(default)s")
    parser.add_argument("--notes", type=Path, metavar="DIR", help="readers' notes, with their sources.tsv")
    parser.add_argument("--mirrors", type=Path, metavar="DIR", help="bare mirrors OWNER+NAME of what was read")
    parser.add_argument("--share", type=float, metavar="N", default=0.5, help="of the notes (default: %(default)s)")
    parser.add_argument(
        "--to", type=Path, metavar="FILE", default=Path(written_before.__file__), help=argparse.SUPPRESS
    )
    parser.add_argument("--jobs", type=int, metavar="N", default=os.cpu_count(), help="at once (default: %(default)s)")
    return parser


def _examples(there: Sequence[Session], options: argparse.Namespace, pool: Executor, into: Path) -> list[Example]:
    common = common_facts(facts_by_repository(there, options.folder, options.jobs))
    by_repository = defaultdict[str, list[Session]](list)
    for session in there:
        by_repository[session.repository].append(session)
    of_each = pool.map(partial(of_sessions, folder=options.folder, common=common), by_repository.values())
    examples = [example for own in of_each for example in own]
    if options.notes and options.mirrors:
        closed = frozenset(each.repository for each in read() if each.half == "closed")
        found = list(noted(options.notes, options.mirrors, into, closed))
        for why in found:
            if isinstance(why, str):
                print(f"left out: {why}")
        of_each = pool.map(of_notes, [each for each in found if isinstance(each, Noted)])
        examples += [example for own in of_each for example in own]
    return examples


def _counted(examples: Sequence[Example]) -> str:
    counts = (sum(each.target == target for each in examples) for target in TARGETS)
    repositories = len({each.repository for each in examples})
    cuts = ", ".join(f"{count} cuts with {target}" for count, target in zip(counts, TARGETS, strict=True))
    return f"{cuts}, of {repositories} repositories; {sum(len(each.names) for each in examples)} names"


def best_names(examples: Sequence[Example], share: float) -> str:
    """Returns the table of what the best names hold of the needed facts, each cut by what was learned without its
    repository."""
    by_fold = out_of_fold(examples, share)
    targets = [target for target in TARGETS if any(each.target == target for each in examples)]
    columns = [(target, room) for target in targets for room in _ROOMS]
    heads = " | ".join(f"{target}, {room}" for target, room in columns)
    lines = [f"| names by | {heads} |", "|---" * (len(columns) + 1) + "|"]
    arms: dict[str, Mapping[int, Scorer]] = {
        "learned worth": by_fold,
        "age alone": dict.fromkeys(by_fold, by_age),
        "all the same": dict.fromkeys(by_fold, all_the_same),
    }
    for arm, scorers in arms.items():
        cells = (_held_share(examples, scorers, target, room) for target, room in columns)
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    cells = (_held_share(examples, arms["all the same"], target, 1 << 30) for target, _ in columns)
    return "\n".join([*lines, f"| all of them | {' | '.join(cells)} |"])


def _held_share(examples: Sequence[Example], scorers: Mapping[int, Scorer], target: Target, tokens: int) -> str:
    own = (each for each in examples if each.target == target)
    return f"{statistics.fmean(held_by_best(each, scorers[fold_of(each.repository)], tokens) for each in own):.3f}"


def _best_line(examples: Sequence[Example], name: Mapping[str, float], pool: Executor) -> tuple[dict[str, float], str]:
    """Returns those of `LINES` with which handoffs hold most, and a table of all."""
    by_target: dict[Target, list[Sequence[float]]] = {target: [] for target in TARGETS}
    for example, each in zip(examples, pool.map(partial(held_with, name=name), examples), strict=True):
        by_target[example.target].append(each)
    means = [[statistics.fmean(column) for column in zip(*own, strict=True)] for own in by_target.values()]
    rows = [(*row, statistics.fmean(row)) for row in zip(*means, strict=True)]
    lines = [f"| any line | turns since | {' | '.join(TARGETS)} | mean |", "|---" * (len(TARGETS) + 3) + "|"]
    for line, row in zip(LINES, rows, strict=True):
        lines.append(f"| {' | '.join(map(str, line.values()))} | {' | '.join(f'{held:.4f}' for held in row)} |")
    best = max(range(len(LINES)), key=lambda at: (round(rows[at][-1], 4), -at))
    return LINES[best], "\n".join(lines)


def held_with(example: Example, name: Mapping[str, float]) -> list[float]:
    """Returns the share of the needed facts in the example's handoff, with each of `LINES`."""
    found = []
    with patch.dict(written_before.NAME, name, clear=True):
        now_ms = example.view.sessions[0].last_ms
        facts = Facts(clock=on_this_machine)
        handoff = distill_view(example.view, facts, now_ms=now_ms, resume="ask", names=agent_names())
        for line in LINES:
            with patch.dict(written_before.LINE, line, clear=True):
                found.append(held(example.needed, render(handoff)) if handoff is not None else 0.0)
    return found


def file_text(name: Mapping[str, float], line: Mapping[str, float]) -> str:
    """Returns the text of `learned.py`. Raises ValueError if a row has no meaning, or if there are too many numbers."""
    if unknown := [row for row in (*name, *line) if row not in MEANINGS]:
        raise ValueError(f"say in MEANINGS what these are: {', '.join(unknown)}")
    if len(name) + len(line) > MOST_NUMBERS:
        raise ValueError(f"more than {MOST_NUMBERS} numbers are learned")
    return f'''\
"""What makes a name worth something to the next agent, and a line beside its names. Written by `make learn`."""

from __future__ import annotations

from typing import Final

# fmt: off
NAME: Final[dict[str, float]] = {{
{_rows(name)}}}
LINE: Final[dict[str, float]] = {{
{_rows(line)}}}
# fmt: on
'''


def _rows(numbers: Mapping[str, float]) -> str:
    rows = ((f'"{row}":', number, MEANINGS[row]) for row, number in numbers.items())
    return "".join(f"    {row:21}{number:6.2f},  # {meaning}\n" for row, number, meaning in rows)


if __name__ == "__main__":
    sys.exit(main())
