"""Makes a project into one document for a chat that sees no file."""

from __future__ import annotations

from typing import Final, NamedTuple

from carryover.config import refuse_excluded
from carryover.errors import ExitCode, UserError
from carryover.export import document
from carryover.export.document import Document, Request, compose
from carryover.export.material import Material
from carryover.past.context import agents_own, now_ms, project_root, settings_to_print, state_dir
from carryover.past.opened import Want, opened
from carryover.past.web_chat import GENERIC, gathered, web_chats
from carryover.terminal.output import warn

USUAL_CHAT: Final = GENERIC.id
LEAST_BUDGET: Final = document.LEAST_BUDGET
_PAUSED: Final = "Carryover is paused; this is what it recorded before. `carryover unpause` ends that."

ChatDocument = Document


class ForChat(NamedTuple):
    """A document, and what it was made of."""

    document: ChatDocument
    material: Material
    request: Request


def budgets_of_chats() -> dict[str, int]:
    """Returns how many tokens each chat takes, by its id."""
    return {chat.id: chat.budget for chat in web_chats().values()}


def document_for_chat(project: str | None, chat_id: str | None, *, question: str, budget: int | None) -> ForChat:
    """Makes the document of the project that `project` is in, in at most `budget` tokens; None: as the chat takes.

    Raises UserError (NOTHING_FOUND) if no agent has worked there and there is no file to show.
    """
    root = project_root(project, must_exist=True)
    material = _material(root)
    if material.handoff is None and not material.paths:
        nothing = f"No agent has worked in {root}, and there is no file to show. Nothing was exported."
        raise UserError(nothing, ExitCode.NOTHING_FOUND)
    chat = web_chats()[chat_id or USUAL_CHAT]
    request = Request(
        reader=chat.name,
        budget=budget or chat.budget,
        tokens_percent=chat.tokens_percent,
        question=question,
    )
    return ForChat(compose(material, request), material, request)


def _material(root: str) -> Material:
    state = state_dir()
    config = settings_to_print(state)
    refuse_excluded(root, config)
    own, now = agents_own(config.agents), now_ms()
    material = None
    with opened(Want.FRESH, root) as (ledger, project):
        if project is not None:
            material = gathered(root, now_ms=now, ledger=(ledger, project.id), agents_own=own)
    if state.paused.exists():
        warn(_PAUSED)
    if material is None:
        warn("No agent's work is recorded for this project, so the document holds only its files.")
        material = gathered(root, now_ms=now)
    return material
