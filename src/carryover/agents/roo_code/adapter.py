"""Roo Code: an extension for VS Code of Cline's family, with which it shares the form of tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec.structs import replace

from carryover.adapter.contract import Agent, Source
from carryover.agents.cline import tasks
from carryover.agents.cline.documents import TaskContext
from carryover.agents.cline.task_parse import parse_task_record
from carryover.agents.roo_code import SPEC

_LAYOUTS: Final = (replace(tasks.TASKS, beside=r"([\w-]{1,100})/(?:api_conversation_history|history_item)\.json"),)


def _exported(path: Path, head: bytes) -> Source | None:
    path, head = tasks.document_of_copy(path, head)
    is_own = tasks.FIRST_TEXT.match(head) and tasks.CLINES_MARK not in head
    return Source(agent=SPEC.id, path=str(path)) if path.name == tasks.SHOWN and is_own else None


AGENT: Final = Agent(
    spec=SPEC,
    reader=tasks.task_reader(tasks.about_item),
    context_type=TaskContext,
    layouts=_LAYOUTS,
    parse=parse_task_record,
    exported=_exported,
)
