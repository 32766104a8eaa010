"""Finds the command lines that run tests, and what they restrict the run to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NamedTuple

from carryover.text.pattern import later
from carryover.text.shell import SimpleCommand, script_of_shell, simple_commands

_RUNNERS = frozenset(
    "pytest py.test unittest nose2 tox nox jest vitest mocha ava rspec phpunit pest ctest bats prove nextest gotestsum"
    " ginkgo".split()
)
_TOOLS = frozenset(
    "npm yarn pnpm bun go cargo make gmake just task rake ninja invoke mage mvn mvnw mvnd gradle gradlew dotnet deno"
    " hatch pdm rails turbo nx lerna mix swift sbt lein flutter dart composer zig bazel stack cabal playwright cypress"
    " react-scripts ng manage.py meson setup.py".split()
)
"""Programs that run tests if one of their words asks for it."""
_ASKS = later(
    r":?(?:\w[\w-]*[:/-])*(?:tests?|specs?|e2e|unit|integration)(?:[:-]\w+)*|[\w:]*(?<!ompile)(?<=[a-z])Test|t"
)
_SCRIPT = later(r"(?:\S*/)?(?:(?:run|all)[-_.]?)*tests?(?:[-_.]\w+)*|(?:\S*/)?\w+_test\.(?:py|js)")
_INTERPRETER = later(r"python[\d.]*|py|pypy3?|node|ruby|perl|php|bash|sh")
_NAMES = frozenset(
    "grep rg ag cat ls find echo printf git gh cd mkdir rm cp mv ln touch head tail less more sed awk wc diff vim nano"
    " which whereis man type pip pip3 apt apt-get brew curl wget kill pkill pgrep ps tree stat chmod jq tee".split()
)
"""Programs whose words only name things."""
_RUNS_NOTHING = frozenset(
    "install add remove uninstall init --help -h --version --collect-only --co --fixtures --markers --no-run --list"
    " --listTests -DskipTests -DskipTests=true".split()
)
_SELECTS = frozenset(
    "-k --lf --last-failed --sw --deselect -t --testNamePattern -g --grep -run -bench --filter -F -w --workspace"
    " --package --test --lib --bin --doc --example -pl --projects --tests --test-name-pattern --only".split()
)
_MODULES = ("unittest", "manage.py")
_FOLDER = frozenset(("-C", "-s", "--prefix", "--cwd", "--directory", "--dir", "--project-dir", "--start-directory"))
_MENTION = later(
    r"test|spec|unit|tox|nox|jest|mocha|playwright|cypress|mvn|gradle|pest|make|check|verify|build|rake|bats|prove"
    r"|ginkgo|\bt\b"
)
_HARMLESS = {"cd", "pushd", "export", "source", ".", "set", "unset", "echo", "mkdir", "clear", "ulimit", "pwd", "date"}


class Invocation(NamedTuple):
    """One test run on a command line. `certain` is False for commands that run tests only in some projects (`make`,
    `npm run build`). `ends_well`: exit code 0 of the whole line means that this run passed; `ends_badly`: any other
    code means that it failed."""

    paths: tuple[str, ...] = ()
    selective: bool = False
    certain: bool = True
    ends_well: bool = True
    ends_badly: bool = True


def find_invocations(command: str) -> list[Invocation]:
    """Returns the test runs in a command line, in order. Mentioning a runner is not running it."""
    return [*_invocations(command)] if _MENTION.search(command) else []


@lru_cache(maxsize=16)  # a call and its result have the same command line
def _invocations(command: str) -> tuple[Invocation, ...]:
    commands = simple_commands(command)
    found: list[Invocation] = []
    folder = ""
    for index, simple in enumerate(commands):
        words = simple.words
        if words[0] in ("cd", "pushd"):
            folder = _joined(folder, words[1]) if len(words) > 1 else ""
            continue
        script = script_of_shell(words)
        for run in find_invocations(script) if script else [_invocation(words)]:
            if run is not None:
                paths = tuple(_joined(folder, path) for path in run.paths) or ((folder,) if folder else ())
                found.append(_with_ends(run._replace(paths=paths), commands, index))
    return tuple(found)


def _invocation(words: Sequence[str]) -> Invocation | None:
    """Returns the test run of one command, however many programs run each other in it (`uv run`)."""
    if (words[0] in ("test", "[") and len(words) > 1) or _RUNS_NOTHING.intersection(words):
        return None
    tool = ""
    perhaps = False
    for place, word in enumerate(words):
        name = re.sub(r"(?<=\w)@[\w.^~-]+$", "", PurePosixPath(word).name)
        if name in _NAMES:
            return None
        stem = PurePosixPath(name).stem
        before = PurePosixPath(words[place - 1]).name if place else ""
        if before in ("-x", "--exclude-task"):
            continue
        if {name, stem} & _RUNNERS or (tool and _ASKS.fullmatch(word)) or (before, word) == ("node", "--test"):
            return _restricted(tool or stem, word, words[:place], words[place + 1 :])
        if _SCRIPT.fullmatch(word) and "=" not in word:
            if "/" in word if not place else _INTERPRETER.fullmatch(before):
                return Invocation((word,) if place else ())
            perhaps = perhaps or "/" in word
        tool = tool or (name if name in _TOOLS else "")
    return Invocation(certain=False) if tool or perhaps else None


def _restricted(tool: str, target: str, before: Sequence[str], after: Sequence[str]) -> Invocation:
    options = (*before, *after)
    folder = next((value for option, value in pairwise(options) if option in _FOLDER), "")
    given = [_path(word, tool) for former, word in pairwise(("", *after)) if _may_be_path(word, former)]
    if tool.startswith("gradle") and ":" in target.strip(":"):
        given.append(target.strip(":").rpartition(":")[0].replace(":", "/"))
    chosen = {word.partition("=")[0] for word in options}
    part = any(
        re.search(r"::|#", word) or (tool in _MODULES and re.search(r"\.[A-Z]\w+\.\w+$", word)) for word in after
    )
    paths = tuple(_joined(folder, path) for path in given if path not in ("", ".", folder))
    whole = paths or ((folder,) if folder else ())
    return Invocation(whole, part or bool(_SELECTS & chosen) or ("-m" in after and tool == "pytest"))


def _may_be_path(word: str, former: str) -> bool:
    """Whether a word restricts the run: anything but options and their values, of which only paths are told apart."""
    if word.startswith("-") or "=" in word or word in ("run", "watch", "discover", "test"):
        return False
    return "/" in word or "." in word or not former.startswith("-") or former == "--"


def _path(word: str, tool: str) -> str:
    if tool in _MODULES and "/" not in word:
        return module_path(word) if "." in word or tool == "unittest" else word
    return re.sub(r"::.*|#.*|:\d[\d:]*$", "", word).removeprefix("./").removesuffix("...").rstrip("/")


def module_path(name: str) -> str:
    """Returns `tests/test_cart.py` for `tests.test_cart` and `tests.test_cart.CartTest.test_total`; else ''."""
    if name.endswith(".py"):
        return name
    parts = name.split(".")
    end = next((i for i, part in enumerate(parts) if part[:1].isupper() or part.startswith("_Failed")), len(parts))
    return "/".join(parts[:end]) + ".py" if end else ""


def _with_ends(run: Invocation, commands: list[SimpleCommand], index: int) -> Invocation:
    settings = [" ".join(c.words) for c in commands[:index] if c.words[0] == "set"]
    stops_at_error = any(re.search(r"-\w*e", setting) for setting in settings)
    if commands[index].words[0] == "!":
        return run._replace(ends_well=False, ends_badly=False)
    after = [c.then for c in commands[index:-1]]
    hidden = after[:1] == ["|"] and not any("pipefail" in setting for setting in settings)
    passes_on = {"&&", "|", *((";", "\n") if stops_at_error else ())}
    passed_on = not hidden and passes_on.issuperset(after)
    alone = not hidden and all(then == "|" for then in after) and commands[-1].then in ("", "\n", ";", ")")
    innocent = all(c.words[0] in _HARMLESS or (c.then in (";", "\n") and not stops_at_error) for c in commands[:index])
    return run._replace(
        ends_well=run.ends_well and passed_on and commands[-1].then != "&",
        ends_badly=run.ends_badly and alone and innocent,
    )


def _joined(folder: str, path: str) -> str:
    path = path.removeprefix("./").removesuffix("/")
    if path in ("", "."):
        return folder
    return str(PurePosixPath(folder, path)) if folder else path
