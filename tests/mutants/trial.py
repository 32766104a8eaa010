"""A plugin of pytest: instead of running the tests once, it runs them against one mutant after the other.

Each is tried in a process forked after the tests were collected, so that nothing is imported anew. `MUTANTS` names the
file with what to try, and where the outcomes go; a run that was ended goes on with the next one.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import random
import resource
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import Final

import pytest
from _pytest.runner import runtestprotocol

from mutants.change import Mutant, changed, mutants_of

MOST_S: Final = 60
"""How long the tests of a mutant may take; one for which they do not end is noticed."""
NOT_PUT_IN: Final = "not put in"
"""Instead of an outcome: the function was not loaded, or is one of a kind whose code can't be replaced."""
_MEMORY_BYTES: Final = 4 << 30


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    asked = json.loads(os.environ["MUTANTS"])
    source = Path(asked["source"])
    outcomes = Path(asked["outcomes"])
    files = sorted((source / asked["room"]).rglob("*.py"))
    for file in files:
        import_module(_module_of(file, source))
    all_of_room = [each for file in files for each in mutants_of(str(file), file.read_text(encoding="utf-8"))]
    random.Random(asked["seed"]).shuffle(all_of_room)
    if failed := _tried(session.items, None):
        pytest.exit(f"{failed} fails without a change", returncode=1)
    until = time.monotonic() + asked["seconds"]
    with outcomes.open("a", encoding="utf-8") as output:
        for mutant in all_of_room:
            if time.monotonic() > until:
                break
            noticed = _tried(session.items, mutant)
            print(json.dumps([str(mutant).removeprefix(f"{source}/"), noticed]), file=output, flush=True)
    return True


def _module_of(file: Path, source: Path) -> str:
    parts = file.relative_to(source.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _tried(items: Sequence[pytest.Item], mutant: Mutant | None) -> str:
    """Returns the test that noticed the mutant, or how else it was noticed; an empty text if it wasn't."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        os.setsid()
        try:
            noticed = _noticed_by(items, mutant)
        except BaseException as error:  # whatever the mutant did: it was noticed
            noticed = type(error).__name__
        os.write(write, json.dumps(noticed).encode())
        os._exit(0)
    os.close(write)
    is_there, _, _ = select.select([read], [], [], MOST_S)
    answer = os.read(read, 1 << 16) if is_there else b'"no end"'
    if not is_there:
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read)
    shutil.rmtree(_folder(child), ignore_errors=True)
    return str(json.loads(answer or b'"crash"'))


def _noticed_by(items: Sequence[pytest.Item], mutant: Mutant | None) -> str:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    base = _folder(os.getpid())
    base.mkdir()
    items[0].config._tmp_path_factory._basetemp = base  # type: ignore[attr-defined]
    if mutant is not None and not _put_in(mutant):
        return NOT_PUT_IN
    for number, item in enumerate(items):
        following = items[number + 1] if number + 1 < len(items) else None
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
            return item.nodeid
    return ""


def _folder(process: int) -> Path:
    return Path(os.environ.get("TMPDIR", "/tmp")) / f"carryover-mutant-{process}"


def _put_in(mutant: Mutant) -> bool:
    """Gives the functions that are loaded the changed code; returns whether there was one."""
    path = Path(mutant.path)
    code = compile(changed(path.read_text(encoding="utf-8"), mutant), str(path), "exec")
    by_place = {(each.co_qualname, each.co_firstlineno): each for each in _codes(code)}
    is_in = False
    for thing in gc.get_objects():
        if isinstance(thing, functools._lru_cache_wrapper):
            thing.cache_clear()
        elif isinstance(thing, FunctionType) and thing.__code__.co_filename == str(path):
            new = by_place.get((thing.__code__.co_qualname, thing.__code__.co_firstlineno))
            if new is not None and new.co_freevars == thing.__code__.co_freevars:
                is_in |= new != thing.__code__
                thing.__code__ = new
    return is_in


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
