"""Finds the command lines that run tests, with their runner and targets."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath

from carryover.distill.testruns.runners import Invocation, recognise
from carryover.distill.testruns.wrappers import unwrapped
from carryover.text.shell import SimpleCommand, script_of_shell, simple_commands

_MENTION = re.compile(
    r"test|spec|unit|tox|nox|jest|mocha|playwright|cypress|mvn|gradle|pest|make|check|verify|rake|bats|prove|ginkgo"
    r"|npm t\b"
)
_HARMLESS = {"cd", "pushd", "export", "source", ".", "set", "unset", "echo", "mkdir", "clear", "ulimit", "pwd", "date"}


def find_invocations(command: str) -> list[Invocation]:
    """Returns the test runs in a command line, in order. Mentioning a runner is not running it."""
    return [*_invocations(command)] if _MENTION.search(command) else []


@lru_cache(maxsize=16)  # a call and its result have the same command line
def _invocations(command: str) -> tuple[Invocation, ...]:
    commands = simple_commands(command)
    found: list[Invocation] = []
    folder = ""
    for index, simple in enumerate(commands):
        words, own_folder = unwrapped(simple.words)
        if not words:
            continue
        if words[0] in ("cd", "pushd"):
            folder = _joined(folder, words[1]) if len(words) > 1 else ""
            continue
        script = script_of_shell(words)
        inner = find_invocations(script) if script else [run for run in (recognise(words),) if run]
        place = _joined(folder, own_folder)
        found += [_with_ends(_in_folder(run, place), commands, index) for run in inner]
    return tuple(found)


def _with_ends(run: Invocation, commands: list[SimpleCommand], index: int) -> Invocation:
    settings = [" ".join(c.words) for c in commands[:index] if c.words[0] == "set"]
    stops_at_error = any(re.search(r"-\w*e", setting) for setting in settings)
    sees_pipes = any("pipefail" in setting for setting in settings)
    if commands[index].words[0] == "!":
        return run._replace(ends_well=False, ends_badly=False)
    after = [c.then for c in commands[index:-1]]
    passes_on = {"&&", *((";", "\n") if stops_at_error else ())}
    hidden = after[:1] == ["|"] and not sees_pipes
    passed_on = not hidden and all(then in passes_on or then == "|" for then in after)
    alone = not hidden and all(then == "|" for then in after) and commands[-1].then in ("", "\n", ";", ")")
    innocent = all(c.words[0] in _HARMLESS or (c.then in (";", "\n") and not stops_at_error) for c in commands[:index])
    return run._replace(
        ends_well=run.ends_well and passed_on and commands[-1].then != "&",
        ends_badly=run.ends_badly and alone and innocent,
    )


def _in_folder(run: Invocation, folder: str) -> Invocation:
    if not folder:
        return run
    return run._replace(paths=tuple(_joined(folder, path) for path in run.paths) or (folder,))


def _joined(folder: str, path: str) -> str:
    path = path.removeprefix("./").removesuffix("/")
    if path in ("", "."):
        return folder
    return str(PurePosixPath(folder, path)) if folder else path
