"""What a process forked from this one finds, whatever it does to itself; and the code that it is given there."""

from __future__ import annotations

import ast
import functools
import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final

import pytest

NO_END: Final = "no end"
CRASH: Final = "crash"
_MEMORY_BYTES: Final = 4 << 30


def found_in_fork(work: Callable[[], Any], limit_s: float) -> Any:
    """Returns what `work` returned in a forked process, as JSON keeps it; else how that ended, as a text."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        os.setsid()
        gc.unfreeze()  # what was frozen is in no list of objects, so no change would be put into it
        try:
            _be_quiet_and_bounded()
            found = work()
        except BaseException as error:  # whatever a mutant did
            found = type(error).__name__
        (_folder(os.getpid()) / "found").write_text(json.dumps(found), encoding="utf-8")
        os.write(write, b".")
        os._exit(0)
    os.close(write)
    is_over, _, _ = select.select([read], [], [], limit_s)
    has_found = bool(is_over) and os.read(read, 1) == b"."
    if not is_over:
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read)
    answer = json.loads((_folder(child) / "found").read_text(encoding="utf-8")) if has_found else None
    shutil.rmtree(_folder(child), ignore_errors=True)
    return answer if has_found else CRASH if is_over else NO_END


def use_own_folder(config: pytest.Config) -> None:
    """Lets the tests of this process leave files where no other process does."""
    config._tmp_path_factory._basetemp = _folder(os.getpid()) / "tests"  # type: ignore[attr-defined]


def put_in(path: str, program: ast.Module) -> bool:
    """Gives the functions of a file that are loaded the code of a program; returns whether one of them changed."""
    code = compile(program, path, "exec")
    by_place = {(each.co_qualname, each.co_firstlineno): each for each in _codes(code)}
    is_in = False
    for thing in gc.get_objects():
        if isinstance(thing, functools._lru_cache_wrapper):
            thing.cache_clear()
        elif isinstance(thing, FunctionType) and thing.__code__.co_filename == path:
            new = by_place.get((thing.__code__.co_qualname, thing.__code__.co_firstlineno))
            if new is not None and new.co_freevars == thing.__code__.co_freevars:
                is_in |= new != thing.__code__
                thing.__code__ = new
    return is_in


def clear_caches() -> None:
    """Forgets what functions remember of their answers."""
    for thing in gc.get_objects():
        if isinstance(thing, functools._lru_cache_wrapper):
            thing.cache_clear()


def following(items: Sequence[pytest.Item], number: int) -> pytest.Item | None:
    """Returns the item that follows, for which pytest keeps fixtures."""
    return items[number + 1] if number + 1 < len(items) else None


def _be_quiet_and_bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    (_folder(os.getpid()) / "tests").mkdir(parents=True)


def _folder(process: int) -> Path:
    return Path(os.environ.get("TMPDIR", "/tmp")) / f"carryover-mutant-{process}"


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
