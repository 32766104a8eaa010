"""The structure of a VS Code chat, as far as we rely on it, and the records that its reader makes.

Any field may be missing or have another type. Taken from the editor's public source: FACTS.md.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.records.lenient import Fields, fields_of, is_true, number_of, text_of

PENDING, COMPLETE, CANCELLED, FAILED = range(4)
"""States of a request's answer (`modelState.value`); 4 waits for the user."""
ENDED: Final = (COMPLETE, CANCELLED, FAILED)

TEXT_KINDS: Final = frozenset(("", "markdownContent", "markdownVuln", "inlineReference"))
"""Kinds of parts that make up an answer's text. Plain Markdown has no kind."""
TOOL_KINDS: Final = frozenset(("toolInvocationSerialized", "toolInvocation"))
EVENT_KINDS: Final = TOOL_KINDS | {"textEditGroup", "questionCarousel"}
"""Kinds of other parts that become events."""
WITHIN_TEXT: Final = frozenset(("codeblockUri", "undoStop", "reference", "codeCitation"))
"""Kinds of parts that do not interrupt a text."""
QUIET_KINDS: Final = WITHIN_TEXT | frozenset(
    "thinking prepareToolInvocation progressMessage progressTask progressTaskSerialized progressTaskResult "
    "confirmation elicitation elicitation2 elicitationSerialized mcpServersStarting mcpServersStartingSlow "
    "mcpAuthenticationRequired hook warning info command treeData multiDiffData extensions pullRequest "
    "clearToPreviousToolInvocation usage "
    "usedContext move disabledClaudeHooks systemNotification voiceProgress autoModeResolution progress "
    "externalEdit notebookEditGroup planReview workspaceEdit".split()
)
"""Kinds of parts without content for a handoff."""

Why = Literal[
    "too long",
    "remote workspace",
    "not JSON",
    "no initial state",
    "unexpected entry",
    "unexpected path",
    "nothing in it",
]
"""The reason that a chat is not read, or not to its end."""


class Chat(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts that every record repeats. `folders`: the window's folders."""

    session: str
    folders: tuple[str, ...] = ()


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """`place`: of the request, counted from 1, which is how people count a chat."""

    chat: Chat
    at_ms: int = 0
    place: int = 1


class BeginRecord(_Record, frozen=True, kw_only=True, tag="begin"):
    """Announces a chat's records. `on`: they follow those emitted before; `more`: another batch follows."""

    on: bool = False
    more: bool = False


class RequestRecord(_Record, frozen=True, kw_only=True, tag="request"):
    """A request and its answer without unneeded parts."""

    ident: str
    request: Fields


class StateRecord(_Record, frozen=True, kw_only=True, tag="state"):
    """Facts about the whole chat, after its requests.

    `live`: the last request as it is now, repeated with each state until its answer has ended.
    """

    title: str = ""
    model: str = ""
    version: str = ""
    branch: str = ""
    live: RequestRecord | None = None


class SkippedRecord(msgspec.Struct, frozen=True, kw_only=True, tag="skipped", tag_field="kind"):
    """A chat that is not read, or not to its end, and the reason."""

    why: Why


AnyRecord = BeginRecord | RequestRecord | StateRecord | SkippedRecord
RECORD: Final[msgspec.json.Decoder[AnyRecord]] = msgspec.json.Decoder(AnyRecord)


def state_of(request: Fields) -> int | None:
    """Returns how far an answer came; None if nothing shows it. Before `modelState`, a result meant that it ended."""
    state = number_of(fields_of(request.get("modelState")).get("value"))
    if state is None and is_true(request.get("isCanceled")):
        return CANCELLED
    return COMPLETE if state is None and fields_of(request.get("result")) else state


def kind_of_part(fields: Fields) -> str:
    """Returns the kind of a part; empty for plain Markdown, `?` if it is neither."""
    kind = text_of(fields.get("kind"))
    return kind or ("" if "value" in fields else "inlineReference" if "inlineReference" in fields else "?")


def is_given(raw: msgspec.Raw | None) -> bool:
    """Whether a field holds something other than null, false or an empty text."""
    return raw is not None and bytes(raw) not in (b"null", b"false", b'""')
