"""The secret that the hooks send along: made once per installation, kept in a file that only its owner can read."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final

from carryover.fsio import atomic_replace, read_bytes_bounded

_FORM: Final = re.compile(rb"[0-9a-f]{64}\n?")


def hook_secret(path: Path) -> str:
    """The secret in the file at `path`; a new one, put there, where none is or others could have read it. Blocks.

    Raises OSError where it can't be written.
    """
    known = _known(path)
    if known is not None:
        return known
    secret = secrets.token_hex(32)
    atomic_replace(path, f"{secret}\n".encode(), mode=0o600, follow=False)
    return secret


def _known(path: Path) -> str | None:
    try:
        found = path.lstat()
        data = read_bytes_bounded(path, 128, follow=False)
    except OSError:
        return None
    private = stat.S_IMODE(found.st_mode) & 0o077 == 0 and found.st_uid == os.geteuid()
    return data.decode().strip() if private and _FORM.fullmatch(data) else None
