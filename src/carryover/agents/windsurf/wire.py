"""The structure of Cascade's hook payloads and transcripts, as far as we rely on it, and the records made of both.

Any field may be missing or have another type. Reported for 1.12.41 to 2.3.9, never seen by us: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.records import rawjson, uris
from carryover.records.fields import utc_ms
from carryover.records.lenient import text_of

PROMPT: Final = "pre_user_prompt"
WRITE: Final = "post_write_code"
COMMAND: Final = "post_run_command"
RESPONSE: Final = "post_cascade_response"
TRANSCRIPT: Final = "post_cascade_response_with_transcript"
WORKTREE: Final = "post_setup_worktree"
QUIET: Final = frozenset(
    "pre_read_code post_read_code pre_write_code pre_run_command pre_mcp_tool_use post_mcp_tool_use".split()
)
"""Events that are not asked for, and that somebody may have registered our script for."""

USER_ROW: Final = "user_input"
PLANNER_ROW: Final = "planner_response"
WRITE_ROW: Final = "code_action"
COMMAND_ROW: Final = "run_command"
VIEW_ROW: Final = "view_file"
PENDING: Final = "pending"
"""State of a row whose step has not ended."""

_LATEST_MS: Final = 4_102_444_800_000


class Payload(msgspec.Struct, frozen=True):
    """A hook's payload on stdin. It names no working folder, but the hook runs in the workspace."""

    agent_action_name: str | None = None
    trajectory_id: str | None = None
    """The conversation."""
    execution_id: msgspec.Raw = rawjson.ABSENT
    """The turn."""
    timestamp: msgspec.Raw = rawjson.ABSENT
    model_name: msgspec.Raw = rawjson.ABSENT
    tool_info: msgspec.Raw = rawjson.ABSENT


PAYLOAD: Final = msgspec.json.Decoder(Payload)


class BeginRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="begin"):
    """Announces a conversation's records. `on`: they continue those emitted before; `more`: another batch follows."""

    at_ms: int
    on: bool
    more: bool
    cwd: str | None = None


class CallRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="call"):
    """A hook call. `id` is unique in the conversation."""

    id: str
    event: str
    at_ms: int
    payload: msgspec.Raw
    cwd: str | None = None


class RowRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="row"):
    """A row of a transcript, counted from 1.

    `noted_ms`: when the file was written, if no better time is known. `at_ms`: when a hook reported the same step.
    """

    number: int
    row: msgspec.Raw
    noted_ms: int = 0
    at_ms: int = 0


class PassedByRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="passed_by"):
    """A call or a row that could not be read."""

    what: str


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one conversation between two records."""

    cwd: str | None = None
    """The workspace that its hooks ran in, or a folder known to be in it."""
    last_ms: int = 0
    """Time of the last record; records without a time come 1 ms later."""
    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    model: str | None = None


RECORD: Final = msgspec.json.Decoder(BeginRecord | CallRecord | RowRecord | PassedByRecord)


def time_of(raw: msgspec.Raw) -> int:
    """Returns the UTC milliseconds of a time given as an ISO string or in seconds; 0 if it is neither."""
    if text := rawjson.string_of(raw):
        return utc_ms(text)
    seconds = rawjson.part_of(raw, float)
    at_ms = seconds * 1000 if seconds is not None else 0
    return round(at_ms) if 0 < at_ms < _LATEST_MS else 0


def path_of(raw: msgspec.Raw | None) -> str:
    """Returns a path, which may be given as a `file:` URI; empty if it is on another machine."""
    return uris.path_of(text_of(raw)) or ""
