"""Applies every kind of redaction to a text once, in a fixed order."""

from __future__ import annotations

from carryover.redact.command_lines import hide_on_command_lines
from carryover.redact.headers import hide_headers
from carryover.redact.named import hide_named
from carryover.redact.private_keys import hide_private_keys
from carryover.redact.tokens import hide_tokens

_KINDS = (hide_private_keys, hide_tokens, hide_on_command_lines, hide_headers, hide_named)


def one_pass(text: str, counts: dict[str, int]) -> str:
    """Returns `text` without the secrets that are visible as it is, and adds the number of each kind to `counts`."""
    for hide in _KINDS:
        text = hide(text, counts)
    return text
