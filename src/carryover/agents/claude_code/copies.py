"""The history that the editor extension of Claude Code writes into the same file again, under other ids and times.

Seen in 2.0.29: after an interruption the next prompt is preceded by a copy of the conversation so far, or of what came
since the last copy. Its records have new uuids, one block each and all the time of the copy, so neither their ids nor
their times show what they repeat. But the first has the place of the prompt that it repeats: the same parent.

Other versions (2.0.28, 2.0.31 to 2.1.12) keep the time of a record that they write again: `ClaudeBuilder.second_key`.
"""

from __future__ import annotations

from typing import Final

from carryover.agents.claude_code.lines import ClaudeBuilder
from carryover.records.fields import digest

_VERSIONS: Final = ("2.0.29",)
_MOST_PROMPTS: Final = 50


def is_copy(builder: ClaudeBuilder) -> bool:
    """Whether the record is one of a copy, whose events the session has already; notes what shows the next copy."""
    line, message, known = builder.line, builder.line.message, builder.context.prompts
    if line.version not in _VERSIONS or builder.subagent_id is not None or message is None:
        return False
    if builder.timed and builder.at_ms == builder.context.copied_ms:
        return True
    blocks = [message.content] if isinstance(message.content, str) else [block.text for block in message.content]
    if line.type != "user" or not blocks or not blocks[0]:
        return False
    place = digest(bytes(line.parent_uuid) + blocks[0].encode("utf-8", "replace"))
    if place in known and len(blocks) == 1:
        builder.change(copied_ms=builder.at_ms)
        return True
    # The first is kept: a copy may begin with it, however long the conversation is.
    builder.change(prompts=(*known[:1], *known[1:][1 - _MOST_PROMPTS :], place))
    return False
