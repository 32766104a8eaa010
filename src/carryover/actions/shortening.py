"""Has an export shortened by an Ollama on this machine, never another host or user, and checks its answers."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from carryover.errors import ExitCode, UserError
from carryover.export.document import Document, Request, framed
from carryover.export.material import Material
from carryover.export.pieces import tokens_in
from carryover.export.quoting import code_span
from carryover.export.quoting import one_line as safe_line
from carryover.export.shorten import INSTRUCTION, answered, is_worth_asking, parts_of, question
from carryover.platform import here
from carryover.probe.connections import is_of_the_system
from carryover.terminal.output import one_line

VARIABLE: Final = "OLLAMA_HOST"
EXAMPLE_MODEL: Final = "qwen2.5:7b"
_PORT: Final = 11434
_PORTS: Final = {"http": 80, "https": 443}
_ANSWER_TOKENS: Final = 2048
_OPTIONS: Final = {"temperature": 0, "seed": 1, "num_ctx": 8192, "num_predict": _ANSWER_TOKENS}
FIRST_S: Final = 600.0
"""How long to wait for the first word of an answer: a large model is read from the disk before it."""
NEXT_S: Final = 60.0
ACCEPTED_S: Final = 5.0
"""How long to wait until a process has accepted the connection, before which it has no owner."""
_LOOK_EVERY_S: Final = 0.01
_MOST_LINE_BYTES: Final = 1 << 20
_MOST_ANSWER_CHARS: Final = _ANSWER_TOKENS * 16
_MOST_ANSWER_BYTES: Final = 64 << 20
_NOT_OLLAMA: Final = "What answers on {} does not speak like Ollama. Is another program on that port?"
_ENDED: Final = "Ollama on {} ended in the middle of its answer. Its log says why."
_EXPLAINED: Final[dict[type[Exception], str]] = {
    ConnectionRefusedError: "No Ollama answers on {}. Start it with `ollama serve`; if it is not installed, "
    "https://ollama.com/download has it.",
    TimeoutError: "Ollama on {} sends nothing more. `ollama ps` shows what it is doing; a smaller model may be fast "
    "enough.",
    **dict.fromkeys((OSError, http.client.HTTPException), _ENDED),
    **dict.fromkeys((msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError), _NOT_OLLAMA),
}
"""What to tell the user of an error of the connection, by the first class that it belongs to; {} is the server."""


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
    def is_remote(self) -> bool:
        return bool(self.remote_host or self.remote_model) or self.name.endswith(("-cloud", ":cloud"))


class _Models(msgspec.Struct, frozen=True):
    models: tuple[_Model, ...] = ()


class _Line(msgspec.Struct, frozen=True):
    response: str = ""
    thinking: str = ""
    done: bool = False
    done_reason: str = ""
    error: str = ""


def shortened(
    document: Document,
    material: Material,
    request: Request,
    source_name: str,
    model: str | None,
    report: Callable[[float, str], None],
    *,
    any_owner: bool = False,
) -> Shortened:
    """Returns the document in the words of a model; it names `source_name`, the file with the whole document.

    `model`: its name; None for the only one there is. `report` receives the progress as a share and a text.
    `any_owner`: whosever process Ollama is. Raises UserError if OLLAMA_HOST is another machine, or Ollama or the model
    is missing, fails, stalls or is another user's.
    """
    server = _Server(address(os.environ.get(VARIABLE)), any_owner=any_owner)
    parts = parts_of(document.body)
    asked = [part for part in parts if is_worth_asking(part)]
    name = ""
    answers: dict[str, str] = {}

    def count(size: int) -> None:
        done = len(answers)
        report(done / len(asked), f"{name}: part {done + 1} of {len(asked)}, {size:,} characters")

    with server.explained():
        name = _chosen(server.models(), model)
        for part in asked:
            given = {"model": name, "system": INSTRUCTION, "prompt": question(part)}
            answers[part] = server.answer({**given, "stream": True, "options": _OPTIONS}, count)
    results = [answered(part, answers.get(part, "")) for part in parts]
    marked = sum(result.marked for result in results)
    body = "\n\n".join(result.text.strip("\n") for result in results)
    text = framed(body, material, request, _note(document, source_name, name, marked))
    return Shortened(text=text, tokens=tokens_in(text, percent=request.tokens_percent), model=name, marked=marked)


def _note(document: Document, source_name: str, model: str, marked: int) -> str:
    digest = hashlib.sha256(document.text.encode("utf-8", "replace")).hexdigest()
    found = f"{marked} sentences are marked so" if marked > 1 else "one sentence is" if marked else "none is"
    return (
        f"A language model ({safe_line(model)}) on the user's machine shortened {code_span(source_name)} (SHA-256 "
        f"{digest}). That file is the source of truth: ask for it, or for a part of it, if this one is unclear. Each "
        "sentence with a number, path, name or quotation that is not in the part it was made from is marked "
        f"`[not in the source: ...]`; {found}. Whether the other sentences are true was not checked."
    )


def address(value: str | None) -> str:
    """Returns the loopback URL that OLLAMA_HOST's value means. Raises UserError (REFUSED) if it means anything else."""
    text = (value or "").strip().strip("'\"").rstrip("/")
    bare = f"[{text}]" if text.count(":") > 1 and not {"[", "/"} & {*text} else text
    try:
        parts = urlsplit(bare if "://" in bare else f"http://{bare}")
        port = parts.port or (_PORTS.get(parts.scheme, _PORT) if "://" in text else _PORT)
        if (host := _loopback(parts)) and parts.scheme in _PORTS:
            return f"{parts.scheme}://{host}:{port}{parts.path}"
    except ValueError:
        pass
    raise UserError(
        f"{VARIABLE} is {one_line(text, 80)!r}, which is not an address of this machine. Only an Ollama on 127.0.0.1 "
        f"is asked to shorten a document. If one runs here, run `unset {VARIABLE}`.",
        ExitCode.REFUSED,
    )


def _loopback(parts: SplitResult) -> str | None:
    """Returns the loopback address to connect to; None for any other host. Raises ValueError for other names."""
    name = parts.hostname or ""
    if {"@", "%"} & {*parts.netloc} or parts.query or parts.fragment:
        return None
    if name in ("", "localhost"):
        return "127.0.0.1"
    found = ipaddress.ip_address(name)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_unspecified:  # what a server listens on; a client reaches it by loopback
        found = ipaddress.ip_address("::1" if found.version == 6 else "127.0.0.1")
    if not found.is_loopback:
        return None
    return f"[{found}]" if found.version == 6 else str(found)


def _user_name(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user with the number {uid}"


def _chosen(models: Sequence[_Model], wanted: str | None) -> str:
    here = [model.name for model in models if not model.is_remote]
    listed = ", ".join(one_line(name, 60) for name in here[:8]) or "none"
    if wanted is None:
        if len(here) == 1:
            return here[0]
        if not here:
            raise UserError(f"Ollama has no model on this machine. `ollama pull {EXAMPLE_MODEL}` fetches one.")
        raise UserError(f"Ollama has several models: {listed}. Name one, as in `--compress ollama:{here[0]}`.")
    found = next((model for model in models if model.name in (wanted, f"{wanted}:latest")), None)
    if found is None:
        raise UserError(
            f"Ollama does not have the model {wanted} (it has: {listed}). `ollama pull {wanted}` fetches it."
        )
    if found.is_remote:
        raise UserError(
            f"The model {wanted} does not run on this machine: Ollama sends what it is given to "
            f"{one_line(found.remote_host or 'a server', 80)}. Name a model that runs here (it has: {listed}).",
            ExitCode.REFUSED,
        )
    return found.name


class _Server:
    """Sends requests with http.client, which follows no redirect and knows no proxy.

    Before anything is sent on a connection, its owner is looked up, unless `any_owner`.
    """

    def __init__(self, url: str, *, any_owner: bool) -> None:
        parts = urlsplit(url)
        self._any_owner = any_owner
        self._place = parts.netloc
        self._path = parts.path
        self._address = (parts.hostname or "", parts.port)
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._until_s = 0.0

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns errors of the connection into UserErrors."""
        try:
            yield
        except tuple(_EXPLAINED) as error:
            why = next(words for kind, words in _EXPLAINED.items() if isinstance(error, kind))
            raise UserError(why.format(self._place)) from error

    def models(self) -> tuple[_Model, ...]:
        return msgspec.json.decode(b"".join(self._pieces("GET", "/api/tags", NEXT_S)), type=_Models).models

    def answer(self, asked: dict[str, Any], report: Callable[[int], None]) -> str:
        """Returns the answer, with `[…]` at its end if it was cut there. `report` receives its length as it grows."""
        text = ""
        size = 0
        report(size)
        for line in self._lines_of_answer(asked):
            text += line.response
            grown = len(line.response) + len(line.thinking)
            size += grown
            if line.done or size > _MOST_ANSWER_CHARS:
                is_whole = not text.strip() or (line.done and line.done_reason != "length")
                return text if is_whole else f"{text} […]"
            if grown:
                report(size)
                self._until_s = time.monotonic() + NEXT_S
        raise ConnectionError

    def _lines_of_answer(self, asked: dict[str, Any]) -> Iterator[_Line]:
        rest = b""
        for piece in self._pieces("POST", "/api/generate", FIRST_S, msgspec.json.encode(asked)):
            *complete, rest = (rest + piece).split(b"\n")
            if len(rest) > _MOST_LINE_BYTES:
                raise OverflowError
            for line in [msgspec.json.decode(line, type=_Line) for line in complete if line.strip()]:
                if line.error:
                    raise UserError(f"Ollama stopped: {one_line(line.error, 200)}.")
                yield line

    def _pieces(self, method: str, path: str, wait_s: float, body: bytes | None = None) -> Iterator[bytes]:
        """Yields the answer as it comes, as long as something comes before `_until_s`."""
        self._until_s = time.monotonic() + wait_s
        connection = self._kind(*self._address, timeout=wait_s)
        connection.auto_open = 0  # on a new connection, another process could answer
        try:
            connection.connect()
            if not self._any_owner:
                self._check_owner(connection.sock)
            connection.request(method, f"{self._path}{path}", body, {"Content-Type": "application/json"})
            channel = connection.sock  # a response that ends the connection takes it over
            response = connection.getresponse()
            self._check(response)
            left = _MOST_ANSWER_BYTES
            while piece := response.read1(1 << 16):
                yield piece
                left -= len(piece)
                left_s = self._until_s - time.monotonic()
                if left < 0:
                    raise OverflowError
                if left_s <= 0:
                    raise TimeoutError
                channel.settimeout(left_s)
        finally:
            connection.close()

    def _check_owner(self, channel: socket.socket) -> None:
        """Raises UserError (REFUSED) if the process that accepted the connection is another person's, or not found.

        Where the system does not tell, as on macOS, nothing is known of it.
        """
        peer = channel.getpeername()[:2]
        own = channel.getsockname()[:2]
        until_s = time.monotonic() + ACCEPTED_S
        while (owners := here().connection_owners(peer, own)) is not None and not owners and time.monotonic() < until_s:
            time.sleep(_LOOK_EVERY_S)
        if owners is None:
            return
        others = [uid for uid in owners if uid != os.geteuid() and not is_of_the_system(uid)]
        if owners and not others:
            return
        whose = f"belongs to {_user_name(others[0])}" if others else "belongs to a process that was not found"
        raise UserError(
            f"What answers on {self._place} {whose}, not to you or a service of this machine, so it was given nothing. "
            "If it is an Ollama that you trust with this project, run the command again with --any-ollama.",
            ExitCode.REFUSED,
        )

    def _check(self, response: http.client.HTTPResponse) -> None:
        if 300 <= response.status < 400:
            raise UserError(
                f"Ollama on {self._place} sends to another address, which is not followed.", ExitCode.REFUSED
            )
        if response.status != 200:
            why = ""
            with suppress(ValueError):
                why = one_line(msgspec.json.decode(response.read(_MOST_LINE_BYTES), type=_Line).error, 200)
            raise UserError(f"Ollama on {self._place} refused: {why or f'HTTP {response.status}'}.")
