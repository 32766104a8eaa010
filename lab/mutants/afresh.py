"""Hollow functions in processes that load them from the start: what is called while modules load, or by a daemon."""

from __future__ import annotations

import ast
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mutants.hollow import hollowed, hollows_of
from support.clone import CHECKOUT, cloned

_PACKAGE: Final = Path("src") / "carryover"


def noticed_afresh(name: str, answers: Mapping[str, str], tests: Sequence[str]) -> dict[str, str]:
    """Returns for each answer of a hollow function whether the tests fail with it, in a clone with it in its file."""
    path = Path(name.partition(":")[0])
    source = (CHECKOUT / _PACKAGE / path).read_text(encoding="utf-8")
    found = {}
    with tempfile.TemporaryDirectory(prefix="carryover-afresh-") as folder:
        clone = cloned(Path(folder))
        for hollow in hollows_of(str(path), source):
            if hollow.name == name and hollow.returns in answers:
                (clone / _PACKAGE / path).write_text(ast.unparse(hollowed(source, hollow)), encoding="utf-8")
                found[hollow.returns] = _failing(clone, tests)
    return found


def _failing(clone: Path, tests: Sequence[str]) -> str:
    relative = [str(Path(each).relative_to(CHECKOUT)) for each in tests]
    command = [".venv/bin/python", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *relative]
    ran = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    # 1: a test failed; 2: a file of tests could not be loaded.
    return "a process that loads it" if ran.returncode in (1, 2) else ""
