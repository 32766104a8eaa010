"""What a conversation's row, and its entry in the list, say of the conversation as a whole."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from carryover.agents.cursor.editor.folders import Folders
from carryover.agents.cursor.editor.records import Conversation
from carryover.agents.cursor.editor.wire import Composer, Head, ModelConfig, SubagentInfo, name_of, time_of
from carryover.records import rawjson
from carryover.records.bounds import SHORT_CHARS, bounded


def updated_ms(composer: Composer, head: Head) -> int:
    """When it last changed, by its own word; 0 where it says nothing."""
    return max(time_of(composer.last_updated_at), time_of(head.last_updated_at))


def identifiers_of(composer: Composer, head: Head) -> tuple[msgspec.Raw, msgspec.Raw]:
    """Which window it was held in, by its own word first; `null` where it is not said."""
    return composer.workspace_identifier, head.workspace_identifier


def parent_of(ident: str, composer: Composer, head: Head, children: Mapping[str, str]) -> str | None:
    """The conversation that a sub-agent's belongs to, its own id while nobody knows it; None for the user's own.

    `children`: the sub-agents that conversations were seen to list, and those conversations.
    """
    info = rawjson.part_of(composer.subagent_info, SubagentInfo) or rawjson.part_of(head.subagent_info, SubagentInfo)
    named = ""
    if info is not None:
        names = (info.parent_composer_id, info.parent_conversation_id, info.parent_id)
        named = next(filter(None, map(name_of, names)), "")
    parent = named or children.get(ident, "")
    for _ in range(5):  # of a sub-agent's sub-agent, the one that the user talks to
        parent = children.get(parent, parent)
    return parent or (ident if info is not None else None)


def conversation_of(
    ident: str, composer: Composer, head: Head, *, parent: str | None, folders: Folders
) -> Conversation:
    """The facts that each record of it repeats."""
    config = rawjson.part_of(composer.model_config, ModelConfig) or ModelConfig()
    return Conversation(
        id=ident,
        name=bounded(name_of(composer.name) or name_of(head.name), SHORT_CHARS),
        model=bounded(name_of(config.model_name), SHORT_CHARS),
        parent=parent,
        folders=folders.paths,
    )
