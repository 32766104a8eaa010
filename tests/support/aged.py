"""Files that were made a while before a test writes to them, as those are that an agent appends to."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from support.daemon_process import wait_until
from support.own_folder import own_folder

_AGE_S: Final = 5.5
_AT_ONCE: Final = 200


def _made(numbers: Iterator[int]) -> list[Path]:
    files = [own_folder("aged") / str(next(numbers)) for _ in range(_AT_ONCE)]
    for file in files:
        file.touch()
    return files


_numbers: Final = count()
_files: Final = _made(_numbers)
"""Made when tests are collected, so that most never wait."""
_made_s = [time.time()]


def there_for_a_while(path: Path) -> None:
    """Has the file at `path`, or an empty one there, be one that was made a while ago."""
    if not _files:
        _files.extend(_made(_numbers))
        _made_s[0] = time.time()
    wait_until("older files", lambda: time.time() - _made_s[0] > _AGE_S)
    old = _files.pop()
    if path.exists():
        shutil.copyfile(path, old)
    old.rename(path)
