"""The structure of a VS Code chat, as far as we rely on it, and the records that its reader makes.

Any field may be missing or have another type. Taken from the editor's public source: FACTS.md.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, is_true, number_of, text_of

PENDING, COMPLETE, CANCELLED, FAILED = range(4)
"""States of a request's answer (`modelState.value`); 4 waits for the user."""
ENDED: Final = (COMPLETE, CANCELLED, FAILED)

TEXT_KINDS: Final = frozenset(("", "markdownContent", "markdownVuln", "inlineReference"))
"""Kinds of parts that make up an answer's text. Plain Markdown has no kind."""
EDIT_KINDS: Final = frozenset(("textEditGroup", "notebookEditGroup", "externalEdit", "workspaceEdit"))
TOOL_KINDS: Final = frozenset(("toolInvocationSerialized", "toolInvocation"))
EVENT_KINDS: Final = EDIT_KINDS | TOOL_KINDS | {"questionCarousel", "planReview"}
"""Kinds of other parts that become events."""
WITHIN_TEXT: Final = frozenset(("codeblockUri", "undoStop", "reference", "codeCitation"))
"""Kinds of parts that do not interrupt a text."""
QUIET_KINDS: Final = WITHIN_TEXT | frozenset(
    "thinking prepareToolInvocation progressMessage progressTask progressTaskSerialized progressTaskResult "
    "confirmation elicitation elicitation2 elicitationSerialized mcpServersStarting mcpServersStartingSlow "
    "mcpAuthenticationRequired hook warning info command treeData multiDiffData extensions pullRequest "
    "clearToPreviousToolInvocation usage "
    "usedContext move disabledClaudeHooks systemNotification voiceProgress autoModeResolution progress".split()
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
"""The reason that a chat is not read."""


class Request(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A request and its answer."""

    request_id: msgspec.Raw = rawjson.ABSENT
    timestamp: msgspec.Raw = rawjson.ABSENT
    message: msgspec.Raw = rawjson.ABSENT
    response: msgspec.Raw = rawjson.ABSENT
    result: msgspec.Raw = rawjson.ABSENT
    model_state: msgspec.Raw = rawjson.ABSENT
    is_canceled: msgspec.Raw = rawjson.ABSENT
    variable_data: msgspec.Raw = rawjson.ABSENT
    confirmation: msgspec.Raw = rawjson.ABSENT
    request_source: msgspec.Raw = rawjson.ABSENT
    is_system_initiated: msgspec.Raw = rawjson.ABSENT
    request_hidden_from_transcript: msgspec.Raw = rawjson.ABSENT
    hidden_from_transcript: msgspec.Raw = rawjson.ABSENT
    should_be_removed_on_send: msgspec.Raw = rawjson.ABSENT
    model_id: msgspec.Raw = rawjson.ABSENT
    agent: msgspec.Raw = rawjson.ABSENT

    @property
    def state(self) -> int | None:
        """How far the answer came; None if nothing shows it. Before `modelState`, a result meant that it ended."""
        state = number_of(fields_of(self.model_state).get("value"))
        if state is None and is_true(self.is_canceled):
            return CANCELLED
        return COMPLETE if state is None and fields_of(self.result) else state

    @property
    def was_typed(self) -> bool:
        """Whether a person typed the request, rather than a button or the editor sending it."""
        others = (
            self.confirmation,
            self.request_source,
            self.is_system_initiated,
            self.request_hidden_from_transcript,
        )
        return not any(map(is_given, others))


class ToolPart(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`toolInvocationSerialized`: a call together with its result. Its `isComplete` is always true."""

    kind: msgspec.Raw = rawjson.ABSENT
    tool_id: msgspec.Raw = rawjson.ABSENT
    tool_call_id: msgspec.Raw = rawjson.ABSENT
    invocation_message: msgspec.Raw = rawjson.ABSENT
    past_tense_message: msgspec.Raw = rawjson.ABSENT
    is_confirmed: msgspec.Raw = rawjson.ABSENT
    result_details: msgspec.Raw = rawjson.ABSENT
    result_error: msgspec.Raw = rawjson.ABSENT
    tool_specific_data: msgspec.Raw = rawjson.ABSENT

    @property
    def data(self) -> Fields:
        """The tool's data: a command, a todo list or a sub-agent."""
        return fields_of(self.tool_specific_data)


class Chat(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts that every record repeats. `folders`: the window's folders."""

    session: str
    folders: tuple[str, ...] = ()


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    chat: Chat


class BeginRecord(_Record, frozen=True, kw_only=True, tag="begin"):
    """Announces a chat's records. `on`: they follow those emitted before; `more`: another batch follows."""

    at_ms: int = 0
    on: bool = False
    more: bool = False


class RequestRecord(_Record, frozen=True, kw_only=True, tag="request"):
    """A request and its answer without unneeded parts. `place`: counted from 1. `queued`: prompts that wait."""

    ident: str
    place: int = 1
    request: Request
    queued: tuple[msgspec.Raw, ...] = ()


class StateRecord(_Record, frozen=True, kw_only=True, tag="state"):
    """The state of the whole chat, after its requests.

    `live`: the last request as it is now, repeated with each state until its answer has ended.
    """

    at_ms: int = 0
    place: int = 1
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


def kind_of_part(fields: Fields) -> str:
    """Returns the kind of a part; empty for plain Markdown, `?` if it is neither."""
    kind = text_of(fields.get("kind"))
    return kind or ("" if "value" in fields else "inlineReference" if "inlineReference" in fields else "?")


def is_given(raw: msgspec.Raw | None) -> bool:
    """Whether a field holds something other than null, false or an empty text."""
    return raw is not None and bytes(raw) not in (b"null", b"false", b'""')
