"""Has an export shortened by an Ollama on this machine, never on another one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from http.client import HTTP_PORT, HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec

from carryover.decoders import decoder_of
from carryover.errors import ExitCode, UserError
from carryover.export.document import DocumentForChat
from carryover.export.quoting import code_span
from carryover.export.quoting import quoted_line as safe_line
from carryover.export.shorten import INSTRUCTION, answered, prompt_for_part, splits
from carryover.terminal.output import Progress
from carryover.text.harmless import one_line

_VARIABLE: Final = "OLLAMA_HOST"
EXAMPLE_MODEL: Final = "qwen2.5:7b"
_PORT: Final = 11434
_LISTENING: Final = {"": "127.0.0.1", "localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""What a client connects to, by what a server listens on."""
_ANSWER_TOKENS: Final = 2048
_OPTIONS: Final = {"temperature": 0, "seed": 1, "num_ctx": 8192, "num_predict": _ANSWER_TOKENS}
SILENT_S: Final = 600.0
"""How long to wait for the next word: before the first one, a large model is read from the disk."""
_MOST_LINE_BYTES: Final = 1 << 20
_MOST_ANSWER_CHARS: Final = _ANSWER_TOKENS * 16

Server = tuple[str, int]
"""Host and port."""


class _Model(msgspec.Struct, frozen=True):
    """A model that Ollama knows, on this machine or on another.

    >>> _Model("qwen2.5:7b").is_here, _Model("gpt-oss:120b-cloud").is_here
    (True, False)
    """

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


def shortened(document: DocumentForChat, source_name: str, model: str | None) -> tuple[DocumentForChat, str, int]:
    """Returns the document in the words of a model, the model's name, and how many sentences bring something that the
    whole document does not have. It names `source_name`, the file with that.

    `model`: its name; None for the only one there is. On a terminal, shows how far it is. Raises UserError if
    OLLAMA_HOST is another machine, or Ollama or the model is missing, fails or stalls.
    """
    server = address(os.environ.get(_VARIABLE))
    where = f"{server[0]}:{server[1]}"
    progress = Progress(only_terminal=True)
    try:
        return _shortened(document, source_name, server, model, progress)
    except ConnectionRefusedError as error:
        raise UserError(
            f"No Ollama answers on {where}. Start it with `ollama serve`; if it is not installed, "
            "https://ollama.com/download has it."
        ) from error
    except (OSError, HTTPException, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(
            f"What answers on {where} broke off ({one_line(str(error), 200) or type(error).__name__}). If it is "
            "an Ollama, `ollama ps` shows what it is doing; a smaller model may be fast enough."
        ) from error
    finally:
        progress.clear()


def _shortened(
    document: DocumentForChat, source_name: str, server: Server, wanted: str | None, progress: Progress
) -> tuple[DocumentForChat, str, int]:
    model = _chosen(server, wanted)
    parts = splits(document.body)
    texts = []
    marked = 0
    for number, part in enumerate(parts):
        text, marks = answered(part, _answer(server, model, part, progress, number / len(parts)))
        texts.append(text.strip("\n"))
        marked += marks
    note = _note_on(document, source_name, model, marked)
    return document.with_body("\n\n".join(texts), note), model, marked


def _note_on(document: DocumentForChat, source_name: str, model: str, marked: int) -> str:
    """Returns what a shortened document says of itself, and of the whole one."""
    digest = hashlib.sha256(document.text.encode("utf-8", "replace")).hexdigest()
    so = f"{marked} sentences are marked so" if marked > 1 else "one sentence is" if marked else "none is"
    return (
        f"A language model ({safe_line(model)}) on the user's machine shortened {code_span(source_name)} (SHA-256 "
        f"{digest}). That file is the source of truth: ask for it, or for a part of it, if this one is unclear. Each "
        "sentence with a number, path, name or quotation that is not in the part it was made from is marked "
        f"`[not in the source: ...]`; {so}. Whether the other sentences are true was not checked."
    )


def address(value: str | None) -> Server:
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
        f"{_VARIABLE} is {one_line(text, 80)!r}, which is not an address of this machine, as http://127.0.0.1:{_PORT} "
        f"is. Only an Ollama here is asked to shorten a document. If one runs here, run `unset {_VARIABLE}`.",
        ExitCode.REFUSED,
    )


def _chosen(server: Server, wanted: str | None) -> str:
    """Returns the name of the only model, or of the only one that is `wanted`, that runs on this machine."""
    models = (model for reply in _replies(server, "GET", "/api/tags") for model in reply.models)
    names = [model.name for model in models if model.is_here]
    meant = [name for name in names if wanted is None or name in (wanted, f"{wanted}:latest")]
    if len(meant) == 1:
        return meant[0]
    listed = ", ".join(one_line(name, 60) for name in names[:8]) or "none"
    raise UserError(
        f"Ollama does not run {wanted or 'just one model'} on this machine. It has here: {listed}. Name one, as in "
        f"`--compress ollama:{EXAMPLE_MODEL}`; `ollama pull {wanted or EXAMPLE_MODEL}` fetches one."
    )


def _answer(server: Server, model: str, part: str, progress: Progress, share: float) -> str:
    """Returns the answer, with `[…]` at its end if it was cut there."""
    request = {
        "model": model,
        "system": INSTRUCTION,
        "prompt": prompt_for_part(part),
        "stream": True,
        "options": _OPTIONS,
    }
    text = ""
    size = 0
    progress.update(share, model)
    for reply in _replies(server, "POST", "/api/generate", msgspec.json.encode(request)):
        text += reply.response
        size += len(reply.response) + len(reply.thinking)
        progress.update(share, f"{model}: {size:,} characters")
        if reply.done or size > _MOST_ANSWER_CHARS:
            is_whole = reply.done and reply.done_reason != "length"
            return text if is_whole or not text.strip() else f"{text} […]"
    raise ConnectionError("in the middle of its answer")


def _replies(server: Server, method: str, path: str, body: bytes | None = None) -> Iterator[_Reply]:
    """Yields the lines of an answer. http.client follows no redirect and knows no proxy."""
    with closing(HTTPConnection(*server, timeout=SILENT_S)) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        if response.status != HTTPStatus.OK:
            why = one_line(response.read(_MOST_LINE_BYTES).decode("utf-8", "replace"), 200)
            raise UserError(f"Ollama refused with HTTP {response.status}: {why}")
        while line := response.readline(_MOST_LINE_BYTES):
            reply = decoder_of(_Reply).decode(line)
            if reply.error:
                raise UserError(f"Ollama stopped: {one_line(reply.error, 200)}.")
            yield reply
