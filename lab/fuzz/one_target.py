"""Runs one target in a process of its own: `python -m fuzz.one_target NAME FILE` checks one file.

`python -m fuzz.one_target NAME FOUND FLAG...` gives it bytes by Atheris, with libFuzzer's flags and folders, guided by
what they reach in `carryover`. Bytes that break the promise are made small and kept in the folder FOUND; that ends it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

from fuzz.found import MARK, keep, shrunk
from fuzz.mutation import crossed
from fuzz.target import Target, target

BROKEN: Final = 77  # as libFuzzer's for what it finds itself


def main() -> None:
    name, place, *flags = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True) as folder:
        if Path(place).is_dir():
            _fuzz(name, Path(place), flags, Path(folder))
        target(name).check(Path(place).read_bytes(), Path(folder))


def _fuzz(name: str, found: Path, flags: list[str], folder: Path) -> NoReturn:
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["carryover"]):  # until the end, since some modules are imported late
        tried = target(name)
        arguments = [os.environ["FUZZ_COMMAND"], *flags]
        atheris.Setup(arguments, _checked(tried, found, folder), custom_crossover=crossed)
        atheris.Fuzz()
    raise AssertionError("libFuzzer ends the process itself")


def _checked(tried: Target, found: Path, folder: Path) -> Callable[[bytes], None]:
    def check(data: bytes) -> None:
        try:
            tried.check(data, folder)
        except Exception as error:
            print(MARK, *traceback.format_exception(error), sep="", flush=True)
            print(keep(found, shrunk(data, lambda smaller: tried.check(smaller, folder), error)), flush=True)
            os._exit(BROKEN)

    return check


if __name__ == "__main__":
    main()
