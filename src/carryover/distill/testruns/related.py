"""Tells which files a test run covers."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath

from carryover.distill.digest import Outcome, TestRun

_FAMILIES = {
    **dict.fromkeys(("py", "pyi", "pyx"), "python"),
    **dict.fromkeys(("js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"), "javascript"),
    **dict.fromkeys(("java", "kt", "scala", "groovy"), "jvm"),
    **dict.fromkeys(("c", "cc", "cpp", "cxx", "h", "hh", "hpp"), "c"),
}
_MARKS = re.compile(
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
    `test_cart.py` and `cart.py`, `cart.spec.tsx` and `cart.ts`, `__tests__/cart.ts` and `cart.ts`, `CartTest.java` and
    `Cart.java`, `tests/cart/test_api.py` and `src/cart/api.py`. A file is never related to itself."""
    test, source = PurePosixPath(test_path), PurePosixPath(source_path)
    if _family(test) != _family(source) or not is_test(test_path) or is_test(source_path):
        return False
    stem = _bare_stem(test)
    names = {_plain(_first_name(source))}
    if _first_name(source) in _NAMELESS:
        names.add(_plain(source.parent.name))
    return _plain(stem) in names and not _elsewhere(test, source)


def is_test(path: str) -> bool:
    """Whether the path is a test file's, by its name or its folder."""
    tidy = PurePosixPath(path)
    return _bare_stem(tidy) != _first_name(tidy) or bool(_TEST_FOLDERS & set(tidy.parts[:-1]))


def verdict(run: TestRun, path: str) -> Outcome | None:
    """Returns the status of a file in a run; None if the run does not cover it. `path` is absolute or relative to the
    root. A run covers a file if the output names it, its package or a test related to it, or if the whole run passed
    and was not restricted to other files."""
    named = {outcome for name, outcome in run.files.items() if _speaks_of(name, path)}
    if "fail" in named:
        return "fail"
    if run.selective or run.status == "unknown":
        return None
    if named:
        return "pass"
    everything = not run.paths or any(_covers(given, path) for given in run.paths)
    return "pass" if run.status == "pass" and everything else None


@lru_cache(maxsize=4096)  # every handoff compares the same names and files
def _speaks_of(name: str, path: str) -> bool:
    """Whether a name as test runs print it (a path, `shop.CartTest`, `example.com/shop/cart`) means that file."""
    tidy = name.replace("\\", "/").removeprefix("./")
    return _same(tidy, path) or related(tidy, path) or _is_class_of(tidy, path) or _is_package_of(tidy, path)


@lru_cache(maxsize=4096)
def _covers(given: str, path: str) -> bool:
    """Whether a path on the command line includes that file. A folder of tests covers what is around it, and a folder
    below it the source folder of that name: `tests/jobs` covers `src/jobs/export.py`."""
    tidy = given.replace("\\", "/").removeprefix("./").rstrip("/")
    if _speaks_of(tidy, path):
        return True
    folder = PurePosixPath(tidy)
    if folder.suffix:
        return False
    around, mirrored = _around([part for part in folder.parts if part != "/"])
    begins, whole = "/".join(("", *around, "")), f"/{path.lstrip('/')}"
    place = whole.find(begins)
    return place >= 0 and set(mirrored) <= _names_in(PurePosixPath(whole[place + len(begins) :]))


def _names_in(path: PurePosixPath) -> set[str]:
    """Returns the names of a path's folders and its own: `tests/search` is about `app/search.py` too."""
    return {*path.parts[:-1], _first_name(path)}


def _around(parts: list[str]) -> tuple[list[str], list[str]]:
    """Returns the folders around a folder of tests, and those below it that are named like what they test."""
    tests = next((place for place, part in enumerate(parts) if part in _TEST_FOLDERS), len(parts))
    return parts[:tests], [part for part in parts[tests:] if part.casefold() not in _LAYOUT]


def _same(one: str, other: str) -> bool:
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")


def _is_class_of(name: str, path: str) -> bool:
    """Whether a class is in the file or tests it: `shop.CartTest` or `CartTest` for `src/main/java/shop/Cart.java`."""
    file = PurePosixPath(path)
    if _family(file) != "jvm" or "/" in name:
        return False
    as_path = name.partition("$")[0].replace(".", "/") + file.suffix
    return _same(as_path, path) or related(as_path, path)


def _is_package_of(name: str, path: str) -> bool:
    """Whether a Go package contains the file: `example.com/shop/cart` contains `cart/cart.go`."""
    file = PurePosixPath(path)
    return file.suffix == ".go" and "." not in PurePosixPath(name).name and _same(str(file.parent), name)


def _family(path: PurePosixPath) -> str:
    suffix = path.suffix.removeprefix(".").lower()
    return _FAMILIES.get(suffix, suffix)


def _first_name(path: PurePosixPath) -> str:
    """Returns `cart` for `cart.d.ts`, but `cart.test` for `cart.test.ts`."""
    return path.name.removesuffix(path.suffix).removesuffix(".d")


def _bare_stem(path: PurePosixPath) -> str:
    name = _first_name(path)
    bare = _MARKS.sub("", name)
    return bare or name


def _plain(name: str) -> str:
    return re.sub(r"[_\-.]", "", name).casefold()


def _elsewhere(test: PurePosixPath, source: PurePosixPath) -> bool:
    """Whether the test is in a folder that mirrors another folder than the source's."""
    if test.is_absolute() != source.is_absolute():
        return False
    mirrored = [part for part in test.parts[:-1] if part.casefold() not in _LAYOUT]
    return bool(mirrored) and mirrored[-1] not in source.parts[:-1]
