"""No regular expression relies on what Python 3.11.0 to 3.11.4 get wrong, which `requires-python` includes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COLLECT = """
import importlib, pkgutil, re, sys
from re._constants import ATOMIC_GROUP, POSSESSIVE_REPEAT

PACKAGE = sys.argv[1]
own, compile_pattern = {}, re._compiler.compile

def compile(pattern, flags=0):
    frame = sys._getframe(1)
    while frame.f_globals["__name__"] == "re":
        frame = frame.f_back
    if frame.f_globals["__name__"].partition(".")[0] == PACKAGE:  # what libraries do is theirs to get right
        own[pattern, int(flags)] = None
    return compile_pattern(pattern, flags)

def operations(tree):
    for operation, argument in tree:
        yield operation, argument
        for part in argument if isinstance(argument, (tuple, list)) else [argument]:
            for branch in part if isinstance(part, list) else [part]:
                if isinstance(branch, re._parser.SubPattern):
                    yield from operations(branch)

def is_risky(operation, argument):
    if operation is POSSESSIVE_REPEAT:
        return not re._compiler._simple(argument[2])
    return operation is ATOMIC_GROUP

re._compiler.compile = compile
package = importlib.import_module(PACKAGE)
for module in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
for pattern, flags in own:
    if any(is_risky(*found) for found in operations(re._parser.parse(pattern, flags))):
        print(repr(pattern))
print(len(own))
"""


def risky_patterns(package: str, path: Path | None = None) -> tuple[list[str], int]:
    """The package's own patterns that repeat a group possessively or hold an atomic group; the number looked at.

    Only patterns that are made when a module is imported are seen.
    """
    ran = subprocess.run(
        [sys.executable, "-c", COLLECT, package],
        env=os.environ | ({"PYTHONPATH": str(path)} if path else {}), capture_output=True, text=True, check=True,
    )  # fmt: skip
    *risky, looked_at = ran.stdout.splitlines()
    return risky, int(looked_at)


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Such a group keeps what its last, failed round has read (CPython gh-100061, gh-106052)."""
    risky, looked_at = risky_patterns("carryover")

    assert risky == []
    assert looked_at > 100


@pytest.mark.parametrize("pattern", ["(?:ab?c)++", "x(?:y(?:ab){1,3}+)?", "(?>ab?)c", "(?=(?:ab)*+)"])
def test_a_group_repeated_possessively_is_found(pattern: str, tmp_path: Path) -> None:
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").write_text(f"import re\nre.compile({pattern!r})\nre.compile('[ab]++c')\n")

    assert risky_patterns("toy", tmp_path) == ([repr(pattern)], 2)
