"""`make mutants`: changes the pure rooms in one place at a time, and says which changes no test of the room notices.

Which are tried depends on the seed and on how far the minutes reach. It fails if a room's tests notice a smaller share
than `LEAST` says: a share, since some changes make no difference and some are noticed by tests of other rooms alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import carryover
from mutants.trial import NOT_PUT_IN

CHECKOUT: Final = Path(__file__).parents[2]
LEAST: Final = {"distill": 0.6, "edits": 0.75, "records": 0.6, "redact": 0.75, "text": 0.35}
"""The share of mutants that each room's own tests notice at least."""
MOST_NAMED: Final = 15


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__, allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the choice (default: %(default)s)")
    parser.add_argument("--only", choices=sorted(LEAST), nargs="+", metavar="ROOM", default=sorted(LEAST))
    options = parser.parse_args()
    seconds = options.minutes * 60 / len(options.only)
    shares = {room: _room(room, options.seed, seconds) for room in options.only}
    below = [room for room, share in shares.items() if share < LEAST[room]]
    for room in below:
        print(f"mutants: {room}: {shares[room]:.0%} were noticed, at least {LEAST[room]:.0%} should be")
    return 1 if below else 0


def _room(room: str, seed: int, seconds: float) -> float:
    """Tries mutants of a room; prints those that nothing noticed, and returns the share of the others."""
    with tempfile.TemporaryDirectory(prefix="carryover-mutants-") as folder:
        outcomes = Path(folder) / "outcomes"
        source = Path(carryover.__file__).parent
        asked = {"room": room, "seed": seed, "seconds": seconds, "source": str(source), "outcomes": str(outcomes)}
        tests = str(CHECKOUT / "tests" / "unit" / room)
        command = (sys.executable, "-m", "pytest", "-q", "-p", "mutants.trial", "-p", "no:cacheprovider", tests)
        env = {**os.environ, "MUTANTS": json.dumps(asked), "TMPDIR": folder}
        subprocess.run(command, cwd=CHECKOUT, env=env, stdout=subprocess.DEVNULL, check=False)
        lines = outcomes.read_text(encoding="utf-8").splitlines() if outcomes.exists() else []
    tried = [(mutant, by) for mutant, by in map(json.loads, lines) if by != NOT_PUT_IN]
    if not tried:
        print(f"mutants: {room}: nothing was tried; do its tests pass? {shlex.join(command)}")
        return 0.0
    unnoticed = [mutant for mutant, noticed_by in tried if not noticed_by]
    share = 1 - len(unnoticed) / max(len(tried), 1)
    print(f"mutants: {room}, seed {seed}: {len(tried)} tried, {share:.0%} noticed; not noticed:")
    for mutant in sorted(unnoticed)[:MOST_NAMED]:
        print(f"  {mutant}")
    return share


if __name__ == "__main__":
    sys.exit(main())
