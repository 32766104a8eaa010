"""Where tasks are: a folder each, below `tasks` in an extension's own folder."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import Final

from carryover.adapter.contract import Source
from carryover.readers.layouts import Layout

TASK: Final = "task"
SHOWN: Final = "ui_messages.json"
SENT: Final = "api_conversation_history.json"
TASKS: Final = Layout(kind=TASK, root="tasks", globs=(f"*/{SHOWN}",), pattern=r"[\w-]{1,100}/ui_messages\.json")
FIRST_TASK: Final = re.compile(rb'\s*\[\s*\{\s*"ts"\s*:\s*\d+\s*,\s*"type"\s*:\s*"say"\s*,\s*"say"\s*:\s*"task"')
"""The beginning of the messages of a task whose first one is named as such."""


def is_task(source: Source) -> bool:
    """Whether a source is a task."""
    return PurePath(source.path).name == SHOWN


def shown_beside(path: Path, *others: str) -> Path:
    """Returns the messages of a task for its other documents, whose change is a change of the task."""
    return path.with_name(SHOWN) if path.name in (SENT, *others) else path
