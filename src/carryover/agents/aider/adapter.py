"""Defines AGENT: how Aider's chat histories are found, read and parsed.

A history is at the top of a project, or wherever the setting `chat-history-file` puts it (0.86.2). A relative name is
resolved against the folder that Aider is started in, which is taken to be the top of the project. Only files in the
project count: a history elsewhere doesn't name its project, and several projects may share it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.adapter.lazily import lazily
from carryover.agents.aider.builder import Context
from carryover.agents.aider.history import NAME, HistoryReader, last_input
from carryover.agents.aider.spec import SPEC
from carryover.readers.files import read_small

FILE: Final = ".aider.conf.yml"
VARIABLE: Final = "AIDER_CHAT_HISTORY_FILE"
_HEADER: Final = b"# aider chat started at "
_LIMIT_BYTES: Final = 256 << 10
_VALUE: Final = r"""[ \t]*(?P<value>"[^"\r\n]*"|'[^'\r\n]*'|[^\s#"'][^\r\n#]*?)[ \t]*(?:#[^\r\n]*)?\r?$"""
_IN_SETTINGS: Final = re.compile(rf"^chat-history-file[ \t]*:[ \t]{_VALUE}", re.MULTILINE)
_IN_ENV_FILE: Final = re.compile(rf"^(?:export[ \t]+)?{VARIABLE}[ \t]*={_VALUE}", re.MULTILINE)


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source for `path` if its name is that of a history and it is directly in `root`. Reads nothing."""
    fits = path.parent == root and path.name == NAME
    return Source(agent=SPEC.id, path=str(path), group=str(root)) if fits else None


def sources(root: Path) -> list[Source]:
    """Returns the histories of a project: the one at its top, and those that settings put elsewhere in it."""
    paths = map(str, dict.fromkeys((root / NAME, *moved_histories(root))))
    # No symlinks, since they may lead anywhere. These two answer without raising, whatever is wrong with a path.
    found = [path for path in paths if os.path.isfile(path) and not os.path.islink(path)]  # noqa: PTH113, PTH114
    return [Source(agent=SPEC.id, path=path, group=str(root)) for path in found]


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the source for a history anywhere on disk, recognised by the header of its first session."""
    return Source(agent=SPEC.id, path=str(path)) if head.lstrip().startswith(_HEADER) else None


def moved_histories(root: Path) -> list[Path]:
    """Returns the histories below `root` that settings name.

    Settings are read from the project and from the folders above it, which usually include the home folder.
    """
    names = []
    for folder in map(str, (root, *root.parents)):  # strings, since more Path objects would take ten times as long
        for path, pattern in ((f"{folder}/.env", _IN_ENV_FILE), (f"{folder}/{FILE}", _IN_SETTINGS)):
            with suppress(OSError):
                status = os.stat(path)  # noqa: PTH116
                names.append(_value_in(path, pattern, (status.st_mtime_ns, status.st_size, status.st_ino)))
    found = (_below(root, name) for name in names if name)
    return [path for path in found if path is not None]


@lru_cache(maxsize=2_000)
def _value_in(path: str, pattern: re.Pattern[str], _stat: tuple[int, int, int]) -> str | None:
    """Returns the file that settings name. Cached by stat, since the settings are asked for every second."""
    text = (read_small(Path(path), limit=_LIMIT_BYTES) or b"").decode("utf-8", "replace").replace("\0", "")
    found = list(pattern.finditer(text))
    return found[-1]["value"].strip("\"'") if found else None


def _below(root: Path, name: str) -> Path | None:
    """Returns the file of that name; None if a link or `..` leads out of the project."""
    path = Path(os.path.normpath(root / name))
    with suppress(OSError, RuntimeError):
        if path.is_relative_to(root) and path != root and path.parent.resolve().is_relative_to(root.resolve()):
            return path
    return None


AGENT: Final = Agent(
    spec=SPEC,
    reader=HistoryReader(),
    context_type=Context,
    source_of=source_of,
    sources=sources,
    parse=lazily("carryover.agents.aider.parse", "parse_record"),
    exported=exported,
    last_input=last_input,
)
