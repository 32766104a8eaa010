"""MCP over JSON-RPC 2.0: reads a client's messages and builds the answers. Pure.

Four revisions of MCP begin a session with a handshake, `initialize`. The newest has no handshake: each request names
its revision in `_meta`. The server decides for each request which of the two rules applies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Literal, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import UNSET, Raw, UnsetType

from carryover import __version__
from carryover.decoders import decoder_of
from carryover.faces.mcp.tools import INSTRUCTIONS, TOOLS

_WITH_HANDSHAKE: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Oldest first. The second alone lets a line hold several messages; such a line is refused."""
_WITHOUT_HANDSHAKE: Final = "2026-07-28"

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
UNSUPPORTED_REVISION: Final = -32022

_ROOTS_ID: Final = 1
ASK_ROOTS: Final = b'{"jsonrpc":"2.0","id":1,"method":"roots/list"}'
ROOTS_TOO_LATE: Final = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}'

_SERVER: Final = {"name": "carryover", "version": __version__}
_ABOUT: Final = {"capabilities": {"tools": {"listChanged": False}}, "instructions": INSTRUCTIONS}
_NOT_CACHED: Final = {"cacheScope": "private", "ttlMs": 0}
_MOST_DIGITS: Final = 4_000
"""Python refuses to read longer numbers."""

_NO_PARAMS: Final = Raw(b"{}")
_NULL: Final = Raw(b"null")
RequestId = int | str
_T = TypeVar("_T")


class ClientMessage(msgspec.Struct, frozen=True):
    """A request, a notification (no id) or a response (no method)."""

    jsonrpc: Literal["2.0"]
    id: RequestId | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    params: Raw = _NO_PARAMS
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class Handshake(msgspec.Struct, frozen=True):
    """What the handshake agreed on: the revision (None before it), and whether the client can name its folders."""

    revision: str | None = None
    has_roots: bool = False


class RequestedCall(msgspec.Struct, frozen=True):
    """A call of a tool, to be answered in its own thread. `has_handshake` is False in the newest revision."""

    id: RequestId
    name: str
    arguments: Mapping[str, Any]
    has_handshake: bool


class ErrorAnswer(Exception):
    """A message that gets an error as its answer."""

    def __init__(self, code: int, message: str, **data: Any) -> None:
        super().__init__(message)
        self.error: Final = {"code": code, "message": message, **data}


def _invalid_params() -> ErrorAnswer:
    return ErrorAnswer(INVALID_PARAMS, "Invalid request parameters", data="")


class _Meta(msgspec.Struct, frozen=True):
    """What each request says about the client in the revision without a handshake."""

    revision: str | UnsetType = msgspec.field(name="io.modelcontextprotocol/protocolVersion", default=UNSET)
    capabilities: dict[str, Any] | UnsetType = msgspec.field(
        name="io.modelcontextprotocol/clientCapabilities", default=UNSET
    )


class _Params(msgspec.Struct, frozen=True):
    meta: _Meta | None = msgspec.field(name="_meta", default=None)


class _Capabilities(msgspec.Struct, frozen=True):
    roots: dict[str, Any] | None = None


class _Client(msgspec.Struct, frozen=True):
    name: str
    version: str


class _Initialize(_Params, frozen=True, kw_only=True):
    revision: str = msgspec.field(name="protocolVersion")
    capabilities: _Capabilities
    client: _Client = msgspec.field(name="clientInfo")


class _ListTools(_Params, frozen=True):
    cursor: str | None = None


class _CallTool(_Params, frozen=True, kw_only=True):
    name: str
    arguments: dict[str, Any] | None = None


class _Cancelled(msgspec.Struct, frozen=True):
    id: RequestId = msgspec.field(name="requestId")


class _Root(msgspec.Struct, frozen=True):
    uri: str


class _Roots(msgspec.Struct, frozen=True):
    roots: list[_Root]


_PARAMS: Final[Mapping[str, type[_Params]]] = {
    "initialize": _Initialize,
    "ping": _Params,
    "server/discover": _Params,
    "tools/list": _ListTools,
    "tools/call": _CallTool,
}


def message_in(text: str) -> ClientMessage:
    """Decodes a message. Raises ErrorAnswer if it is not JSON, or not a request, a notification or a response."""
    invalid = ErrorAnswer(INVALID_REQUEST, "Invalid request")
    message = _decoded(text, ClientMessage, invalid)
    is_response = message.result is not UNSET or message.error is not UNSET
    if not is_response and (message.method is UNSET or message.id is None):
        raise invalid
    return message


def reply_to(message: ClientMessage, handshake: Handshake) -> tuple[Handshake, bytes | RequestedCall | None]:
    """Returns the handshake as it is after the message, and the answer: a line to write, a call to make, or None for a
    notification or a response. Raises ErrorAnswer if the answer is an error."""
    if message.method is UNSET or message.id is UNSET or message.id is None:
        return handshake, None
    raw_params = message.params if message.params != _NULL else _NO_PARAMS
    params = _decoded(raw_params, _PARAMS.get(message.method, _Params), _invalid_params())
    names_revision = params.meta is not None and params.meta.revision is not UNSET
    has_handshake = isinstance(params, _Initialize) or not names_revision
    if params.meta is not None and not has_handshake:
        _require_supported(params.meta)
    result: Mapping[str, Any]
    match message.method, params:
        case _, _Initialize(revision=requested, capabilities=capabilities):
            revision = requested if requested in _WITH_HANDSHAKE else _WITH_HANDSHAKE[-1]
            handshake = Handshake(revision, has_roots=capabilities.roots is not None)
            result = {**_ABOUT, "protocolVersion": revision, "serverInfo": _SERVER}
        case "ping", _ if has_handshake:
            result = {}
        case "server/discover", _ if not has_handshake:
            result = {**_ABOUT, "supportedVersions": [_WITHOUT_HANDSHAKE], **_NOT_CACHED}
        case _, _ListTools() | _CallTool() if has_handshake and handshake.revision is None:
            raise _invalid_params()  # before `initialize`; the SDK's server says the same
        case _, _ListTools():
            result = {"tools": TOOLS} if has_handshake else {"tools": TOOLS, **_NOT_CACHED}
        case _, _CallTool(name=name, arguments=arguments):
            return handshake, RequestedCall(message.id, name, arguments or {}, has_handshake)
        case method, _:
            raise ErrorAnswer(METHOD_NOT_FOUND, "Method not found", data=method)
    return handshake, _line_of_result(message.id, result, has_handshake)


def line_of_call(call: RequestedCall, text: str, *, failed: bool) -> bytes:
    """Returns the answer to a call of a tool."""
    result = {"content": [{"text": text, "type": "text"}], "isError": failed}
    return _line_of_result(call.id, result, call.has_handshake)


def line_of_error(request_id: RequestId | None, refused: ErrorAnswer) -> bytes:
    """Returns the answer to a refused request; `request_id` is None if the id could not be read."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "error": refused.error})


def request_id_in(text: str) -> RequestId | None:
    """Returns the id of a request that `message_in` refuses; None if the id can't be read either."""
    with suppress(ValueError, RecursionError):
        request = json.loads(
            text,
            parse_int=lambda digits: int(digits) if len(digits) < _MOST_DIGITS else None,
        )
        match request:
            case {"method": _, "id": (str() | int()) as request_id} if not isinstance(request_id, bool):
                str(request_id).encode()  # ValueError for half of a surrogate pair, which cannot be written
                return request_id
    return None


def cancelled_by(message: ClientMessage) -> RequestId | None:
    """Returns the id of the request that the client cancels; None if the message is not a cancellation."""
    if message.method != "notifications/cancelled":
        return None
    with suppress(ErrorAnswer):
        return _decoded(message.params, _Cancelled, _invalid_params()).id
    return None


def answers_roots(message: ClientMessage) -> bool:
    """Whether the message is the client's response to `ASK_ROOTS`."""
    return message.method is UNSET and str(message.id) == str(_ROOTS_ID)


def folder_in(roots: ClientMessage) -> str | None:
    """Returns the first folder on this machine that the response names; None if it names none, or is an error."""
    if roots.result is UNSET:
        return None
    with suppress(ErrorAnswer, ValueError):  # ValueError: a URI that urlsplit does not accept
        for root in _decoded(roots.result, _Roots, _invalid_params()).roots:
            # Not every client encodes a name: `shop#2` is no place in the folder `shop`.
            uri = urlsplit(root.uri.replace("#", "%23").replace("?", "%3F"))
            if uri.scheme == "file" and uri.netloc in ("", "localhost"):
                return unquote(uri.path)
    return None


def _require_supported(meta: _Meta) -> None:
    """Raises ErrorAnswer if a request without a handshake names an unknown revision or leaves out its capabilities."""
    if meta.capabilities is UNSET:
        raise _invalid_params()
    if meta.revision != _WITHOUT_HANDSHAKE:
        revisions = {"supported": [_WITHOUT_HANDSHAKE], "requested": meta.revision}
        raise ErrorAnswer(UNSUPPORTED_REVISION, "Unsupported protocol version", data=revisions)


def _line_of_result(request_id: RequestId, result: Mapping[str, Any], has_handshake: bool) -> bytes:
    if not has_handshake:
        meta = {"io.modelcontextprotocol/serverInfo": _SERVER}
        result = {**result, "resultType": "complete", "_meta": meta}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "result": result})


def _decoded(text: str | Raw, kind: type[_T], mismatch: ErrorAnswer) -> _T:
    """Raises `mismatch` if the text is valid JSON of another shape, and another ErrorAnswer if it is not valid JSON."""
    try:
        return decoder_of(kind).decode(text)
    except msgspec.ValidationError:
        raise mismatch from None
    except (ValueError, RecursionError):
        raise ErrorAnswer(
            PARSE_ERROR,
            "This can't be read: it is not JSON, is nested too deeply or too long, or has half of a surrogate pair.",
        ) from None
