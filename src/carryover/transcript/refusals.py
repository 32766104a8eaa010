"""Whose words the text of a refused call holds.

A client puts what the user typed while refusing a call into the call's result, where a tool's own text would stand.
An MCP server, a fetched page or a sub-agent can print the very same text. So it is the user's only if the client says
so in a field, or if nothing but the client itself words the errors of that kind of call.
"""

from __future__ import annotations

from typing import Final

from carryover.adapter.contract import ToolOutcome
from carryover.model import Op

CLIENT_WORDED: Final[frozenset[Op]] = frozenset(("read", "edit", "write", "search", "plan", "ask"))
"""Operations of built-in tools whose errors begin with the client's words, whatever a file or its name contains."""


def refused(output: str, words: str = "", *, by_client: bool, by_user: bool) -> ToolOutcome:
    """Returns how a call ended whose result reads like a refusal. `words`: what was typed, by that text; `by_client`:
    whether only the client can say so; `by_user`: whether it is certain, too, that the user typed the words. Otherwise
    all of it is a tool's."""
    if by_client and (by_user or not words):
        return ToolOutcome("denied", output, never_ran=True, user_words=words)
    return ToolOutcome("error", f"tool refused, it said: {words}" if words else output)
