"""A folder for files that are written before a test has its own."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


def own_folder(name: str) -> Path:
    """Returns a folder of this name that no other process writes to. It is deleted when this process ends.

    It is beside the folders of tests, since a file keeps its age only if it is moved within one file system.
    """
    folder = _own() / name
    folder.mkdir(exist_ok=True)
    return folder


@cache
def _own() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="carryover-test-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
