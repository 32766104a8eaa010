"""The records that Aider's history reader produces, one per block (seen: 0.82.3, 0.86.2)."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from carryover.adapter.event_builder import OpenCall, SessionContext

MAX_EDITS: Final = 50
"""Most edits kept of one answer."""
MAX_COMMITS: Final = 20
MAX_KEYS: Final = 50
MAX_INPUTS: Final = 300
"""Most different inputs of one session that are counted."""
MAX_LINT_CHARS: Final = 3_000


class Commit(msgspec.Struct, frozen=True):
    """A commit that Aider made and that `/undo` may revert."""

    id: str
    place: tuple[str, ...]
    """Keys of its edits' events."""


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of the session that was read last, between two blocks.

    `last_ms`: the time of the last input, plus 1 ms for each item since.
    """

    session: str = ""
    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    items: int = 0
    """Prompts, answers and messages of the session so far."""
    inputs: dict[int, int] = msgspec.field(default_factory=dict)
    """Number of times each input of the session was given so far, by digest."""
    prompt: int = 0
    """Digest of the last input and its number of repetitions; 0 before the first input."""
    since: int = 0
    """Answers and messages since the last input."""
    mark: int = 0
    """Digest of the current item, 0 for an input."""
    reported_ms: int = 0
    """UTC milliseconds of the latest event."""
    whole_files: bool = False
    """Whether the model writes its edits as whole files."""
    test_command: str = ""
    auto_test: bool = False
    """Whether tests run after each edit."""
    in_turn: bool = False
    """Whether the model was asked and has not answered."""
    interrupted: bool = False
    answer: int = 0
    """Digest of the last answer. In architect mode, the editor model gets it as a prompt."""
    repeated: int = 0
    """Digest of the text given to a command, which is repeated as a separate prompt."""
    call: OpenCall | None = None
    edits: tuple[OpenCall, ...] = ()
    """Edits that the last answer asks for, each with its change, until Aider reports their outcome."""
    silent: bool = False
    """Whether the last answer consists of edits only."""
    message: str = ""
    """The last message. A question about a file follows the file's path."""
    new_path: tuple[str, ...] = ()
    """Files that the user let Aider create."""
    own_commit: bool = True
    """False if the next commit contains changes made before."""
    turn: tuple[str, ...] = ()
    """Keys of the events of uncommitted edits."""
    untested: bool = False
    """Whether files were changed without a test since."""
    commits: tuple[Commit, ...] = ()
    lint: str | None = None
    """The linter's output so far; None if it is not printing any."""


BEGIN: Final = "begin"
START: Final = "start"
PROMPT: Final = "prompt"
MODEL: Final = "model"
MESSAGE: Final = "message"

_LATEST_MS: Final = 1 << 52


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """One block of a chat history, with what its position in the file adds to it."""

    kind: str
    """`begin`: blocks of a session follow; `start`: the header of a session; `prompt`: the user's lines; `model`: an
    answer; `message`: one of Aider's own."""
    at_ms: Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)] = 0
    """UTC milliseconds of the last input before it, or else of its session's start."""
    seen_ms: Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)] = 0
    """UTC milliseconds of the file's last write, if the block belonged to the last turn when it was read; 0 for other
    blocks, which were written long before."""
    session: str = ""
    text: str = ""
    """The text, without the marks."""
    typed: bool = True
    """False if there is an input history without this prompt."""
    retried: bool = False
    """Whether Aider tries again after this error."""
    on: bool = False
    """Whether the blocks follow those read before."""
    more: bool = False
    """Whether another batch follows."""


DECODER: Final = msgspec.json.Decoder(Block)
