"""What `install` and `refresh` share: ask, plan, write, start, wait, and say what was done."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args
from urllib.parse import urlencode

import msgspec

from carryover.cli.arguments import exit_code_help
from carryover.cli.context import state_dir
from carryover.cli.output import Progress, counted, print_json, print_lines
from carryover.config import ResumeMode, load_config
from carryover.daemon.client import ask_health, reload_daemon
from carryover.daemon.health import Health
from carryover.edits.apply import Applied
from carryover.edits.diff import diff
from carryover.edits.plan import Edit
from carryover.errors import ExitCode, UserError
from carryover.install.agent_settings import switched_off
from carryover.install.background import Background, bring_up, service_of_user
from carryover.install.detect import Detection
from carryover.install.how_installed import how_installed
from carryover.install.messages import Did, summary
from carryover.install.setup import Option, Setup, carry_out, options, outcome_for, plan_setup, waiting_for
from carryover.ledger.queries import agents_seen, connect_read_only, projects
from carryover.paths import StateDir, short_path

LOOK_EVERY_S: Final = 0.2
BUSY_ANSWER_S: Final = 10.0

End = Literal["done", "interrupted", "lost"]


class Held(msgspec.Struct, frozen=True):
    """What the ledger holds."""

    sessions: int
    projects: int


MODES: Final = get_args(ResumeMode)


NAMED_WITHIN_S: Final = 3.0
"""The daemon may still be reading everything else after that."""


def add_options(parser: argparse.ArgumentParser, *, examples: str) -> None:
    """The options and exit codes that install and refresh have in common."""
    codes = (
        ExitCode.OK,
        ExitCode.FAILED,
        ExitCode.USAGE,
        ExitCode.NOTHING_FOUND,
        ExitCode.REFUSED,
        ExitCode.INTERRUPTED,
    )
    parser.epilog = f"{examples}\n{exit_code_help(*codes)}"
    parser.add_argument("--yes", action="store_true", help="ask nothing: take the detected or last selected agents")
    parser.add_argument(
        "--agents",
        type=agent_ids,
        metavar="IDS",
        help="ask nothing: these agents, by id or another name, such as claude,codex",
    )
    parser.add_argument("--tools", dest="agents", type=agent_ids, help=argparse.SUPPRESS)  # its name before 0.2
    parser.add_argument(
        "--resume-mode", choices=MODES, help="how a new session learns about the last one (default: ask)"
    )
    parser.add_argument("--no-service", action="store_true", help="register and start nothing in the background")
    parser.add_argument("--dry-run", action="store_true", help="print the exact diff of every file; change nothing")
    parser.add_argument("--json", action="store_true", help="ask nothing, and print what was done as JSON")


def set_up(args: argparse.Namespace, *, installing: bool) -> int:
    """Run `install` (`installing`) or `refresh`; gives the exit code."""
    from carryover.agents import specs
    from carryover.install.detect import detect_all
    from carryover.install.machine import Machine
    from carryover.install.newly_covered import newly_covered

    state = state_dir()
    config = load_config(state.config)
    detections = detect_all(specs(), Machine.here(config.agents.recorded_env()))
    ask = not (args.yes or args.json or args.dry_run)
    new = newly_covered(detections, config.agents)
    asked = chosen(options(detections, config.agents.selected, installing=installing, new=new), args.agents, ask=ask)
    manager, program = service_of_user()
    with_service = not args.no_service and manager.available() is None
    setup = plan_setup(
        state,
        detections,
        asked,
        config=config,
        resume_mode=args.resume_mode,
        service=(manager, program) if with_service else None,
    )
    if args.dry_run:
        return _show(setup, asked, as_json=args.json)
    if not setup.selected and not setup.hooks and config.agents.selected is None:
        raise UserError(
            "No agent was chosen, so nothing was changed. Run `carryover install` again once you use one.",
            ExitCode.NOTHING_FOUND,
        )
    done = _carry_out(state, setup, asked, service=not args.no_service)
    if args.json:
        print_json(as_data(done))
    else:
        print_lines(lines_after(done, home=Path.home(), installing=installing))
    return _exit_code(done)


def _carry_out(state: StateDir, setup: Setup, asked: tuple[str, ...], *, service: bool) -> Done:
    applied = carry_out(setup, state)
    if applied[-1].outcome not in ("unchanged", "left alone"):
        reload_daemon(state)
    background = bring_up(state, service=service)
    if background.pid is not None:
        _name_this_project(state, setup)
    read = watch_first_read(state) if background.pid is not None else None
    return Done(setup, asked, applied, background, read, held_by(state) if read is not None else None)


def _name_this_project(state: StateDir, setup: Setup) -> None:
    """Tells the daemon of the project that the command runs in, if it holds sources that nothing else leads to."""
    from carryover.agents import adapters
    from carryover.cli.context import project_root
    from carryover.daemon.client import ask_daemon
    from carryover.ingest.in_projects import roots_in_projects

    with suppress(UserError, TimeoutError):
        root = project_root(None)
        if roots_in_projects([adapters()[agent] for agent in setup.selected], [Path(root)]):
            ask_daemon(state.socket, "POST", f"/settle?{urlencode({'root': root})}", timeout_s=NAMED_WITHIN_S)


def _show(setup: Setup, asked: tuple[str, ...], *, as_json: bool) -> int:
    if as_json:
        files = [{"path": str(edit.path), "diff": diff(edit), "problem": edit.problem} for edit in setup.shown]
        agents = _agents(setup, asked, (), setup.hooks)
        print_json({"dry_run": True, "selected": setup.selected, "agents": agents, "files": files})
    else:
        for line in dry_run_lines(setup, asked, home=Path.home()):
            print(line)
    return ExitCode.FAILED if any(edit.problem for edit in setup.shown) else ExitCode.OK


def as_data(done: Done) -> dict[str, Any]:
    """What was done, for `--json`."""
    import msgspec

    return {
        "changed": done.changed,
        "selected": done.setup.selected,
        "agents": _agents(done.setup, done.asked, done.applied, [entry.edit for entry in done.applied]),
        "files": [
            {"path": str(entry.edit.path), "why": entry.edit.change.what, "outcome": entry.outcome}
            | ({"problem": entry.problem} if entry.problem else {})
            for entry in done.applied
        ],
        "service": msgspec.to_builtins(done.background),
        "first_read": done.read,
        "held": msgspec.to_builtins(done.held),
    }


def _agents(
    setup: Setup, asked: tuple[str, ...], applied: tuple[Applied, ...], edits: Sequence[Edit]
) -> list[dict[str, Any]]:
    problems = {entry.edit.path: entry.problem for entry in applied}
    return [
        {
            "id": found.spec.id,
            "name": found.spec.name,
            "state": found.state,
            "selected": found.spec.id in asked,
            "binary": None if found.binary is None else os.fspath(found.binary),
            "version": found.version_text or None,
            "config": None if found.config is None else os.fspath(found.config),
            "roots": [os.fspath(root) for root in found.roots],
            "hooks": list(found.hook_set.events) if found.hook_set is not None else [],
            "to_review": list(waiting_for(found, edits, setup.script)) if found.spec.id in setup.selected else [],
            "lost_folder": None if found.lost_folder is None else os.fspath(found.lost_folder),
            "problem": (problems.get(found.config) if found.config is not None else None) or found.problem or None,
        }
        for found in setup.detections
    ]


def _exit_code(done: Done) -> ExitCode:
    return ExitCode.FAILED if done.failed else ExitCode.OK


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it all."""

    setup: Setup
    asked: tuple[str, ...]
    """What was ticked or named, whether it is here or not."""
    applied: tuple[Applied, ...]
    background: Background
    read: End | None
    """How the first reading of the past ended; None where there was none to watch."""
    held: Held | None
    """What the ledger holds after that."""

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return self.background.changed or any(done.outcome not in ("unchanged", "left alone") for done in self.applied)

    @property
    def failed(self) -> bool:
        """Whether something could not be done."""
        return bool(self.background.trouble) or any(done.problem for done in self.applied)


def agent_ids(text: str) -> tuple[str, ...]:
    """For argparse: ids or other names, such as `claude,codex`. Agents that are not named are deselected, so an unknown
    name is an error."""
    from carryover.agents import agent_id_of, specs
    from carryover.cli.agent_names import listed

    given = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    found = {name: agent_id_of(name) for name in given}
    unknown = [name for name, agent in found.items() if agent is None]
    problem = f"unknown: {', '.join(unknown)}" if unknown else ""
    if not given:
        problem = "no agent is named; `carryover uninstall` takes every agent's hooks out"
    if problem:
        raise argparse.ArgumentTypeError(f"{problem}. Nothing was changed. Supported are: {listed(specs())}.")
    return tuple(dict.fromkeys(agent for agent in found.values() if agent is not None))


def chosen(options: Sequence[Option], named: tuple[str, ...] | None, *, ask: bool) -> tuple[str, ...]:
    """The ids of the agents that are meant. `named`: from the command line. Waits for an answer only with `ask`."""
    if named is not None:
        return named
    if ask and can_ask():
        return pick(options)
    return tuple(option.id for option in options if option.ticked)


QUESTION: Final = "Which AI agents do you use?"
INSTRUCTION: Final = "(space to toggle, enter to confirm)"


def can_ask() -> bool:
    """Whether a person sits at a terminal: only then is anything asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def pick(options: Sequence[Option]) -> tuple[str, ...]:
    """The ids of what was ticked. Waits for the answer; raises KeyboardInterrupt on Ctrl-C."""
    import questionary  # takes longer to import than all the rest, and most calls ask nothing
    from questionary.prompts import common

    # It has no setting for the boxes.
    vars(common).update(INDICATOR_SELECTED="[x]", INDICATOR_UNSELECTED="[ ]")
    width = max(len(option.name) for option in options)
    rows = [questionary.Choice(_row(option, width), value=option.id, checked=option.ticked) for option in options]
    question = questionary.checkbox(QUESTION, rows, qmark="", instruction=INSTRUCTION)
    return tuple(question.unsafe_ask())


def _row(option: Option, width: int) -> str:
    return f"{option.name:<{width}}  {option.presence}"


TIPS: Final = (
    'In a new session say "let\'s start" or "continue": the agent tells you where the last one stopped.',
    'In a chat that is already open say "read .carryover/handoff.md".',
)

_READ: Final = {
    "done": "Everything that your agents wrote so far has been read.",
    "interrupted": "carryoverd keeps reading in the background; `carryover status` shows its progress.",
    "lost": "carryoverd stopped answering while it was reading; `carryover doctor` says why.",
}


def lines_after(done: Done, *, home: Path, installing: bool) -> Iterator[str]:
    """What was done. `installing`: for install, which ends with the tips."""
    if not installing and not done.changed and not done.failed:
        lost = any(found.lost_folder for found in _of(done.setup.detections, done.asked))
        yield "Nothing changed." if lost else "Nothing changed: hooks and settings are as they should be."
    yield from _agent_lines(done, home, installing=installing)
    yield from _removed_lines(done, home)
    for entry in done.applied:
        if entry.problem and entry.edit.change.agent is None:
            yield f"✗ {entry.problem}"
    yield from _background_lines(done.background)
    if done.read is not None:
        yield _READ[done.read]
    if done.held is not None:
        yield f"  {counted(done.held.sessions, 'session')} in {counted(done.held.projects, 'project')} so far."
    if installing:
        yield ""
        yield from TIPS


def dry_run_lines(setup: Setup, asked: tuple[str, ...], *, home: Path) -> Iterator[str]:
    """What would be done: the lines on each agent, then the diff of each file."""
    update = how_installed().update
    for found in _of(setup.detections, asked):
        edit = next((edit for edit in setup.hooks if edit.path == found.config), None)
        did: Did = "to be written" if edit is not None and edit.changes else "in place"
        waiting = waiting_for(found, setup.hooks, setup.script)
        failure = (edit and edit.problem) or ""
        yield from summary(
            found, home=home, update=update, did=did, failure=failure, waiting=waiting, off=_off(found, home)
        )
    for edit in setup.shown:
        if edit.problem is not None and edit.change.agent is None:
            yield f"✗ {edit.problem}"
        elif edit.changes:
            yield ""
            yield from diff(edit).splitlines()
    yield ""
    changes = any(edit.changes for edit in setup.shown)
    yield "Nothing was changed." if changes else "Nothing would change."


def _agent_lines(done: Done, home: Path, *, installing: bool) -> Iterator[str]:
    update = how_installed().update
    for found in _of(done.setup.detections, done.asked):
        did, failure = outcome_for(found, done.applied)
        # A refresh that changed nothing does not ask again; `doctor` does.
        asks = installing or did == "written"
        edits = (entry.edit for entry in done.applied)
        waiting = waiting_for(found, edits, done.setup.script) if asks else ()
        yield from summary(
            found, home=home, update=update, did=did, failure=failure, waiting=waiting, off=_off(found, home)
        )


def _off(found: Detection, home: Path) -> str:
    off = switched_off(found)
    return "" if off is None else f"`{off[0]}` in {short_path(off[1], home)}"


def _of(detections: Iterable[Detection], asked: tuple[str, ...]) -> list[Detection]:
    return [found for found in detections if found.spec.id in asked]


def _removed_lines(done: Done, home: Path) -> Iterator[str]:
    """The settings that lost our hooks: of an agent that was unticked, or at a place where they are no longer."""
    wanted = {found.config for found in _of(done.setup.detections, done.setup.selected)}
    for entry in done.applied:
        if entry.edit.change.agent is None or entry.edit.path in wanted:
            continue
        if entry.problem:
            yield f"✗ {entry.problem}"
        elif entry.outcome in ("changed", "removed"):
            removed = entry.edit.change.what.partition(" of ")[0].capitalize()
            yield f"✓ {removed} removed from {short_path(entry.edit.path, home)}"


def _background_lines(background: Background) -> Iterator[str]:
    if background.pid is not None:
        where = f", port {background.port} is its own" if background.port is not None else ""
        by = f" as a {background.kind} service" if background.wanted and background.kind != "none" else ""
        yield f"✓ carryoverd {background.version} runs{by} (process {background.pid}{where})"
    yield from (f"✗ {trouble}" for trouble in background.trouble)
    yield from (f"⚠ {warning}" for warning in background.warnings)
    yield from (f"  {hint}" for hint in background.hints)
    if background.plain:
        now, always = background.plain
        yield "  Start carryoverd now:"
        yield f"    {now}"
        yield "  Start it whenever you log in, by this line in your shell's profile (~/.profile):"
        yield f"    {always}"


def held_by(state: StateDir) -> Held | None:
    """None where there is no ledger that can be read."""
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            return Held(sum(row.sessions for row in agents_seen(db)), len(projects(db)))
    except (UserError, sqlite3.Error):
        return None


def watch_first_read(state: StateDir) -> End:
    """Shows on stderr how far the daemon is, until it has read all; Ctrl-C ends the watching and nothing else."""
    progress = Progress(sys.stderr)
    try:
        while True:
            health = ask_health(state, timeout_s=BUSY_ANSWER_S)
            if health is None:
                progress.clear()
                return "lost"
            if health.caught_up:
                progress.clear()
                return "done"
            progress.update(*how_far(health))
            time.sleep(LOOK_EVERY_S)
    except (TimeoutError, UserError):
        progress.clear()
        return "lost"
    except KeyboardInterrupt:
        progress.clear()
        return "interrupted"


def how_far(health: Health) -> tuple[float, str]:
    """The share that is read, and the words for it."""
    sources, waiting = health.sources, health.waiting_sources
    if health.last_sweep_ms is None:
        return 0.0, "looking for transcripts"
    if not sources or not waiting:
        return 1.0, "writing handoffs"
    read = max(0, sources - waiting)
    return read / sources, f"{read:,} of {counted(sources, 'transcript')} read, newest project first"
