"""What is noted about a task in an item of its own: the folder, the first prompt, and the task that it is a part of.

Since 2026 it is `history_item.json` beside the messages; before, the editor kept it, and the folder is known from what
the model was sent.
"""

from __future__ import annotations

from pathlib import Path

from carryover.families.vscode_tasks.documents import fields_beside
from carryover.families.vscode_tasks.tasks import About
from carryover.model import SessionInfo
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import text_of


def about_item(path: Path) -> About:
    """Returns what is noted about the task with these messages."""
    item = fields_beside(path.with_name("history_item.json"))
    title = text_of(item.get("task")).partition("\n")[0]
    return About(
        info=SessionInfo(title=bounded(title, SHORT_CHARS) or None),
        cwd=text_of(item.get("workspace")) or None,
        session=text_of(item.get("rootTaskId")) if "parentTaskId" in item else "",
    )
