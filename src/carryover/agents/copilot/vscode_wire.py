"""What is in a chat of VS Code, as far as we rely on it, and the records that its reader makes of it.

Every field may be missing or have another type. Taken from the editor's public source: FACTS.md.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, is_true, number_of, text_of

PENDING, COMPLETE, CANCELLED, FAILED = range(4)
"""States of a request's answer (`modelState.value`); 4 waits for the user."""
ENDED: Final = (COMPLETE, CANCELLED, FAILED)

_DENIED, _SKIPPED = 0, 5
"""Types of `isConfirmed`."""

TEXT_KINDS: Final = frozenset(("", "markdownContent", "markdownVuln", "inlineReference"))
"""Parts of an answer that are its text. Plain Markdown has no kind."""
EDIT_KINDS: Final = frozenset(("textEditGroup", "notebookEditGroup", "externalEdit", "workspaceEdit"))
TOOL_KINDS: Final = frozenset(("toolInvocationSerialized", "toolInvocation"))
EVENT_KINDS: Final = EDIT_KINDS | TOOL_KINDS | {"questionCarousel", "planReview"}
"""Other parts that become events."""
WITHIN_TEXT: Final = frozenset(("codeblockUri", "undoStop", "reference", "codeCitation"))
"""Parts that do not end a text."""
QUIET_KINDS: Final = WITHIN_TEXT | frozenset(
    "thinking prepareToolInvocation progressMessage progressTask progressTaskSerialized progressTaskResult "
    "confirmation elicitation elicitation2 elicitationSerialized mcpServersStarting mcpServersStartingSlow "
    "mcpAuthenticationRequired hook warning info command treeData multiDiffData extensions pullRequest "
    "clearToPreviousToolInvocation usage "
    "usedContext move disabledClaudeHooks systemNotification voiceProgress autoModeResolution progress".split()
)
"""Parts that hold nothing for a handoff."""

Why = Literal[
    "too long",
    "remote workspace",
    "not JSON",
    "no initial state",
    "unexpected entry",
    "unexpected path",
    "nothing in it",
]
"""Why a chat is not read."""


class Chat(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts that each record repeats. `subagent`: the sub-agent whose thread it is. `folders`: those of the window."""

    session: str
    subagent: str | None = None
    folders: tuple[str, ...] = ()

    @property
    def thread(self) -> str:
        """Names the thread among those of its source."""
        return f"{self.session}/{self.subagent}" if self.subagent else self.session


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    chat: Chat


class BeginRecord(_Record, frozen=True, kw_only=True, tag="begin"):
    """A thread is emitted: from its beginning, or `on` after what was emitted before. `more`: not all of it yet."""

    at_ms: int = 0
    on: bool = False
    more: bool = False


class RequestRecord(_Record, frozen=True, kw_only=True, tag="request"):
    """A request and its answer, without what is not needed of them. `place`: from 1. `open`: its answer
    has not ended. `live`: it is being written, so that what may still change is left out. `queued`: what waits."""

    ident: str
    place: int = 1
    request: Fields = {}
    parts: tuple[msgspec.Raw, ...] = ()
    open: bool = False
    live: bool = False
    queued: tuple[msgspec.Raw, ...] = ()


class StateRecord(_Record, frozen=True, kw_only=True, tag="state"):
    """The chat as a whole, after what was emitted of it. `rests`: no answer is being written. `live`: the request whose
    answer is."""

    at_ms: int = 0
    place: int = 1
    title: str = ""
    model: str = ""
    version: str = ""
    branch: str = ""
    rests: bool = False
    live: RequestRecord | None = None


class SkippedRecord(msgspec.Struct, frozen=True, kw_only=True, tag="skipped", tag_field="kind"):
    """A chat that is not read, and why."""

    why: Why


AnyRecord = BeginRecord | RequestRecord | StateRecord | SkippedRecord
RECORD: Final[msgspec.json.Decoder[AnyRecord]] = msgspec.json.Decoder(AnyRecord)


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
    sub_agent_invocation_id: msgspec.Raw = rawjson.ABSENT

    @property
    def data(self) -> Fields:
        """What the tool adds to it: a command, a todo list, a sub-agent."""
        return fields_of(self.tool_specific_data)

    @property
    def within(self) -> str:
        """The sub-agent that made the call, empty for the main conversation."""
        return text_of(self.sub_agent_invocation_id)

    @property
    def starts(self) -> str:
        """The sub-agent that the call starts, empty where it starts none."""
        is_start = not self.within and text_of(self.data.get("kind")) == "subagent" and text_of(self.data.get("prompt"))
        return text_of(self.tool_call_id) if is_start else ""


def kind_of_part(fields: Fields) -> str:
    """The kind of a part, empty for plain Markdown; `?` for what is neither."""
    kind = text_of(fields.get("kind"))
    return kind or ("" if "value" in fields else "inlineReference" if "inlineReference" in fields else "?")


def state_in(request: Fields) -> int | None:
    """How far a request's answer came; None where nothing says. Before `modelState` a result meant that it ended."""
    state = number_of(fields_of(request.get("modelState")).get("value"))
    if state is None and is_true(request.get("isCanceled")):
        return CANCELLED
    return COMPLETE if state is None and fields_of(request.get("result")) else state


def is_given(raw: msgspec.Raw | None) -> bool:
    """Whether a field holds something other than null, false or an empty text."""
    return raw is not None and bytes(raw) not in (b"null", b"false", b'""')


def is_denied(tool: ToolPart) -> bool:
    """Whether the user did not allow a call, or skipped it."""
    return number_of(fields_of(tool.is_confirmed).get("type")) in (_DENIED, _SKIPPED)
