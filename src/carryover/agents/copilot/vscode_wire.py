"""What is in a chat of VS Code, as far as we rely on it, and the records that its reader makes of it.

Every field may be missing or have another type. Taken from the editor's public source, 1.109 and later: FACTS.md.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, is_true, number_of, text_of

PENDING, COMPLETE, CANCELLED, FAILED, NEEDS_INPUT = range(5)
"""States of a request's answer (`modelState.value`)."""

_DENIED, _SKIPPED = 0, 5
"""Types of `isConfirmed`."""

TEXT_KINDS: Final = frozenset(("", "text", "markdownContent", "markdownVuln", "inlineReference"))
"""Parts of an answer that are its text. Plain Markdown has no kind."""
EDIT_KINDS: Final = frozenset(("textEditGroup", "notebookEditGroup", "externalEdit", "workspaceEdit"))
EVENT_KINDS: Final = EDIT_KINDS | {"toolInvocationSerialized", "toolInvocation", "questionCarousel", "planReview"}
"""Other parts that become events."""
WITHIN_TEXT: Final = frozenset(("codeblockUri", "undoStop", "reference", "codeCitation"))
"""Parts that do not end a text."""
QUIET_KINDS: Final = WITHIN_TEXT | frozenset(
    "thinking progressMessage progressTask progressTaskSerialized progressTaskResult confirmation elicitation "
    "elicitation2 elicitationSerialized mcpServersStarting mcpServersStartingSlow mcpAuthenticationRequired hook "
    "warning info command treeData multiDiffData extensions pullRequest clearToPreviousToolInvocation usage "
    "usedContext move disabledClaudeHooks systemNotification voiceProgress autoModeResolution progress".split()
)
"""Parts that hold nothing for a handoff."""


Why = Literal[
    "unknown kind",
    "too long",
    "remote workspace",
    "not JSON",
    "no initial state",
    "unexpected entry",
    "unexpected path",
    "nothing in it",
]
"""Why something is not read."""


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
    """`at_ms` is 0 where nothing says when it was."""

    chat: Chat
    at_ms: int = 0


class BeginRecord(_Record, frozen=True, kw_only=True, tag="begin"):
    """A thread is emitted: from its beginning, or `on` after what was emitted before. `more`: not all of it yet."""

    on: bool = False
    more: bool = False


class PromptRecord(_Record, frozen=True, kw_only=True, tag="prompt"):
    """What a request asks. `typed`: a person typed it. `queued`: it waits until the agent is done."""

    request: str
    message: msgspec.Raw = rawjson.ABSENT
    variables: msgspec.Raw = rawjson.ABSENT
    typed: bool = True
    queued: bool = False


class TextRecord(_Record, frozen=True, kw_only=True, tag="text"):
    """A text of the model: consecutive parts. `after_edit`, `before_edit`: it may begin or end with the border of a
    code block whose content became an edit. `final`: it ended its turn; None where nothing says."""

    request: str
    number: int
    parts: tuple[msgspec.Raw, ...]
    after_edit: bool = False
    before_edit: bool = False
    final: bool | None = None
    aborted: bool = False


class PartRecord(_Record, frozen=True, kw_only=True, tag="part"):
    """Another part of an answer. `call_id`: the call that an edit was made by, `is_new`: which
    created the file. `state`: how far a tool call came."""

    request: str
    number: int
    part: msgspec.Raw
    call_id: str | None = None
    is_new: bool = False
    state: int = PENDING


class EndRecord(_Record, frozen=True, kw_only=True, tag="end"):
    """How an answer ended."""

    request: str
    state: int | None = None
    result: msgspec.Raw = rawjson.ABSENT


class StateRecord(_Record, frozen=True, kw_only=True, tag="state"):
    """The chat as a whole, after what was emitted of it. `rests`: no answer is being written."""

    title: str = ""
    model: str = ""
    version: str = ""
    branch: str = ""
    rests: bool = False


class SkippedRecord(msgspec.Struct, frozen=True, kw_only=True, tag="skipped", tag_field="kind"):
    """Something that is not read, and why."""

    what: str
    why: Why


AnyRecord = BeginRecord | PromptRecord | TextRecord | PartRecord | EndRecord | StateRecord | SkippedRecord
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


def encoded(record: AnyRecord) -> bytes:
    """The record as the reader hands it to the parser."""
    return msgspec.json.encode(record)


def kind_of_part(fields: Fields) -> str:
    """The kind of a part, empty for plain Markdown; `?` for what is neither."""
    kind = text_of(fields.get("kind"))
    return kind or ("" if "value" in fields else "inlineReference" if "inlineReference" in fields else "?")


def state_in(request: Fields) -> int | None:
    """How far a request's answer came; None where nothing says. Before `modelState` a result meant that it ended."""
    state = number_of(fields_of(request.get("modelState")).get("value"))
    if state is None and is_true(request.get("isCanceled")):
        return CANCELLED
    if state is None and fields_of(request.get("result")):
        return COMPLETE
    return state


def is_given(raw: msgspec.Raw | None) -> bool:
    """Whether a field holds something other than null, false or an empty text."""
    return raw is not None and bytes(raw) not in (b"null", b"false", b'""')


def is_denied(tool: ToolPart) -> bool:
    """Whether the user did not allow a call, or skipped it. Before 1.104 `isConfirmed` was true or false."""
    kind = number_of(fields_of(tool.is_confirmed).get("type"))
    return bytes(tool.is_confirmed) == b"false" or kind in (_DENIED, _SKIPPED)
