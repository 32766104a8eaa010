"""What Cline notes about the extension's tasks: a list of all, and the versions that worked on each."""

from __future__ import annotations

from pathlib import Path

from carryover.families.vscode_tasks.documents import fields_beside, list_in
from carryover.families.vscode_tasks.tasks import About
from carryover.model import SessionInfo
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import fields_of, items_of, text_of


def about_task(path: Path) -> About:
    """Returns what is noted about the task with these messages."""
    tasks = map(fields_of, list_in(path.parent.parent.parent / "state" / "taskHistory.json"))
    entry = next((task for task in tasks if text_of(task.get("id")) == path.parent.name), {})
    history = items_of(fields_beside(path.with_name("task_metadata.json")).get("environment_history"))
    title = text_of(entry.get("task")).partition("\n")[0]
    info = SessionInfo(
        title=bounded(title, SHORT_CHARS) or None,
        agent_version=text_of(fields_of(history[-1]).get("cline_version")) or None if history else None,
        model=text_of(entry.get("modelId")) or None,
    )
    return About(info=info, cwd=text_of(entry.get("cwdOnTaskInitialization")) or None)
