"""Has an export shortened by an Ollama on this machine, never on another one or of another user."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from http import HTTPStatus
from http.client import HTTP_PORT, HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.export.document import framed
from carryover.export.pieces import tokens_in
from carryover.export.quoting import code_span
from carryover.export.quoting import one_line as safe_line
from carryover.export.shorten import INSTRUCTION, answered, parts_of, question
from carryover.past.chat_document import ForChat
from carryover.platform import here
from carryover.probe.connections import is_of_the_system
from carryover.terminal.output import one_line

VARIABLE: Final = "OLLAMA_HOST"
EXAMPLE_MODEL: Final = "qwen2.5:7b"
_PORT: Final = 11434
_LISTENING: Final = {"": "127.0.0.1", "localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""What a client connects to, by what a server listens on."""
_ANSWER_TOKENS: Final = 2048
_OPTIONS: Final = {"temperature": 0, "seed": 1, "num_ctx": 8192, "num_predict": _ANSWER_TOKENS}
FIRST_S: Final = 600.0
"""How long to wait for the first word of an answer: a large model is read from the disk before it."""
NEXT_S: Final = 60.0
LONGEST_S: Final = 1800.0
"""How long an answer may take. It is cut there, and where it is too long."""
ACCEPTED_S: Final = 5.0
"""How long to wait until a process has accepted the connection, before which it has no owner."""
_LOOK_EVERY_S: Final = 0.01
_MOST_LINE_BYTES: Final = 1 << 20
_MOST_ANSWER_CHARS: Final = _ANSWER_TOKENS * 16


class Shortened(msgspec.Struct, frozen=True, kw_only=True):
    """A shortened document. `marked`: how many sentences bring something that the source does not have."""

    text: str
    tokens: int
    model: str
    marked: int


class _Model(msgspec.Struct, frozen=True):
    name: str
    remote_host: str | None = None
    remote_model: str | None = None

    @property
    def is_here(self) -> bool:
        return not (self.remote_host or self.remote_model or self.name.endswith(("-cloud", ":cloud")))


class _Reply(msgspec.Struct, frozen=True):
    """A line of what Ollama answers: the list of its models, or a piece of a text."""

    models: tuple[_Model, ...] = ()
    response: str = ""
    thinking: str = ""
    done: bool = False
    done_reason: str = ""
    error: str = ""


def shortened(
    made: ForChat, source_name: str, model: str | None, report: Callable[[float, str], None], *, any_owner: bool = False
) -> Shortened:
    """Returns the document in the words of a model; it names `source_name`, the file with the whole document.

    `model`: its name; None for the only one there is. `report` receives the progress as a share and a text.
    `any_owner`: whosever process Ollama is. Raises UserError if OLLAMA_HOST is another machine, or Ollama or the model
    is missing, fails, stalls or is another user's.
    """
    host, port = address(os.environ.get(VARIABLE))
    try:
        return _shortened(made, source_name, _Ollama(host, port, any_owner=any_owner), model, report)
    except ConnectionRefusedError as error:
        raise UserError(
            f"No Ollama answers on {host}:{port}. Start it with `ollama serve`; if it is not installed, "
            "https://ollama.com/download has it."
        ) from error
    except (OSError, HTTPException, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(
            f"What answers on {host}:{port} broke off ({one_line(str(error), 200) or type(error).__name__}). If it is "
            "an Ollama, `ollama ps` shows what it is doing; a smaller model may be fast enough."
        ) from error


def _shortened(
    made: ForChat, source_name: str, ollama: _Ollama, model: str | None, report: Callable[[float, str], None]
) -> Shortened:
    name = _chosen(ollama.models(), model)
    parts = parts_of(made.document.body)
    results = []
    for at, part in enumerate(parts):
        progress = partial(report, at / len(parts))
        results.append(answered(part, ollama.answer(name, part, progress)))
    marked = sum(result.marked for result in results)
    body = "\n\n".join(result.text.strip("\n") for result in results)
    text = framed(body, made.material, made.request, _note(made, source_name, name, marked))
    tokens = tokens_in(text, percent=made.request.tokens_percent)
    return Shortened(text=text, tokens=tokens, model=name, marked=marked)


def _note(made: ForChat, source_name: str, model: str, marked: int) -> str:
    digest = hashlib.sha256(made.document.text.encode("utf-8", "replace")).hexdigest()
    found = f"{marked} sentences are marked so" if marked > 1 else "one sentence is" if marked else "none is"
    return (
        f"A language model ({safe_line(model)}) on the user's machine shortened {code_span(source_name)} (SHA-256 "
        f"{digest}). That file is the source of truth: ask for it, or for a part of it, if this one is unclear. Each "
        "sentence with a number, path, name or quotation that is not in the part it was made from is marked "
        f"`[not in the source: ...]`; {found}. Whether the other sentences are true was not checked."
    )


def address(value: str | None) -> tuple[str, int]:
    """Returns the loopback address and port that OLLAMA_HOST's value means. Raises UserError (REFUSED) if none."""
    text = (value or "").strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host = _LISTENING.get(parts.hostname or "", parts.hostname or "")
        if parts.scheme == "http" and parts.path in ("", "/") and ip_address(host).is_loopback:
            return host, parts.port or (HTTP_PORT if "://" in text else _PORT)
    except ValueError:
        pass
    raise UserError(
        f"{VARIABLE} is {one_line(text, 80)!r}, which is not an address of this machine, as http://127.0.0.1:{_PORT} "
        f"is. Only an Ollama here is asked to shorten a document. If one runs here, run `unset {VARIABLE}`.",
        ExitCode.REFUSED,
    )


def _chosen(models: Sequence[_Model], wanted: str | None) -> str:
    here = [model.name for model in models if model.is_here]
    meant = [name for name in here if wanted is None or name in (wanted, f"{wanted}:latest")]
    if len(meant) == 1:
        return meant[0]
    listed = ", ".join(one_line(name, 60) for name in here[:8]) or "none"
    raise UserError(
        f"Ollama does not run {wanted or 'just one model'} on this machine. It has here: {listed}. Name one, as in "
        f"`--compress ollama:{EXAMPLE_MODEL}`; `ollama pull {wanted or EXAMPLE_MODEL}` fetches one."
    )


class _Ollama:
    """Asks with http.client, which follows no redirect and knows no proxy.

    Before anything is sent on a connection, its owner is looked up, unless `any_owner`.
    """

    def __init__(self, host: str, port: int, *, any_owner: bool) -> None:
        self._host = host
        self._port = port
        self._any_owner = any_owner

    def models(self) -> list[_Model]:
        return [model for reply in self._replies("GET", "/api/tags") for model in reply.models]

    def answer(self, model: str, part: str, report: Callable[[str], None]) -> str:
        """Returns the answer, with `[…]` at its end if it was cut there. `report` receives how far it is."""
        asked = {"model": model, "system": INSTRUCTION, "prompt": question(part), "stream": True, "options": _OPTIONS}
        until_s = time.monotonic() + LONGEST_S
        text = ""
        size = 0
        report(model)
        for reply in self._replies("POST", "/api/generate", msgspec.json.encode(asked)):
            text += reply.response
            size += len(reply.response) + len(reply.thinking)
            report(f"{model}: {size:,} characters")
            if reply.done or size > _MOST_ANSWER_CHARS or time.monotonic() > until_s:
                is_whole = reply.done and reply.done_reason != "length"
                return text if is_whole or not text.strip() else f"{text} […]"
        raise ConnectionError("in the middle of its answer")

    def _replies(self, method: str, path: str, body: bytes | None = None) -> Iterator[_Reply]:
        with closing(HTTPConnection(self._host, self._port, timeout=FIRST_S)) as connection:
            connection.connect()
            channel = connection.sock  # a response that ends the connection takes it over
            if not self._any_owner:
                self._check_owner(channel)
            connection.request(method, path, body)
            response = connection.getresponse()
            if response.status != HTTPStatus.OK:
                why = one_line(response.read(_MOST_LINE_BYTES).decode("utf-8", "replace"), 200)
                raise UserError(f"Ollama refused with HTTP {response.status}: {why}")
            while line := response.readline(_MOST_LINE_BYTES):
                reply = msgspec.json.decode(line, type=_Reply)
                if reply.error:
                    raise UserError(f"Ollama stopped: {one_line(reply.error, 200)}.")
                yield reply
                channel.settimeout(NEXT_S)

    def _check_owner(self, channel: socket.socket) -> None:
        """Raises UserError (REFUSED) if the process that accepted the connection is another person's, or not found.

        Where the system does not tell, as on macOS, nothing is known of it.
        """
        ends = channel.getpeername()[:2], channel.getsockname()[:2]
        until_s = time.monotonic() + ACCEPTED_S
        while (owners := here().connection_owners(*ends)) == set() and time.monotonic() < until_s:
            time.sleep(_LOOK_EVERY_S)
        if owners is None or (owners and all(uid == os.geteuid() or is_of_the_system(uid) for uid in owners)):
            return
        raise UserError(
            f"What answers on {self._host}:{self._port} was not found to be yours or a service of this machine, so "
            "it was given nothing. If it is an Ollama that you trust with this project, add --any-ollama.",
            ExitCode.REFUSED,
        )
