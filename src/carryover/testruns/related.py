"""Tells which files a test run covers."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath

from carryover.testruns.run import TestOutcome, TestRun
from carryover.text.pattern import later

_FAMILIES = {
    **dict.fromkeys(("py", "pyi", "pyx"), "python"),
    **dict.fromkeys(("js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"), "javascript"),
    **dict.fromkeys(("java", "kt", "scala", "groovy"), "jvm"),
    **dict.fromkeys(("c", "cc", "cpp", "cxx", "h", "hh", "hpp"), "c"),
}
_MARKS = later(
    r"^(?:tests?[_\-.])|(?:[_\-.](?:tests?|spec|specs|unittest|e2e|integration))+$"
    r"|(?<=[a-z0-9])(?:Tests?|TestCase|Spec|IT|ITCase|IntegrationTest)$|^Test(?=[A-Z])"
)
_TEST_FOLDERS = {"test", "tests", "spec", "specs", "__tests__", "testing", "e2e"}
_LAYOUT = _TEST_FOLDERS | {
    *("src", "lib", "app", "main", "java", "kotlin", "unit", "integration", "functional", "cases", ".", "..", "/"),
}
_NAMELESS = {"__init__", "index", "mod", "lib", "main"}
"""Stems that stand for their folder."""


def related(test_path: str, source_path: str) -> bool:
    """Whether this test file plausibly tests that source: same language, same stem, folders that do not contradict.
    Examples are `cart.spec.tsx` and `cart.ts`, or `tests/cart/test_api.py` and `src/cart/api.py`. A file is never
    related to itself."""
    test = PurePosixPath(test_path)
    source = PurePosixPath(source_path)
    if _family(test) != _family(source) or not is_test(test_path) or is_test(source_path):
        return False
    first = _first_name(source)
    names = {first, source.parent.name} if first in _NAMELESS else {first}
    # The test may not be in a folder that mirrors another folder than the source's.
    mirrored = [part for part in test.parts[:-1] if part.casefold() not in _LAYOUT]
    near = not mirrored or mirrored[-1] in source.parts[:-1] or test.is_absolute() != source.is_absolute()
    return _plain(_bare_stem(test)) in map(_plain, names) and near


def is_test(path: str) -> bool:
    """Whether the path is a test file's, by its name or its folder."""
    tidy = PurePosixPath(path)
    return _bare_stem(tidy) != _first_name(tidy) or bool(_TEST_FOLDERS & set(tidy.parts[:-1]))


def verdict(run: TestRun, path: str) -> TestOutcome | None:
    """Returns the status of a file in a run; None if the run does not cover it. A run covers a file if the output names
    it, its package or a related test, or if the whole run passed and was not restricted to other files."""
    named = {outcome for name, outcome in run.files.items() if _speaks_of(name, path)}
    if "fail" in named:
        return "fail"
    if run.selective or run.status == "unknown":
        return None
    if named:
        return "pass"
    is_covered = not run.paths or any(_covers(given, path) for given in run.paths)
    is_left_out = any(_covers(given, path) for given in run.excluded)
    return "pass" if run.status == "pass" and is_covered and not is_left_out else None


@lru_cache(maxsize=4096)  # every handoff compares the same names and files
def _speaks_of(name: str, path: str) -> bool:
    """Whether a name as test runs print it (a path, a class of the JVM, a Go package) means that file."""
    tidy = name.replace("\\", "/").removeprefix("./")
    file = PurePosixPath(path)
    if _same(tidy, path) or related(tidy, path):
        return True
    if _family(file) == "jvm" and "/" not in tidy:
        as_path = tidy.partition("$")[0].replace(".", "/") + file.suffix
        return _same(as_path, path) or related(as_path, path)
    return file.suffix == ".go" and "." not in PurePosixPath(tidy).name and _same(str(file.parent), tidy)


@lru_cache(maxsize=4096)
def _covers(given: str, path: str) -> bool:
    """Whether a path on the command line includes that file: a folder of tests also covers what is around it."""
    tidy = given.replace("\\", "/").removeprefix("./").rstrip("/")
    if _speaks_of(tidy, path):
        return True
    folder = PurePosixPath(tidy)
    if folder.suffix:
        return False
    parts = [part for part in folder.parts if part != "/"]
    tests = next((place for place, part in enumerate(parts) if part in _TEST_FOLDERS), len(parts))
    mirrored = {part for part in parts[tests:] if part.casefold() not in _LAYOUT}
    begins = "/".join(("", *parts[:tests], ""))
    whole = f"/{path.lstrip('/')}"
    place = whole.find(begins)
    below = PurePosixPath(whole[place + len(begins) :])
    return place >= 0 and mirrored <= {*below.parts[:-1], _first_name(below)}  # `tests/search`: `app/search.py` too


def _same(one: str, other: str) -> bool:
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")


def _family(path: PurePosixPath) -> str:
    suffix = path.suffix.removeprefix(".").lower()
    return _FAMILIES.get(suffix, suffix)


def _first_name(path: PurePosixPath) -> str:
    """Returns `cart` for `cart.d.ts`, but `cart.test` for `cart.test.ts`."""
    return path.name.removesuffix(path.suffix).removesuffix(".d")


def _bare_stem(path: PurePosixPath) -> str:
    name = _first_name(path)
    return _MARKS.sub("", name) or name


def _plain(name: str) -> str:
    return re.sub(r"[_\-.]", "", name).casefold()
