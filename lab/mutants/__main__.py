"""`make mutants`: changes the pure rooms in one place at a time, and says which changes no test of the room notices.

The first half of the time goes to hollow functions: all that a function does is left out. Those that no test of their
room misses are tried with the tests elsewhere, so what is named is missed by no test that runs in its own process.

Which mutants are tried depends on the seed and on how far the minutes reach. It fails if the tests notice a smaller
share than the room's floors say (`mutants/rooms.py`): shares, since some changes make no difference.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from mutants.afresh import noticed_afresh
from mutants.rooms import LOADING, ROOMS, SOURCE, Room, other_tests
from mutants.trial import NOT_CALLED, NOT_PUT_IN, Asked
from support.clone import CHECKOUT

KINDS: Final = ("hollow", "places")
MOST_NAMED: Final = 15
_OWN_TESTS: Final = 0.6
"""Of the time for hollow functions, the share in which they are tried with the room's own tests."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__, allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the choice (default: %(default)s)")
    parser.add_argument("--only", choices=sorted(ROOMS), nargs="+", metavar="ROOM", default=sorted(ROOMS))
    parser.add_argument("--kind", choices=KINDS, nargs="+", metavar="KIND", default=KINDS, help="hollow or places")
    options = parser.parse_args()
    seconds = options.minutes * 60 / len(options.kind)
    failed = []
    if "hollow" in options.kind:
        failed += _hollow(options.only, options.seed, seconds)
    if "places" in options.kind:
        failed += [_places(name, ROOMS[name], options.seed, seconds / len(options.only)) for name in options.only]
    for line in filter(None, failed):
        print(f"mutants: {line}")
    return 1 if any(failed) else 0


def _places(name: str, room: Room, seed: int, seconds: float) -> str:
    """Tries changed places of a room, and prints those that nothing noticed; returns what is below the floor."""
    asked = Asked(str(SOURCE), (room.files,), False, seed, seconds, "")
    tried = [(mutant, by) for mutant, by in _outcomes(asked, room.own_tests()) if by != NOT_PUT_IN]
    if not tried:
        return f"{name}: no place was tried; do its tests pass? {_command(room.own_tests())}"
    unnoticed = [mutant for mutant, noticed_by in tried if not noticed_by]
    share = 1 - len(unnoticed) / len(tried)
    print(f"mutants: {name}, seed {seed}: {len(tried)} places tried, {share:.0%} noticed; not noticed:")
    for mutant in sorted(unnoticed)[:MOST_NAMED]:
        print(f"  {mutant}")
    sys.stdout.flush()
    return _below(name, "places", share, room.least)


def _hollow(names: Sequence[str], seed: int, seconds: float) -> list[str]:
    """Tries hollow functions of rooms, and prints those that no test missed; returns what is below the floors."""
    until = time.monotonic() + seconds
    own = {}
    for name in names:
        room = ROOMS[name]
        asked = Asked(str(SOURCE), (room.files,), True, seed, seconds * _OWN_TESTS / len(names), "")
        own[name] = _by_function(_outcomes(asked, room.own_tests()))
    lost = [function for tried in own.values() for function, answers in tried.items() if not _is_noticed(answers)]
    there = _elsewhere(names, lost, seed, until) if lost else {}
    return [reported(name, own[name], there, seed) for name in names]


def _elsewhere(names: Sequence[str], lost: Sequence[str], seed: int, until: float) -> dict[str, dict[str, str]]:
    """Tries hollow functions with the tests elsewhere; those that none misses, from the start of a process.

    What there was no time for is left out.
    """
    rooms = [ROOMS[name] for name in names]
    patterns = tuple(room.files for room in rooms)
    asked = Asked(str(SOURCE), patterns, True, seed, until - time.monotonic(), "", tuple(lost))
    found = _by_function(_outcomes(asked, other_tests(rooms)))
    for function, answers in list(found.items()):
        if not _is_noticed(answers):
            if time.monotonic() < until:
                own = [test for room in rooms if room.holds(function) for test in room.own_tests()]
                found[function] = noticed_afresh(function, answers, [*own, *LOADING])
            elif NOT_CALLED in answers.values():
                del found[function]
    return found


def reported(name: str, own: Mapping[str, Mapping[str, str]], there: Mapping[str, Mapping[str, str]], seed: int) -> str:
    """Prints the functions of a room that no test misses; returns what is below the floor.

    `own`: by function, what noticed each of its answers in the room's tests; `there`: in the tests elsewhere.
    """
    if not own:
        return f"{name}: no function was tried; do its tests pass? {_command(ROOMS[name].own_tests())}"
    lost = [function for function, answers in own.items() if not _is_noticed(answers)]
    undecided = [function for function in lost if function not in there]
    missed = [function for function in lost if function in there and not _is_noticed(there[function])]
    tried = len(own) - len(undecided)
    share = 1 - len(missed) / tried if tried else 0.0
    print(f"mutants: {name}, seed {seed}: {tried} hollow functions tried, {share:.0%} noticed", end="")
    print(f" ({len(lost) - len(undecided) - len(missed)} by tests elsewhere alone); not noticed:")
    for function in sorted(missed):
        print(f"  {function}")
    if undecided:
        print(f"mutants: {name}: its own tests do not notice {len(undecided)} more; for others there was no time:")
        for function in sorted(undecided):
            print(f"  {function}")
    sys.stdout.flush()
    return _below(name, "hollow functions", share, ROOMS[name].least_hollow)


def _outcomes(asked: Asked, tests: Sequence[str]) -> list[tuple[Any, str]]:
    """Returns each mutant that was tried and the test that noticed it."""
    with tempfile.TemporaryDirectory(prefix="carryover-mutants-") as folder:
        outcomes = Path(folder) / "outcomes"
        env = {**os.environ, "MUTANTS": json.dumps({**asdict(asked), "outcomes": str(outcomes)}), "TMPDIR": folder}
        command = (sys.executable, "-m", "pytest", "-q", "-p", "mutants.trial", "-p", "no:cacheprovider", *tests)
        subprocess.run(command, cwd=CHECKOUT, env=env, stdout=subprocess.DEVNULL, check=False)
        lines = outcomes.read_text(encoding="utf-8").splitlines() if outcomes.exists() else []
    return [(mutant, by) for mutant, by in map(json.loads, lines)]


def _by_function(outcomes: Sequence[tuple[Any, str]]) -> dict[str, dict[str, str]]:
    """Returns what noticed each answer of each hollow function."""
    found: dict[str, dict[str, str]] = {}
    for (name, answer), by in outcomes:
        if by != NOT_PUT_IN:
            found.setdefault(name, {})[answer] = by
    return found


def _is_noticed(answers: Mapping[str, str]) -> bool:
    return any(by not in ("", NOT_CALLED) for by in answers.values())


def _below(name: str, what: str, share: float, least: float) -> str:
    return "" if share >= least else f"{name}: {share:.0%} of {what} were noticed, at least {least:.0%} should be"


def _command(tests: Sequence[str]) -> str:
    return shlex.join([".venv/bin/pytest", *(str(Path(each).relative_to(CHECKOUT)) for each in tests)])


if __name__ == "__main__":
    sys.exit(main())
