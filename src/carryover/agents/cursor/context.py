"""What must be remembered from one record to the next. Small and bounded: it is stored with the cursor."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.agents.cursor.talk.context import TalkContext

MAX_CONVERSATIONS: Final = 60


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was sent of one of the editor's conversations, so that it is sent again only when it changes. The marks are
    numbers: a digest in letters looks like a secret."""

    info: int = 0
    todos: int = 0
    folder: str | None = None
    """Of several workspace folders, the one that the conversation works in."""


class EditorContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one of the editor's databases, which hold many conversations: what is known of the last ones."""

    told: dict[str, Told] = {}


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one source between two records. Its kind says which of the two it uses."""

    editor: EditorContext = EditorContext()
    talk: TalkContext = TalkContext()
