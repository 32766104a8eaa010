"""Recognises test runners by the words of their command lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple


class Invocation(NamedTuple):
    """One test run on a command line. `runner` is None if only the output shows it (`make test`). `certain` is False
    for commands that run tests only in some projects (`make`, `mvn package`). `ends_well`: exit code 0 of the whole
    line means that this run passed; `ends_badly`: any other code means that it failed."""

    name: str
    runner: str | None = None
    paths: tuple[str, ...] = ()
    selective: bool = False
    certain: bool = True
    ends_well: bool = True
    ends_badly: bool = True


def recognise(words: Sequence[str]) -> Invocation | None:
    """Returns the test run that a command starts; None if it starts none. Expects wrappers (`uv run`) to be removed."""
    name, arguments = words[0], list(words[1:])
    if {"--help", "-h", "--version"} & set(arguments):
        return None
    if re.fullmatch(r"python[\d.]*|py|pypy3?", name):
        return _python(arguments)
    if recogniser := _RECOGNISERS.get(name):
        return recogniser(arguments)
    if words == ["test"]:  # `hatch run test`, `pdm run test`; the shell's own `test` has arguments
        return Invocation(name)
    if (sub := _SUBCOMMANDS.get(name)) and arguments and _SUBCOMMAND.fullmatch(arguments[0]):
        return Invocation(name, sub, paths(arguments[1:])) if sub != "-" else Invocation(name, None)
    return Invocation(stem(name), None, paths(arguments)) if _TEST_SCRIPT.fullmatch(name) else None


# Names of scripts and targets that run tests: `test`, `test:unit`, `run-tests`, `e2e`.
_TEST_NAME = re.compile(r"(?:.*[:\-_./])?(?:tests?|specs?|e2e|unit|integration|pytest|jest|vitest)(?:[:\-_.].*)?")
_TEST_SCRIPT = re.compile(
    r"(?:.*/)(?:run[-_.]?)?(?:all[-_.]?)?tests?(?:[-_.]\w+)*|(?:run[-_.]?)?tests?[-_\w]*\.(?:sh|py|js|rb)"
)
_SUBCOMMAND = re.compile(r"test|tests|spec|run|nextest")


_PYTEST_VALUED = frozenset(
    "-k -m -n -p -c -o -W -r --maxfail --tb --cov --cov-report --cov-config --timeout --durations --rootdir --junitxml"
    " --junit-xml --log-level --log-cli-level --ignore --deselect --basetemp --import-mode --dist".split()
)


def _pytest(arguments: Sequence[str]) -> Invocation | None:
    if has(arguments, "--collect-only", "--co", "--fixtures", "--markers", "--setup-plan"):
        return None
    targets = positionals(arguments, _PYTEST_VALUED)
    selective = any("::" in target for target in targets) or has(
        arguments, "-k", "-m", "--lf", "--last-failed", "--sw", "--stepwise", "--deselect", "--testmon"
    )
    return Invocation("pytest", "pytest", tuple(map(file_of, targets)), selective)


def _unittest(arguments: Sequence[str]) -> Invocation:
    names = positionals(arguments, ("-k", "-s", "-p", "-t", "--start-directory", "--pattern", "--settings"))
    if names[:1] == ["discover"]:
        start = value(arguments, "-s", "--start-directory") or next(iter(names[1:]), None)
        return Invocation("unittest", "unittest", (start,) if start else (), has(arguments, "-k", "-p", "--pattern"))
    modules = [module_path(name) for name in names]
    parts_of_modules = [m.count("/") < n.count(".") for m, n in zip(modules, names, strict=True) if m != n]
    selective = has(arguments, "-k") or "" in modules or any(parts_of_modules)
    return Invocation("unittest", "unittest", tuple(filter(None, modules)), selective)


def _django(arguments: Sequence[str]) -> Invocation:
    """Handles `manage.py test shop shop.tests.test_cart`: applications are folders."""
    run = _unittest(arguments)
    apps = [path if "/test" in path else path.removesuffix(".py") for path in run.paths]
    return run._replace(paths=tuple(apps))


def module_path(name: str) -> str:
    """Returns `tests/test_cart.py` for `tests.test_cart` and `tests.test_cart.CartTest.test_total`; else ''."""
    if name.endswith(".py"):
        return name
    parts = name.split(".")
    end = next((i for i, part in enumerate(parts) if part[:1].isupper() or part.startswith("_Failed")), len(parts))
    return "/".join(parts[:end]) + ".py" if end else ""


def _python(arguments: list[str]) -> Invocation | None:
    module = next((i for i, a in enumerate(arguments) if a == "-m"), None)
    script = positionals(arguments, ("-X", "-W", "-m", "-c"))[:1]
    if "-c" in arguments[: module if module is not None else 2]:
        return None
    if module is not None and module + 1 < len(arguments):
        name, rest = arguments[module + 1], arguments[module + 2 :]
        if name == "coverage" and rest[:1] == ["run"]:
            return _python(rest[1:])
        return (
            recognise([name, *rest]) if name in ("pytest", "unittest", "tox", "nox", "nose2", "pytest_watch") else None
        )
    if not script:
        return None
    after = arguments[arguments.index(script[0]) + 1 :]
    if stem(script[0]) == "manage":
        return _django(after[1:]) if after[:1] == ["test"] else None
    if script == ["setup.py"]:
        return Invocation("python", None) if "test" in after else None
    return Invocation("python", None, (script[0],)) if _TEST_NAME.fullmatch(stem(script[0])) else None


_JS_VALUED = frozenset(
    "-c --config -r --reporter --reporters --project --rootDir -w --maxWorkers --testTimeout -t --testNamePattern"
    " --env --environment --shard --require -g --grep --timeout --test-reporter --test-name-pattern".split()
)


def _javascript(runner: str) -> Callable[[Sequence[str]], Invocation | None]:
    def read(arguments: Sequence[str]) -> Invocation | None:
        if arguments[:1] in (["bench"], ["list"], ["init"], ["install"]) or has(arguments, "--listTests", "--init"):
            return None
        words = positionals(arguments, _JS_VALUED)
        targets = words[1:] if words[:1] in (["run"], ["watch"], ["dev"], ["related"], ["test"], ["spec"]) else words
        folder = value(arguments, "--dir")
        selective = has(
            arguments, "-t", "--testNamePattern", "-g", "--grep", "-o", "--onlyChanged", "--changed", "--lastCommit",
            "--test-name-pattern", "--onlyFailures",
        )  # fmt: skip
        return Invocation(runner, runner, tuple(map(file_of, targets)) or ((folder,) if folder else ()), selective)

    return read


def _with_test_command(runner: str) -> Callable[[Sequence[str]], Invocation | None]:
    def read(arguments: Sequence[str]) -> Invocation | None:
        return _javascript(runner)(arguments[1:]) if arguments[:1] in (["test"], ["run"]) else None

    return read


def _node(arguments: Sequence[str]) -> Invocation | None:
    if has(arguments, "--test"):
        return _javascript("node")([a for a in arguments if a != "--test"])
    script = positionals(arguments, ("-r", "--require", "--import", "--loader", "-e", "-p"))[:1]
    if not script or {"-e", "-p", "--eval"} & set(arguments):
        return None
    if (name := stem(script[0])) in _RECOGNISERS:  # node node_modules/jest/bin/jest.js
        return recognise([name, *arguments[arguments.index(script[0]) + 1 :]])
    return Invocation("node", None, (script[0],)) if _TEST_NAME.fullmatch(name) else None


def _package_script(tool: str) -> Callable[[Sequence[str]], Invocation | None]:
    """Handles npm, yarn, pnpm and bun: scripts of package.json, or a runner called through them."""

    def read(arguments: Sequence[str]) -> Invocation | None:
        folder = value(arguments, "--prefix", "-C", "--cwd", "--dir")
        valued = ("--prefix", "-C", "--cwd", "--dir", "-w", "--workspace", "--filter", "-F")
        words = positionals(arguments, valued)
        if words[:1] == ["workspace"]:
            words = words[2:]
        if words[:1] in (["run"], ["run-script"], ["exec"]):
            words = words[1:]
        elif tool == "bun" and words[:1] == ["test"]:
            return Invocation("bun", "bun", tuple(words[1:]), has(arguments, "-t", "--test-name-pattern"))
        if not words:
            return None
        rest = list(arguments[list(arguments).index(words[0]) + 1 :])
        if words[0] in _RECOGNISERS and words[0] not in ("make", "npm", "node"):
            return recognise([words[0], *rest])
        if not (_TEST_NAME.fullmatch(words[0]) or (tool == "npm" and words[0] in ("t", "tst"))):
            return None
        one_package = has(arguments, "-w", "--workspace", "--filter", "-F") or "workspace" in arguments[:1]
        selective = one_package or has(rest, "-t", "--testNamePattern", "-g", "--grep", "-k")
        targets = tuple(map(file_of, positionals(rest, _JS_VALUED)))
        return Invocation(tool, None, targets or ((folder,) if folder else ()), selective)

    return read


def _go(arguments: Sequence[str]) -> Invocation | None:
    folder = value(arguments, "-C")
    words = positionals(arguments, ("-C", *_GO_VALUED))
    if words[:1] != ["test"] or has(arguments, "-c", "-list", "-n"):
        return None
    packages = [word.removeprefix("./").removesuffix("...").removesuffix("/") for word in words[1:]]
    chosen = tuple(package for package in packages if package not in ("", "."))
    return Invocation("go", "go", chosen or ((folder,) if folder else ()), has(arguments, "-run", "-bench", "-skip"))


_GO_VALUED = frozenset(
    "-run -bench -skip -count -timeout -tags -cpu -p -parallel -coverprofile -covermode -coverpkg -o -exec".split()
)


def _cargo(arguments: Sequence[str]) -> Invocation | None:
    words = positionals(arguments, ("-p", "--package", "--test", "--bin", "--features", "-F", "--manifest-path", "-j"))
    words = [word for word in words if not word.startswith("+")]
    if words[:1] not in (["test"], ["t"], ["nextest"], ["llvm-cov"], ["tarpaulin"]) or has(
        arguments, "--no-run", "--list"
    ):
        return None
    names = words[2:] if words[0] == "nextest" else words[1:]
    target = value(arguments, "--test")
    selective = bool(names) or has(arguments, "-p", "--package", "--lib", "--bin", "--bins", "--doc", "--example")
    return Invocation("cargo", "cargo", (f"tests/{target}.rs",) if target else (), selective)


def _maven(arguments: Sequence[str]) -> Invocation | None:
    if any(re.match(r"-D(?:skipTests|maven\.test\.skip)(?:=true)?$", a) for a in arguments):
        return None
    goals = positionals(arguments, ("-pl", "--projects", "-f", "--file", "-P", "-T", "-s"))
    certain = any(re.search(r"^(?:test|verify|integration-test)$|surefire|failsafe", goal) for goal in goals)
    if not certain and not {"package", "install", "deploy"} & set(goals):
        return None
    chosen = next((a.removeprefix("-Dtest=") for a in arguments if a.startswith("-Dtest=")), "")
    module = value(arguments, "-pl", "--projects")
    classes = [part.partition("#")[0] for part in chosen.split(",") if part] or ([module] if module else [])
    return Invocation("mvn", "jvm", tuple(classes), "#" in chosen, certain)


def _gradle(arguments: Sequence[str]) -> Invocation | None:
    tasks = positionals(arguments, ("-x", "--exclude-task", "--tests", "-p", "--project-dir"))
    certain = [t for t in tasks if re.search(r"(?:^|:|[a-z])[tT]est$|^:?(?:\w+:)*check$", t) and "compile" not in t]
    if (not certain and not any(t.endswith("build") for t in tasks)) or value(arguments, "-x") == "test":
        return None
    chosen = value(arguments, "--tests")
    modules = [t.strip(":").rpartition(":")[0].replace(":", "/") for t in certain]
    targets = (chosen,) if chosen else tuple(module for module in modules if module)
    return Invocation("gradle", "jvm", targets, False, bool(certain))


def _targets(tool: str) -> Callable[[Sequence[str]], Invocation | None]:
    """Handles make and the like: a target named after tests is a test run; others run tests in some projects."""

    def read(arguments: Sequence[str]) -> Invocation | None:
        folder = value(arguments, "-C")
        targets = [t for t in positionals(arguments, ("-C", "-f", "-j", "-l")) if "=" not in t]
        if {"-n", "--dry-run", "--list", "-l"} & set(arguments):
            return None
        where = (folder,) if folder else ()
        if any(_TEST_NAME.fullmatch(target) for target in targets):
            return Invocation(tool, None, where)
        if not targets or {"check", "ci", "verify", "all", "build", "default", "qa"} & set(targets):
            return Invocation(tool, None, where, certain=False)
        return None

    return read


def _environments(tool: str) -> Callable[[Sequence[str]], Invocation | None]:
    def read(arguments: Sequence[str]) -> Invocation | None:
        if has(arguments, "-l", "--list", "--listenvs", "--notest", "--list-sessions"):
            return None
        own, _, passed_on = " ".join(arguments).partition(" -- ")
        environment = value(own.split(), "-e", "-s", "--session", "--sessions")
        certain = environment is None or re.search(r"py|test|unit|\d", environment) is not None
        return Invocation(tool, None, paths(passed_on.split()), certain=certain)

    return read


def _plain(runner: str) -> Callable[[Sequence[str]], Invocation | None]:
    def read(arguments: Sequence[str]) -> Invocation | None:
        selective = has(arguments, "-e", "--example", "--filter", "-R", "-k", "--tests-regex")
        return Invocation(runner, runner, paths(arguments), selective)

    return read


_RECOGNISERS: dict[str, Callable[[list[str]], Invocation | None]] = {
    "pytest": _pytest, "py.test": _pytest, "unittest": _unittest, "nose2": _unittest,
    **{name: _javascript(name) for name in ("jest", "vitest", "mocha", "ava")},
    **{name: _with_test_command(name) for name in ("playwright", "cypress", "react-scripts", "ng")},
    "node": _node, **{name: _package_script(name) for name in ("npm", "yarn", "pnpm", "bun")},
    "go": _go, "gotestsum": _plain("go"), "ginkgo": _plain("go"), "cargo": _cargo,
    **dict.fromkeys(("mvn", "mvnw", "mvnd"), _maven), "gradle": _gradle, "gradlew": _gradle,
    **{name: _targets(name) for name in ("make", "gmake", "just", "task", "rake", "ninja", "invoke", "mage")},
    "tox": _environments("tox"), "nox": _environments("nox"),
    **{name: _plain(name) for name in ("rspec", "phpunit", "pest", "ctest", "bats", "prove")},
}  # fmt: skip

# Tools with their own `test` command, and the form of their output (`-`: any).
_SUBCOMMANDS = {
    "dotnet": "dotnet", "deno": "deno", "hatch": "pytest", "rails": "minitest", "turbo": "-", "nx": "-", "lerna": "-",
    "mix": "-", "swift": "-", "sbt": "-", "lein": "-", "flutter": "-", "dart": "-", "composer": "-", "zig": "-",
    "bazel": "-", "stack": "-", "cabal": "-",
}  # fmt: skip


_PATH = re.compile(r".*/.*|.*\.\w{1,5}|[\w-]+\.\w+::.*")


def stem(path: str) -> str:
    """Returns the name of a file without its folder and its last suffix."""
    return PurePosixPath(path).stem


def positionals(arguments: Sequence[str], valued: Collection[str] = ()) -> list[str]:
    """Returns the arguments that are neither options nor values of the `valued` options."""
    found = []
    rest = iter(arguments)
    for argument in rest:
        if argument in valued:
            next(rest, None)
        elif not argument.startswith("-"):
            found.append(argument)
    return found


def value(arguments: Sequence[str], *options: str) -> str | None:
    """Returns the value of the first of `options` that is given, as `-o value` or `--option=value`."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in options:
            return value if equals else next(iter(arguments[index + 1 :]), None)
    return None


def has(arguments: Sequence[str], *options: str) -> bool:
    """Whether one of `options` is given, with a value or without."""
    return any(argument.partition("=")[0] in options for argument in arguments)


def paths(arguments: Sequence[str], valued: Collection[str] = ()) -> tuple[str, ...]:
    """Returns the files and folders among the arguments."""
    return tuple(file_of(word) for word in positionals(arguments, valued) if _PATH.fullmatch(word))


def file_of(word: str) -> str:
    """Returns the file of a test: `tests/test_x.py::test_y` and `spec/x_spec.rb:12` name one test of a file."""
    return re.sub(r"::.*|:\d[\d:]*$", "", word)
