"""The JSON of the page's own routes; what is known of the past is answered with the types of `carryover.past.types`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs to begin. `token` goes back in the header `X-Carryover-Token` of every POST."""

    token: str
    version: str
    agents: Mapping[str, str]
    """Display names, by id."""
    now_ms: int
    home: str


class KnownHealth(msgspec.Struct, frozen=True):
    """What `carryover doctor --json` printed last, and when it was asked; null and 0 if it was not asked yet."""

    checked_ms: int = 0
    found: msgspec.Raw = msgspec.Raw(b"null")


class CommandBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /ui/api/command`. With `preview`, `forget` only says what would go, `to` only returns the line.

    `forget` takes a session with its `agent`, or the whole project; `note` a `text`; `to` the agent to continue in, and
    like `handoff`, which returns the text, a session with its `session_agent`, or none for that of the project.
    """

    command: Literal["pause", "unpause", "forget", "note", "to", "handoff"]
    project: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
    session: str = ""
    session_agent: str = ""
    agent: str = ""
    text: str = ""
    preview: bool = False


class CommandAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The command, whether it was run, and what it printed; with `to` also the `line` to paste into a terminal."""

    argv: tuple[str, ...]
    ok: bool
    output: str
    line: str = ""
    was_run: bool = True
