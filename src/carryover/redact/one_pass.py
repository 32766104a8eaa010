"""One pass over a text, by every kind of secret in its order."""

from __future__ import annotations

from carryover.redact.command_lines import hide_on_command_lines
from carryover.redact.headers import hide_headers
from carryover.redact.named import hide_named
from carryover.redact.names import lowered, names_in
from carryover.redact.private_keys import hide_private_keys
from carryover.redact.tokens import hide_tokens


def one_pass(given: str, counts: dict[str, int]) -> str:
    """`given` without the secrets that can be seen in it as it is; `counts` gets how many of each kind."""
    lower, names = _lowered_with_names(given)
    text = hide_private_keys(given, counts) if "key" in names else given
    text = hide_tokens(text, counts)
    if text is not given:
        lower, names = _lowered_with_names(text)
    hidden = hide_on_command_lines(text, names, counts)
    if hidden is not text:
        lower, names = _lowered_with_names(hidden)
    text = hide_headers(hidden, lower, names, counts)
    if text is not hidden:
        lower, names = _lowered_with_names(text)
    return hide_named(text, lower, names, counts) if names else text


def _lowered_with_names(text: str) -> tuple[str, frozenset[str]]:
    lower = lowered(text)
    return lower, names_in(lower)
