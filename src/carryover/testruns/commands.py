"""Finds the command lines that run tests, and the files to which they restrict the run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NamedTuple

from carryover.text.looking import is_looking
from carryover.text.pattern import later
from carryover.text.shell import Command, commands, from_folder, script_of_shell

_RUNNERS = frozenset(
    "pytest py.test unittest nose2 tox nox jest vitest mocha ava rspec phpunit pest ctest bats prove nextest gotestsum"
    " ginkgo".split()
)
_TOOLS = frozenset(
    "npm yarn pnpm bun go cargo make gmake just task rake ninja invoke mage mvn mvnw mvnd gradle gradlew dotnet deno"
    " hatch pdm rails turbo nx lerna mix swift sbt lein flutter dart composer zig bazel stack cabal playwright cypress"
    " react-scripts ng manage.py meson setup.py mise".split()
)
"""Programs that run tests if one of their words asks for it."""
_ASKS = later(
    r":?(?:\w(?:[\w-]|[:/](?=\w))*[:/-])?(?:tests?|specs?|e2e|unit|integration)(?:[:-]\w+)*"
    r"|[\w:]*(?<!ompile)(?<=[a-z])Test|t"
)
_VERSION = later(r"(?<=\w)@[\w.^~-]+$")
_ONE_TEST = later(r"::|#")
_TEST_OF_CLASS = later(r"\.[A-Z]\w+\.\w+$")
_SCRIPT = later(r"(?:\S*/)?(?:(?:run|all)[-_.]?)*tests?(?:[-_.]\w+(?:[-.]\w+)*)?|(?:\S*/)?\w+_test\.(?:py|js)", re.I)
_INTERPRETER = later(r"(?:python[\d.]*|py|pypy3?|node|ruby|perl|php|bash|sh)(?:\.exe)?")
_OF_WINDOWS = later(
    r"""\"(?![A-Za-z]:\\|\.{1,2}\\)[^"]*\"|'(?![A-Za-z]:\\|\.{1,2}\\)[^']*'"""
    r"""|(?<=[\w.:%)}])(?P<between>\\)(?=[\w@]|\.\.\\|\.[\w-]{1,40}\\\w)"""
)
"""A backslash between the names of a path, outside of quotes that begin with none: those hold patterns, as `"x\\d"`
does. `a\\.test\\.ts` escapes dots, and `a\\.bin\\b` has a hidden folder."""
_SETTINGS = (".ini", ".cfg", ".toml", ".xml", ".json", ".yml", ".yaml")
"""Endings of files that only have the name of a runner."""
_NAMES = frozenset(
    "grep rg ag cat ls find echo printf git gh cd mkdir rm cp mv ln touch head tail less more sed awk wc diff vim nano"
    " which whereis man type pip pip3 apt apt-get brew curl wget kill pkill pgrep ps tree stat chmod jq tee"
    " pushd popd Set-Location Push-Location Pop-Location".split()
)
"""Programs whose words only name things."""
_RUNS_NOTHING = frozenset(
    "install add remove uninstall init --help -h --version --collect-only --co --fixtures --markers --no-run --list"
    " --listTests -DskipTests -DskipTests=true".split()
)
_SELECTS = frozenset(
    "-k --lf --last-failed --sw --stepwise --deselect -t --testNamePattern --testPathPattern --testPathPatterns -g"
    " --grep --fgrep -run -skip -bench --test --lib --bin --doc --example --test-name-pattern --only --only-failures"
    " --failed --tag --group --testsuite --name --plain-name --focus --label-filter".split()
)
_SELECTS_PART = frozenset(
    "--filter -F -w --workspace --scope --package -pl --projects --tests -Dtest -Dit.test -Dgroups".split()
)
"""The same, also before the word that asks for tests, where others belong to other programs: `uv run --group dev`."""
_SELECTS_BY = {
    "-p": ["cargo"],
    "-E": ["cargo", "ctest"],
    "-R": ["ctest"],
    "-L": ["ctest"],
    "-e": ["rspec"],
    "-m": ["pytest"],
}
"""The same as `_SELECTS` for options that mean something else to other runners."""
_NOT_RUN = frozenset(
    "--ignore --ignore-glob --deselect -k -t -g --grep -run --config --config-file --conf --configuration --settings"
    " --override-ini --rootdir --basetemp --env-file --manifest-path --target-dir -outputdir --bootstrap --preload"
    " --require --import --project --timeout --junitxml --junit-xml --log-file --log-junit --html --json-report-file"
    " --cov --cov-config --cov-report --coverage-html --coverage-clover --coverage-xml -coverprofile -coverpkg"
    " -cpuprofile -memprofile -blockprofile -mutexprofile -trace --reporter --outputFile --output-file --output --out"
    " --logger --results-directory".split()
)
"""Options before a value that is not what is run: settings, reports, names of tests, what is left out or measured."""
_NOT_RUN_BY = {
    "-c": "pytest py.test jest vitest phpunit pest playwright deno".split(),
    "-o": "pytest py.test go".split(),
    "-r": "mocha rspec".split(),
    "-s": ["dotnet"],
    "-f": ["mvn", "mvnw"],
}
"""The same for options that take no value from other runners."""
_MODULES = ("unittest", "manage.py")
_FOLDER = frozenset("-C --prefix --cwd --directory --dir --project-dir --start-directory --manifest-path".split())
"""Options before the folder whose tests are run, or before its `_MANIFEST`."""
_MANIFEST = later(r"(?:\A|(?<=/))(?:Cargo\.toml|[\w.-]+\.xml)\Z")
_MENTION = later(
    r"test|spec|unit|tox|nox|jest|mocha|playwright|cypress|mvn|gradle|pest|make|check|verify|build|rake|bats|prove"
    r"|ginkgo|commit|push|t(?<!\wt)\b"
)
"""In small letters. As each choice begins with a letter, and case matters, it is found eight times as fast."""
_ANY_TEST = later(r"\*?_?tests?_?\*?(?:\.py)?|\*(?:\.py)?")
"""How unittest calls all test files; any other pattern restricts the run."""
_READS_ALL = {"tail", "head", "cat", "tee", "sort"}
_HARMLESS = {"cd", "pushd", "export", "source", ".", "set", "unset", "echo", "mkdir", "clear", "ulimit", "pwd", "date"}
_SETS_UP = later(
    r"(?:cd|pushd|popd|(?:Set|Push|Pop)-Location|export|source|\.|eval|set|unset|conda activate|nvm use)(?: |\Z)"
    r"|\$env:\w+ ?=|(?P<variable>[A-Za-z_]\w*)=(?:[^\s\"']+|\"[^\"]*\"|'[^']*'|\$\(.*\))\Z"
)
"""Commands that change what the tests find, and variables that they may be given."""
_USED = later(r"\b\w+\b(?!=)")


class Invocation(NamedTuple):
    """One test run on a command line. `certain` is False for commands that run tests only in some projects (`make`,
    `npm run build`), in a branch of an `if`, and for unknown programs that are asked to test (`npx hardhat test`).
    `ends_well`: exit code 0 of the whole line means that this run passed; `ends_badly`: any other code means that it
    failed; `needs_others`: any other code means that it never began, since its own is hidden by what reads its output
    to the end."""

    paths: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    selective: bool = False
    certain: bool = True
    ends_well: bool = True
    ends_badly: bool = True
    needs_others: bool = False


def find_invocations(command: str) -> list[Invocation]:
    """Returns the test runs in a command line, in order. Mentioning a runner, or looking for test files, is not running
    it."""
    found = _found_invocations(_with_slashes(command)) if _MENTION.search(command.lower()) else []
    # One that is certain stands behind a pipe: `echo y | npm test`.
    return [] if found and not any(run.certain for run in found) and is_looking(command) else found


def part_with_tests(command: str) -> str:
    """Returns what of a command line runs tests, with what sets the shell up for it; all of the line if nothing does,
    or if it has groups, loops or jobs, of which a part would say something else. What only may run tests, as `make`
    may, counts if nothing certainly does; but a here-document would be missing in what else may, a commit."""
    steps = commands(command)
    if any(step.depth or step.words[:1] == ("for",) for step in steps):
        return command
    parts = [" ".join(step.written).removesuffix(" }") for step in steps]
    found = {at: runs for at, part in enumerate(parts) if (runs := find_invocations(part))}
    certain = [at for at, runs in found.items() if any(run.certain for run in runs)]
    ran = frozenset(certain or (() if "<<" in command else found))
    last = max(ran, default=-1)
    kept = [part for at, part in enumerate(parts) if at in ran or (at < last and _SETS_UP.match(part))]
    used = {None, *_USED.findall(" ".join(kept))}
    settings = ((_SETS_UP.match(part), part) for part in kept)
    return "; ".join(part for setting, part in settings if setting is None or setting["variable"] in used) or command


def _with_slashes(command: str) -> str:
    return _OF_WINDOWS.sub(lambda found: "/" if found["between"] else found[0], command) if "\\" in command else command


def _found_invocations(command: str) -> list[Invocation]:
    steps = [step for step in commands(command) if step.words]
    found: list[Invocation] = []
    choices = 0
    for index, step in enumerate(steps):
        choices += step.before.count("then") - (step.words[0] == "fi")
        script = script_of_shell(step.words)
        if script:
            runs = find_invocations(script)
        else:
            run = _invocation(step.words, step.folder)
            runs = [run] if run is not None else []
        runs = [run._replace(certain=False) for run in runs] if choices > 0 else runs
        found += [_with_ends(_below(step.folder, run), steps, index) for run in runs]
    return found


def _below(folder: str, run: Invocation) -> Invocation:
    """Returns the run as made in `folder`, all of which it tests if it names no paths."""
    paths = run.paths or (("",) if folder else ())
    return run._replace(
        paths=tuple(from_folder(folder, path) for path in paths),
        excluded=tuple(from_folder(folder, path) for path in run.excluded),
    )


def _invocation(words: Sequence[str], folder: str) -> Invocation | None:
    """Returns the test run of one command in `folder`, even if other programs start it (`uv run`); None if there is
    none."""
    if words[0] in ("test", "[") or _RUNS_NOTHING.intersection(words):
        return None
    tool = ""
    asked = 0
    perhaps = False
    for place, word in enumerate(words):
        name = _VERSION.sub("", _name_of(word))
        if name == "git" and {"commit", "push"} & {*words}:  # a hook may run tests before them
            return Invocation(certain=False, ends_well=False, ends_badly=False)
        if name in _NAMES:
            return None
        stem = name if "." not in name or name.endswith(_SETTINGS) else PurePosixPath(name).stem
        before = _name_of(words[place - 1]) if place else ""
        if before in ("-x", "--exclude-task"):
            continue
        asks_tool = tool != "" and _ASKS.fullmatch(word) is not None
        if {name, stem} & _RUNNERS or asks_tool or (before, word) == ("node", "--test"):
            return _restricted(tool or stem, word, words[:place], words[place + 1 :])
        if _SCRIPT.fullmatch(word) and "=" not in word and not from_folder(folder, word).startswith("/tmp/"):
            if place == 0 and "/" in word:
                return Invocation()
            if place > 0 and _INTERPRETER.fullmatch(before):
                return Invocation((word,))
            perhaps = perhaps or "/" in word
        if word == "test" and before and not before.startswith("-"):
            asked = place
        if tool == "" and name in _TOOLS:
            tool = name
    if asked:
        run = _restricted(_name_of(words[asked - 1]), words[asked], words[:asked], words[asked + 1 :])
        return run._replace(certain=False)
    return Invocation(certain=False) if tool or perhaps else None


def _name_of(path: str) -> str:
    return PurePosixPath(path).name if "/" in path or path == "." else path


def _restricted(tool: str, target: str, before: Sequence[str], after: Sequence[str]) -> Invocation:
    options = [*_parted(before), *_parted(after)]
    in_folder = _FOLDER | {"-s" if tool == "unittest" else "-f" if tool.startswith("mvn") else ""}
    folder = _MANIFEST.sub("", next((value for option, value in pairwise(options) if option in in_folder), ""))
    if before and before[-1] == "--with":  # `uv run --with pytest pytest` brings the runner with it
        after = after[after.index(target) + 1 :] if target in after else after
    given = [_path(word, tool) for former, word in pairwise(("", *after)) if _may_be_path(word, former, tool)]
    if tool.startswith("gradle") and ":" in target.strip(":"):
        given.append(target.strip(":").rpartition(":")[0].replace(":", "/"))
    paths = tuple(from_folder(folder, path) for path in given if path not in ("", ".", folder))
    if folder and not paths:
        paths = (folder,)
    excluded = tuple(
        from_folder(folder, _path(word.removeprefix("--ignore="), tool))
        for former, word in pairwise(("", *after))
        if former == "--ignore" or word.startswith("--ignore=")
    )
    names_tests = any(_is_part_of_file(word, tool) for word in after)
    of_all = {"--workspace"} if tool == "cargo" else set()
    selects = not (_SELECTS.isdisjoint(_parted(after)) and _SELECTS_PART.isdisjoint({*options} - of_all))
    selects = selects or any(tool in _SELECTS_BY.get(word, ()) for word in after)
    return Invocation(paths, excluded, names_tests or selects or ("yarn", "workspace") in pairwise(before))


def _parted(words: Sequence[str]) -> list[str]:
    """Returns the words, each option apart from its value."""
    return [part for word in words for part in (word.split("=", 1) if word[:1] == "-" else (word,))]


def _is_part_of_file(word: str, tool: str) -> bool:
    """Whether a word names some tests of a file."""
    in_module = tool in _MODULES and _TEST_OF_CLASS.search(word) is not None
    return in_module or _ONE_TEST.search(word) is not None


def _may_be_path(word: str, former: str, tool: str) -> bool:
    """Whether a word restricts the run: anything but options and their values, of which only paths are told apart."""
    if word.startswith("-") or "=" in word or word in ("run", "watch", "discover", "test", "}"):
        return False
    if former in _NOT_RUN or tool in _NOT_RUN_BY.get(former, ()):
        return False
    if former in ("-p", "--pattern") and _ANY_TEST.fullmatch(word):
        return False  # unittest: how test files are called, wherever they are
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


def _with_ends(run: Invocation, steps: Sequence[Command], index: int) -> Invocation:
    """Returns the run of the command at `index` with what the exit code of the whole line says about it."""
    if "!" in steps[index].before:
        return run._replace(ends_well=False, ends_badly=False)
    before = steps[:index]
    last = steps[-1]
    settings = [" ".join(one.words) for one in before if one.words[0] == "set"]
    stops_at_error = any(re.search(r"-\w*e", setting) for setting in settings)
    after = [one.then for one in steps[index:-1]]
    hidden = after[:1] == ["|"] and not any("pipefail" in setting for setting in settings)
    passes_on = {"&&", "|", ";", "\n"} if stops_at_error else {"&&", "|"}
    passed_on = not hidden and passes_on.issuperset(after)
    alone = not hidden and all(then == "|" for then in after) and last.then in ("", "\n", ";", ")")
    goes_on = () if stops_at_error else (";", "\n")
    innocent = all(one.words[0] in _HARMLESS or one.then in goes_on for one in before)
    is_read = hidden and after.count("|") == len(after) and last.words[0] in _READS_ALL and last.then == ""
    return run._replace(
        ends_well=run.ends_well and passed_on and last.then != "&",
        ends_badly=run.ends_badly and alone and innocent,
        needs_others=is_read and bool(before) and {"&&", "|"}.issuperset(one.then for one in before),
    )
