"""Plays a task: prepares its tree, starts the agent in a copy of it, and runs the hidden tests after it ended."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from carryover.distill.quotes import estimated_tokens
from quality.fetch import Missing, Origin, fetch, file_of
from quality.successor.environment import environment
from quality.successor.prompts import prompt_of, request_of, text_of
from quality.successor.results import Result
from quality.successor.seen import Seen, seen
from quality.successor.tasks import Task
from quality.successor.tree import begin, bring_tests, do_as_it_was_done, repository_of
from support.bounded_run import Ran, run

INSTALL_S: Final = 1200.0
TESTS_S: Final = 600.0
_NOT_PASSED: Final = frozenset({"failure", "error", "skipped"})


@dataclass(frozen=True, slots=True)
class Kit:
    """Where things are kept and come from. Everything is below `folder`, except for the sessions."""

    folder: Path
    sessions: Path
    origin: Origin
    keys: Sequence[str]
    """Names of the variables that the agent alone gets of the user's environment: tests are strangers' code."""
    tool_env: Sequence[str]
    """Names of those that installing and tests get, too: registries and proxies."""
    carryover: str
    """The version that makes the texts."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A task whose session and tree are there, with its dependencies installed."""

    task: Task
    session: Path
    git_dir: Path
    tree: Path


def prepared(kit: Kit, task: Task) -> Prepared:
    """Gets the session and the tree of a task, and installs what its tests need, once. Raises Missing."""
    for need in task.needs:
        if shutil.which(need) is None:
            raise Missing(f"it needs {need}")
    for why in fetch([task.session], kit.sessions, kit.origin).values():
        raise Missing(why)
    git_dir = repository_of(task, kit.folder, kit.origin)
    made_of = repr((task.before, task.without, task.install)).encode()
    tree = kit.folder / "prepared" / f"{task.name}-{hashlib.sha256(made_of).hexdigest()[:8]}"
    if not tree.is_dir():
        _make(kit, task, git_dir, tree)
    return Prepared(task, file_of(task.session, kit.sessions), git_dir, tree)


def _make(kit: Kit, task: Task, git_dir: Path, tree: Path) -> None:
    half = tree.with_name(f"{tree.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    for path in begin(task, git_dir, half):
        print(f"{task.name}: {path!r} can't be had, so it is left out", flush=True)
    if task.install:
        installed = run(task.install, half, _tools(kit), tree.with_name(f"{tree.name}.log"), INSTALL_S)
        if installed.status != 0:
            raise Missing(f"its dependencies can't be installed; {installed.log} says why")
    half.rename(tree)


def play(kit: Kit, ready: Prepared, arm: str, number: int, agent: str, minutes: float) -> Result:
    """Runs an agent on a task with what `arm` says of the session, and returns what came of it."""
    task = ready.task
    request = request_of(task, ready.session)
    text = text_of(arm, ready.session, task.until)
    folder = _fresh(kit.folder / "runs" / task.name / f"{arm}-{number}", ready)
    project, home, prompt = folder / "project", folder / "home", folder / "prompt.txt"
    prompt.write_text(prompt_of(request, text), encoding="utf-8")
    command = agent.replace("{prompt}", shlex.quote(str(prompt)))
    env = environment(home, [*kit.keys, *kit.tool_env])
    ran = run(command, project, env, folder / "agent.log", 60 * minutes, prompt)
    took = seen(home, project)
    passed = passed_tests(kit, ready, folder)
    return Result(
        task=task.name,
        arm=arm,
        run=number,
        agent=agent,
        carryover=kit.carryover,
        text_tokens=estimated_tokens(text),
        arrived=_arrived(took, request, text),
        passed=len(passed & set(task.wanted)),
        wanted=len(task.wanted),
        calls=len(took.calls) if took else None,
        looked_up=took.calls_naming(task.repository, task.after[:12]) if took else None,
        tokens=took.tokens if took else None,
        minutes=ran.seconds / 60,
        ended=_ended(ran),
    )


def proof(kit: Kit, ready: Prepared) -> tuple[frozenset[str], frozenset[str]]:
    """Returns the tests that pass if nothing is done, and those that pass if what was really done is done again."""
    folder = _fresh(kit.folder / "runs" / ready.task.name / "check", ready)
    nothing = passed_tests(kit, ready, folder)
    folder = _fresh(folder, ready)
    do_as_it_was_done(ready.task, ready.git_dir, folder / "project")
    return nothing, passed_tests(kit, ready, folder)


def passed_tests(kit: Kit, ready: Prepared, folder: Path) -> frozenset[str]:
    """Puts the hidden tests into the project, runs them and returns the names of those that pass."""
    for path in bring_tests(ready.task, ready.git_dir, folder / "project"):
        raise Missing(f"its test {path!r} can't be had")
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = ready.task.run.replace("{report}", shlex.quote(str(report)))
    run(command, folder / "project", _tools(kit), folder / "tests.log", TESTS_S)
    return _passed(report)


def _fresh(folder: Path, ready: Prepared) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    shutil.copytree(ready.tree, folder / "project", symlinks=True)
    return folder


def _tools(kit: Kit) -> dict[str, str]:
    return dict(environment(kit.folder / "tools-home", kit.tool_env))


def _passed(report: Path) -> frozenset[str]:
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return frozenset()
    return frozenset(_name(case) for case in cases if not {part.tag for part in case} & _NOT_PASSED)


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname') or case.get('file') or ''}::{case.get('name')}"


def _arrived(took: Seen | None, request: str, text: str) -> bool | None:
    if took is None:
        return None
    return took.was_given(request) and took.was_given(text)


def _ended(ran: Ran) -> str:
    return "time limit" if ran.status is None else f"exit {ran.status}"
