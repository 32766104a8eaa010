"""How a call ended by what its client wrote into its result, and whose words the text of a refused call holds.

A client puts what the user typed while refusing a call into the call's result, where a tool's own text would stand.
An MCP server, a fetched page or a sub-agent can print the very same text. So it is the user's only if the client says
so in a field, or if nothing but the client itself words the errors of that kind of call.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.model import Op

CLIENT_WORDED: Final[frozenset[Op]] = frozenset(("read", "edit", "write", "search", "plan", "ask", "shell"))
"""Operations of built-in tools whose errors begin with the client's words, whatever a file or its name contains. This
includes shell commands, since one that fails by itself has a result with its exit code. Errors of other operations may
hold the text of a server or a page."""


def refused(output: str, words: str = "", *, by_client: bool, by_user: bool) -> ToolOutcome:
    """Returns how a call ended whose result reads like a refusal. `words`: what was typed, by that text; `by_client`:
    whether only the client can say so; `by_user`: whether it is certain, too, that the user typed the words. Else the
    user, a hook or a program may have; if not even `by_client`, all of it is a tool's."""
    if by_client and (by_user or not words):
        return ToolOutcome("denied", output, never_ran=True, user_words=words)
    speaker = "refused, with the words" if by_client else "tool refused, it said"
    return ToolOutcome("error", f"{speaker}: {words}" if words else output)


class Endings(msgspec.Struct, frozen=True, kw_only=True):
    r"""What a client writes into the output of a call that failed.

    >>> Endings(exited=re.compile(r"\s*exit code (\d+)")).outcome("shell", "2 failed\nexit code 1", failed=True)
    ToolOutcome(status='error', output='2 failed', exit_code=1, never_ran=False, user_words='')
    """

    exited: re.Pattern[str]
    """It is taken out; its group is the exit code, if there is one."""
    interrupted: re.Pattern[str] | None = None
    """It is taken out."""
    never_ran: re.Pattern[str] | None = None
    """The beginning of the output of a call that was not made."""

    def outcome(self, op: Op, output: str, *, failed: bool, by_client: bool = True) -> ToolOutcome:
        """Returns how a call ended of which only the output says more than whether it failed. `by_client`: whether that
        can't be what the tool itself printed."""
        if not failed:
            return ToolOutcome("ok", output, exit_code=0 if op == "shell" else None)
        if by_client and self.interrupted is not None and self.interrupted.search(output):
            return ToolOutcome("interrupted", self.interrupted.sub("", output))
        never_ran = self.never_ran is not None and self.never_ran.match(output) is not None
        exited = self.exited.search(output) if by_client else None
        if exited is None:
            return ToolOutcome("error", output, never_ran=never_ran)
        code = int(exited[1]) if exited[1] else None
        text = output[: exited.start()] + output[exited.end() :]
        return ToolOutcome("error", text, exit_code=code, never_ran=never_ran)
