"""`make successor`: whether an agent carries a task on better for what it is told of the session before.

Each task is a public repository at the moment where a real session was cut, with tests that fail there and pass after
the commits that the session led to. The agent is started in that tree with the user's request and, in each arm, with
something else of the session; after it ended, the tests are brought and run. docs/successor.md says what this shows.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

import carryover
from quality.fetch import Missing, Origin, sessions_folder
from quality.manifest import read as read_sessions
from quality.successor.kit import Kit, play, prepared, proof
from quality.successor.prompts import ARMS, USUAL
from quality.successor.results import keep, kept, report
from quality.successor.tasks import Task, TaskError, read

_CHECKOUT: Final = Path(__file__).parents[3]


def main() -> int:
    options = _parser().parse_args()
    tasks = read({session.sha256: session for session in read_sessions()})
    unknown = set(options.tasks) - {task.name for task in tasks} | set(options.arms) - set(ARMS)
    if unknown:
        print(f"There is no {', '.join(sorted(unknown))}; `make successor LIST=1` prints the tasks and arms.")
        return 2
    chosen = [task for task in tasks if not options.tasks or task.name in options.tasks]
    if options.list or not (options.agent or options.check):
        print(_list(chosen))
        return 0
    # The user's own settings must not change what the texts say.
    os.environ["CARRYOVER_HOME"] = str(options.folder / "carryover")
    kit = Kit(
        options.folder, options.sessions, Origin(mirrors=options.mirrors), options.env, options.tool_env, _version()
    )
    kit.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if options.check:
        return _check(kit, chosen)
    return measure(kit, chosen, options.arms or USUAL, options.agent, runs=options.runs, minutes=options.minutes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make successor", description=__doc__, allow_abbrev=False)
    folder = user_cache_path("carryover-development", appauthor=False) / "successor"
    agent = "starts the agent; it finds the prompt on standard input, and in the file that {prompt} stands for"
    names = "variables of your environment that the agent gets, such as its key"
    tool_names = "those that installing and tests get, too, such as a proxy"
    check = "without an agent: run the tests with nothing done, and with what was really done"
    mirrors = "take repositories from bare mirrors named OWNER+NAME"
    parser.add_argument("--agent", metavar="COMMAND", help=agent)
    parser.add_argument("--arms", metavar="ARM[,ARM]", type=_names, default=(), help=f"default: {','.join(USUAL)}")
    parser.add_argument("--tasks", metavar="TASK[,TASK]", type=_names, default=(), help="default: all")
    parser.add_argument("--env", metavar="NAME[,NAME]", type=_names, default=(), help=names)
    parser.add_argument("--tool-env", metavar="NAME[,NAME]", type=_names, default=(), help=tool_names)
    parser.add_argument("--runs", type=int, metavar="N", default=1, help="of each task and arm (default: %(default)s)")
    parser.add_argument("--minutes", type=float, metavar="N", default=30, help="for a run (default: %(default)s)")
    parser.add_argument("--mirrors", type=Path, metavar="DIR", help=mirrors)
    parser.add_argument("--sessions", type=Path, metavar="DIR", default=sessions_folder(), help="default: %(default)s")
    parser.add_argument("--folder", type=Path, metavar="DIR", default=folder, help="default: %(default)s")
    parser.add_argument("--check", action="store_true", help=check)
    parser.add_argument("--list", action="store_true", help="print the tasks and arms")
    return parser


def _names(value: str) -> tuple[str, ...]:
    return tuple(value.replace(",", " ").split())


def _list(tasks: Sequence[Task]) -> str:
    lines = []
    for task in tasks:
        lines.append(
            f"{task.name:<20} {task.repository} {task.after[:8]}, {len(task.wanted)} tests, {task.session.agent}"
        )
        if task.needs:
            lines.append(f"{'':<20} needs {', '.join(task.needs)}")
        if task.weak:
            lines.append(f"{'':<20} weak: {task.weak}")
    return "\n".join([*lines, f"arms: {', '.join(ARMS)}"])


def measure(kit: Kit, tasks: Sequence[Task], arms: Sequence[str], agent: str, *, runs: int, minutes: float) -> int:
    """Plays what has no result yet, prints the report, and returns the exit code."""
    file = kit.folder / "results.jsonl"
    left_out = 0
    for task in tasks:
        try:
            _play_task(kit, task, arms, agent, runs, minutes, file)
        except (Missing, TaskError) as error:
            left_out += 1
            print(f"{task.name} is left out: {error}", flush=True)
    names = {task.name for task in tasks}
    all_kept = [each for each in kept(file) if (each.agent, each.carryover) == (agent, kit.carryover)]
    print(f"\nCarryover {kit.carryover}; agent: {agent}; results in {file}\n")
    print(report([each for each in all_kept if each.task in names and each.run <= runs], arms))
    return 1 if left_out else 0


def _play_task(kit: Kit, task: Task, arms: Sequence[str], agent: str, runs: int, minutes: float, file: Path) -> None:
    done = {result.key for result in kept(file)}
    wanted = [(arm, number) for number in range(1, runs + 1) for arm in arms]
    missing = [each for each in wanted if (kit.carryover, agent, task.name, each[1], each[0]) not in done]
    if not missing:
        return
    ready = prepared(kit, task)
    for arm, number in missing:
        result = play(kit, ready, arm, number, agent, minutes)
        keep(file, result)
        said = "" if result.counts else ", no result: its text is not known to have arrived"
        print(f"{task.name} {arm} {number}: {result.passed} of {result.wanted}, {result.ended}{said}", flush=True)


def _check(kit: Kit, tasks: Sequence[Task]) -> int:
    wrong = 0
    for task in tasks:
        try:
            nothing, done = proof(kit, prepared(kit, task))
        except Missing as error:
            wrong += 1
            print(f"{task.name} is left out: {error}", flush=True)
            continue
        wanted = set(task.wanted)
        held = not nothing & wanted and wanted <= done
        wrong += not held
        figures = f"{len(nothing & wanted)} of {len(wanted)} pass before, {len(done & wanted)} as it was done"
        print(f"{task.name}: {figures}{'' if held else ', which is WRONG'}", flush=True)
        for name in sorted(done - nothing - wanted):
            print(f"  not in wanted: {name!r}", flush=True)
    return 1 if wrong else 0


def _version() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=_CHECKOUT, capture_output=True, text=True, check=False
    )
    return f"{carryover.__version__} {described.stdout.strip()}".strip()


if __name__ == "__main__":
    sys.exit(main())
