"""A folder for what is written before a test has one of its own."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


def own_folder(name: str) -> Path:
    """A folder of this name that no other process writes to; gone when this one ends.

    It is beside the folders of tests: a file keeps its age only if it is moved within one file system.
    """
    folder = _own() / name
    folder.mkdir(exist_ok=True)
    return folder


@cache
def _own() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="carryover-test-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
