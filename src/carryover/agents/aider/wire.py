"""What the reader of Aider's history gives: one block of the file as a record (seen: 0.82.3, 0.86.2)."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

PROMPT: Final = "prompt"
MODEL: Final = "model"
MESSAGES: Final = "messages"
START: Final = "start"

_LATEST_MS: Final = 1 << 52


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """One block of a chat history, with what its place in the file says of it."""

    kind: str
    """`start`: the header of a session; `prompt`: the user's lines; `model`: an answer; `messages`: Aider's own."""
    at_ms: Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)] = 0
    """UTC milliseconds of the last input before it, else of its session's start; 0 where no header was seen."""
    seen_ms: Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)] = 0
    """UTC milliseconds of the last write of the file when the block was read, if it belongs to the last turn then; 0
    for others, which were written long before."""
    session: str = ""
    """Id of its session; empty before the first header."""
    text: str = ""
    """Of prompts and answers."""
    messages: tuple[str, ...] = ()
    """Aider's own, without the marks; one may have several lines."""


DECODER: Final = msgspec.json.Decoder(Block)
