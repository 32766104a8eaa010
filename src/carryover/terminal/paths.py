"""Paths as people read them, and as their shell takes them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

from carryover.errors import visible
from carryover.text.pattern import later

_UNSAFE_BYTES: Final = later(rb"[^ -&(-\[\]-~]")


def short_path(path: str | Path, home: Path | None = None) -> str:
    """Returns `path` for display, with `~` for the home folder, the user's own if None, and escapes for what a terminal
    would not show."""
    home = home or Path.home()
    text = str(path)
    for top in (home, _without_links(home)):
        if Path(path).is_relative_to(top):
            # A home of `/`, as of a user whom a container does not know, ends in the slash that others lack.
            text = f"~{text[len(str(top).rstrip('/')) :]}"
            break
    return visible(text)


@cache
def _without_links(home: Path) -> Path:
    """The home folder as projects in it are named."""
    return home.resolve()


def shell_word(path: str | os.PathLike[str]) -> str:
    """Returns `path` as one word of a command line that is still exact after it was printed and copied: characters that
    a terminal doesn't show as they are become `$'\\033'`, which bash, zsh and ksh understand."""
    text = os.fspath(path)
    if text.startswith("-"):
        text = f"./{text}"  # else an option
    if text.isprintable():
        import shlex  # takes 2 ms, and few commands print a command line

        return shlex.quote(text)
    return "$'" + _UNSAFE_BYTES.sub(lambda byte: b"\\%03o" % byte[0][0], os.fsencode(text)).decode("ascii") + "'"
