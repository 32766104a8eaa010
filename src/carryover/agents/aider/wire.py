"""The records that Aider's history reader produces, one per block (seen: 0.82.3, 0.86.2)."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from carryover.adapter.event_builder import OpenCall, SessionContext

MAX_EDITS: Final = 50
"""Of one answer."""
MAX_COMMITS: Final = 20
MAX_KEYS: Final = 50
MAX_INPUTS: Final = 300
"""Different inputs of one session that are counted."""
MAX_LINT_CHARS: Final = 3_000


class Commit(msgspec.Struct, frozen=True):
    """A commit that Aider made and that `/undo` may revert."""

    id: str
    place: tuple[str, ...]
    """Keys of the events of its edits."""


class Context(SessionContext, frozen=True, omit_defaults=True):
    """The state of a chat history between two blocks.

    `last_ms`: the time of the last input, plus 1 ms for each item since.
    """

    session: str = ""
    items: int = 0
    """Prompts, answers and messages of the session so far."""
    inputs: dict[int, int] = msgspec.field(default_factory=dict)
    """How often each input of the session was given so far, by its digest."""
    prompt: int = 0
    """Digest of the last input and of how often it was given before; 0 before the first one."""
    since: int = 0
    """Answers and messages since the last input."""
    mark: int = 0
    """Digest of the item that is parsed, 0 for an input."""
    reported_ms: int = 0
    """The latest time of an event, UTC milliseconds."""
    windows: bool = False
    """Paths are written with backslashes."""
    whole_files: bool = False
    """A model writes its edits as whole files."""
    test_command: str = ""
    auto_test: bool = False
    """Tests are run after each edit."""
    in_turn: bool = False
    """The model was asked and has not answered."""
    interrupted: bool = False
    answer: int = 0
    """Digest of the last answer: in architect mode it is given to the editor model in the form of a prompt."""
    repeated: int = 0
    """Digest of the words that a command was given: they come once more, as a separate prompt."""
    call: OpenCall | None = None
    edits: tuple[OpenCall, ...] = ()
    """Those that the last answer asks for, each with its change, until Aider says what became of them."""
    silent: bool = False
    """The last answer has no words beside its edits."""
    message: str = ""
    """The last message: a question about a file is asked after its path."""
    new_path: tuple[str, ...] = ()
    """Files that the user let Aider create."""
    own_commit: bool = True
    """False: the next commit is of changes that were there before."""
    turn: tuple[str, ...] = ()
    """Keys of the events of edits that are not committed yet."""
    untested: bool = False
    """Files were changed, and no test has been seen since."""
    commits: tuple[Commit, ...] = ()
    lint: str | None = None
    """What the linter has said so far; None: it says nothing now."""


PROMPT: Final = "prompt"
MODEL: Final = "model"
MESSAGES: Final = "messages"
START: Final = "start"

_LATEST_MS: Final = 1 << 52


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """One block of a chat history, with what its position in the file adds to it."""

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
    typed: bool = True
    """False: there is an input history, and it does not have this prompt."""


DECODER: Final = msgspec.json.Decoder(Block)
