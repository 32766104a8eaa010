"""What a process that reads ahead and the one that started it say to each other: frames of msgpack on a socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from carryover.adapter.contract import Source
from carryover.facts import ProjectRoot
from carryover.ingest.prepare import Step
from carryover.ledger.batch import Entry, PreparedBatch, SourceState

_LENGTH: Final = struct.Struct(">Q")

T = TypeVar("T")


class Message(msgspec.Struct, frozen=True, tag_field="kind", array_like=True):
    """Any of the messages below."""


class SetUp(Message, frozen=True, tag="set-up"):
    """The first message: where agents' packages are, and the version of the program that the sender is of."""

    agents_path: tuple[str, ...]
    program: str


class Begin(Message, frozen=True, tag="begin"):
    """Prepare the first batch of `source` after `state`. `job` comes back with each of its batches."""

    job: int
    source: Source
    state: SourceState | None
    now_ms: int


class Continue(Message, frozen=True, tag="continue"):
    """Prepare the next batch of the job, as though all before it were committed."""

    job: int
    now_ms: int


class Root(Message, frozen=True, tag="root"):
    """The answer to `WhichRoot`; None if there is none that could be sent."""

    root: ProjectRoot | None


class Ready(Message, frozen=True, tag="ready"):
    """Everything is loaded, and both sides are of the same version."""


class WhichRoot(Message, frozen=True, tag="which-root"):
    """Which project does this folder belong to? Nothing else is sent until that is answered."""

    folder: str


class Prepared(Message, frozen=True, tag="prepared"):
    """A batch: `step` is the msgpack of a `Step`. `more`: it is not the source's last."""

    job: int
    more: bool
    step: bytes


class Declined(Message, frozen=True, tag="declined"):
    """This batch cannot be prepared here, for whatever reason: the other side finds out by trying itself."""

    job: int


class _SentEntry(Entry, frozen=True, kw_only=True):
    body: Any  # msgspec decodes no union of text and bytes


class _SentBatch(PreparedBatch, frozen=True, kw_only=True):
    entries: tuple[_SentEntry, ...] = ()


class SentStep(Step, frozen=True, kw_only=True):
    """A step as it is decoded."""

    prepared: _SentBatch | None


ToWorker = SetUp | Begin | Continue | Root
FromWorker = Ready | WhichRoot | Prepared | Declined


def send(channel: socket.socket, message: Message) -> None:
    """Sends one message. Raises OSError if the other side is gone, UnicodeEncodeError for a text that is no UTF-8."""
    encoded = msgspec.msgpack.encode(message)
    channel.sendall(_LENGTH.pack(len(encoded)))
    channel.sendall(encoded)


def messages(channel: socket.socket, decoder: msgspec.msgpack.Decoder[T]) -> Iterator[T]:
    """The messages from the other side, until it closes the channel. Raises OSError and msgspec.MsgspecError."""
    with channel.makefile("rb") as stream:
        while len(head := stream.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(head)
            encoded = stream.read(length)
            if len(encoded) < length:
                return
            yield decoder.decode(encoded)
