"""`make test-agents-newest`: runs the rows of each agent that has a newer release than the tests know.

For each that breaks a fact, `build/night/agents/<agent>.md` is an issue to open: which rows failed, and which fields it
writes that the known version does not, or no longer. Its first line is the title.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from carryover.export.quoting import code_span, fenced, safe
from real_agents.lab.tool import Tool, tools
from support.clone import CHECKOUT

FOLDER: Final = CHECKOUT / "build" / "night" / "agents"
SHAPES: Final = "CARRYOVER_AGENT_SHAPES"
"""Names the folder in which rows leave the shapes of what the client wrote."""
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S*::.+?)(?: - (.*))?$", re.MULTILINE)
_PASSED: Final = re.compile(r"^PASSED (\S*::.+)$", re.MULTILINE)
_MOST_LINES: Final = 200
_LINE_CHARS: Final = 200
"""Of the difference: GitHub takes no text of more than 65,536 characters."""
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make test-agents-newest", description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", choices=sorted(tools()), nargs="+", metavar="AGENT", default=sorted(tools()))
    parser.add_argument("--folder", type=Path, metavar="DIR", default=FOLDER, help="default: build/night/agents")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    broken = [name for name in options.only if not _holds(tools()[name], options.folder)]
    return 1 if broken else 0


def _holds(kind: type[Tool], folder: Path) -> bool:
    """Runs an agent's rows with its newest release; returns whether no fact is broken."""
    known = kind.versions()[0]
    newest = _released(kind.RELEASED)
    if newest is None:
        print(f"newest: {kind.id}: its registry could not be asked ({kind.RELEASED})", flush=True)
        return True
    if newest == known:
        print(f"newest: {kind.id}: {known} is the newest", flush=True)
        return True
    print(f"newest: {kind.id}: {newest}, known is {known}", flush=True)
    code, printed = _ran(kind.id, newest, known, folder)
    failures = failures_in(code, printed, newest, known)
    for name, why in failures:
        print(f"newest: {kind.id}: failed: {name}{f': {why}' if why else ''}", flush=True)
    if failures:
        text = issue(kind.NAME, newest, known, failures, difference(folder, kind.id, known, newest))
        (folder / f"{kind.id}.md").write_text(text, encoding="utf-8")
    return not failures


def _released(where: str) -> str | None:
    """Returns the newest release by its registry; None if that does not answer."""
    answer = subprocess.run(question(where), capture_output=True, text=True, check=False)
    found = _VERSION.search(answer.stdout) if answer.returncode == 0 else None
    return found[0] if found is not None else None


def question(where: str) -> list[str]:
    """Returns the command that asks a registry. A client may need another Python, whose packages pip leaves out."""
    registry, _, package = where.partition(" ")
    if registry == "pypi":
        return [sys.executable, "-m", "pip", "index", "versions", "--ignore-requires-python", package]
    return ["npm", "view", package, "version"]


def _ran(agent: str, newest: str, known: str, folder: Path) -> tuple[int, str]:
    """Runs the rows of an agent with two versions; returns pytest's exit code and what it printed."""
    variable = f"CARRYOVER_{agent.upper().replace('-', '_')}"
    env = {**os.environ, variable: f"{newest} {known}", SHAPES: str(folder / "shapes")}
    options = ["-m", "real_agents", "--timeout", "900", "-k", f"{agent} and not handover", "-q", "-rA"]
    command = [sys.executable, "-m", "pytest", "lab/real_agents", *options]
    run = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
    (folder / f"{agent}.log").write_text(run.stdout + run.stderr, encoding="utf-8")
    return run.returncode, run.stdout


def failures_in(code: int, printed: str, newest: str, known: str) -> list[tuple[str, str]]:
    """Returns the rows that fail with the newest version alone, and why; the run itself, if it tried no row of it.

    A row is skipped if its client could not be fetched, and none runs if pytest could not begin: neither is a pass.
    """
    failed = _FAILED.findall(printed)
    of_known = {name.replace(known, newest) for name, _ in failed if known in name}
    found = [(name, why) for name, why in failed if newest in name and name not in of_known]
    has_run = any(newest in name for name in _PASSED.findall(printed)) or any(newest in name for name, _ in failed)
    if code not in (0, 1) or not has_run:
        return [*found, ("lab/real_agents", f"no row was run with {newest}; pytest ended with {code}")]
    return found


def difference(folder: Path, agent: str, known: str, newest: str) -> list[str]:
    """Returns the fields that only one of two versions writes, as lines of a diff."""
    before = _shapes(folder, agent, known)
    after = _shapes(folder, agent, newest)
    lines = difflib.unified_diff(before, after, f"{agent} {known}", f"{agent} {newest}", lineterm="", n=0)
    return [line for line in lines if not line.startswith("@@")]


def _shapes(folder: Path, agent: str, version: str) -> list[str]:
    files = (folder / "shapes").glob(f"{agent} {version} *.txt")
    return sorted({line for file in files for line in file.read_text(encoding="utf-8").splitlines()})


def issue(name: str, newest: str, known: str, failures: Sequence[tuple[str, str]], changes: Sequence[str]) -> str:
    """Returns the text of an issue, in which nothing that a client wrote is markup, a mention or a link."""
    rows = [f"- {code_span(row)}{f': {code_span(why)}' if why else ''}" for row, why in failures]
    changed = [line[:_LINE_CHARS] for line in changes[:_MOST_LINES]]
    cut = [f"… and {len(changes) - _MOST_LINES} more"] if len(changes) > _MOST_LINES else []
    return "\n".join(
        (
            f"{name} {newest} breaks {len(rows)} rows",
            "",
            f"`make test-agents` holds for {known}. With {newest} these rows fail:",
            "",
            *rows,
            "",
            f"What it writes, beside {known}:",
            "",
            fenced(safe("\n".join([*changed, *cut]) or "no field came or went"), "diff"),
            "",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
