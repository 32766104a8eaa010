"""MCP, over JSON-RPC 2.0: what a client's message asks for, and what answers it. Pure.

Four revisions begin with a handshake, `initialize`. In the newest there is none, and each request says itself which
revision it follows, so both kinds are served, request by request.
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

_BATCHING: Final = "2025-03-26"
"""The only revision in which a line may hold several messages."""
MOST_IN_BATCH: Final = 100
"""Its answers are written in one line, so they are kept until all are there."""
_WITH_HANDSHAKE: Final = ("2024-11-05", _BATCHING, "2025-06-18", "2025-11-25")
"""Oldest first."""
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


class Message(msgspec.Struct, frozen=True):
    """A request, a notification (no id) or a response (no method)."""

    jsonrpc: Literal["2.0"]
    id: RequestId | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    params: Raw = _NO_PARAMS
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class Session(msgspec.Struct, frozen=True):
    """What was agreed by `initialize`: the revision, and whether the client can be asked for its folders."""

    revision: str | None = None
    has_roots: bool = False


class Call(msgspec.Struct, frozen=True):
    """A call of a tool, whose answer takes time."""

    id: RequestId
    name: str
    arguments: Mapping[str, Any]
    has_handshake: bool


class Refused(Exception):
    """A message that is answered by an error."""

    def __init__(self, code: int, message: str, **data: Any) -> None:
        super().__init__(message)
        self.error: Final = {"code": code, "message": message, **data}


def _invalid_params() -> Refused:
    return Refused(INVALID_PARAMS, "Invalid request parameters", data="")


class _Meta(msgspec.Struct, frozen=True):
    """What a request says of the client in the revision without a handshake."""

    revision: str | UnsetType = msgspec.field(name="io.modelcontextprotocol/protocolVersion", default=UNSET)
    client_can: dict[str, Any] | UnsetType = msgspec.field(
        name="io.modelcontextprotocol/clientCapabilities", default=UNSET
    )


class _Params(msgspec.Struct, frozen=True):
    meta: _Meta | None = msgspec.field(name="_meta", default=None)


class _ClientCan(msgspec.Struct, frozen=True):
    roots: dict[str, Any] | None = None


class _Client(msgspec.Struct, frozen=True):
    name: str
    version: str


class _Initialize(_Params, frozen=True, kw_only=True):
    revision: str = msgspec.field(name="protocolVersion")
    client_can: _ClientCan = msgspec.field(name="capabilities")
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


def batch_in(line: str, session: Session) -> list[Raw] | None:
    """Returns the messages of a line that is a batch; None if it is none, is too long, or what was agreed has none."""
    messages = []
    with suppress(ValueError, RecursionError):
        if session.revision == _BATCHING and line.lstrip().startswith("["):
            messages = decoder_of(list[Raw]).decode(line)
    return messages if 0 < len(messages) <= MOST_IN_BATCH else None


def message_in(text: str | Raw) -> Message:
    """Raises Refused if the text can't be read, or neither asks for anything nor answers."""
    invalid = Refused(INVALID_REQUEST, "Invalid request")
    message = _decoded(text, Message, invalid)
    is_response = message.result is not UNSET or message.error is not UNSET
    if not is_response and (message.method is UNSET or message.id is None):
        raise invalid
    return message


def answer(message: Message, session: Session) -> tuple[Session, bytes | Call | None]:
    """Returns what is agreed from now on, and the answer if one is due. Raises Refused if that is an error."""
    if message.method is UNSET or message.id is UNSET or message.id is None:
        return session, None
    given = message.params if message.params != _NULL else _NO_PARAMS
    params = _decoded(given, _PARAMS.get(message.method, _Params), _invalid_params())
    has_handshake = params.meta is None or params.meta.revision is UNSET or isinstance(params, _Initialize)
    if params.meta is not None and not has_handshake:
        _require_served(params.meta)
    result: Mapping[str, Any]
    match message.method, params:
        case _, _Initialize(revision=wanted, client_can=client_can):
            revision = wanted if wanted in _WITH_HANDSHAKE else _WITH_HANDSHAKE[-1]
            session = Session(revision, has_roots=client_can.roots is not None)
            result = {**_ABOUT, "protocolVersion": revision, "serverInfo": _SERVER}
        case "ping", _ if has_handshake:
            result = {}
        case "server/discover", _ if not has_handshake:
            result = {**_ABOUT, "supportedVersions": [_WITHOUT_HANDSHAKE], **_NOT_CACHED}
        case _, _ListTools() | _CallTool() if has_handshake and session.revision is None:
            raise _invalid_params()
        case _, _ListTools():
            result = {"tools": TOOLS} if has_handshake else {"tools": TOOLS, **_NOT_CACHED}
        case _, _CallTool(name=name, arguments=arguments):
            return session, Call(message.id, name, arguments or {}, has_handshake)
        case method, _:
            raise Refused(METHOD_NOT_FOUND, "Method not found", data=method)
    return session, _line_of_result(message.id, result, has_handshake)


def line_of_call(call: Call, text: str, *, failed: bool) -> bytes:
    """Returns the answer to a call of a tool."""
    result = {"content": [{"text": text, "type": "text"}], "isError": failed}
    return _line_of_result(call.id, result, call.has_handshake)


def line_of_error(request_id: RequestId | None, refused: Refused) -> bytes:
    """Returns the answer to a request that is refused; `request_id` is None if it is not known."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "error": refused.error})


def id_in(text: str | Raw) -> RequestId | None:
    """Returns the id of a request that `message_in` refuses; None if that can't be read either."""
    with suppress(ValueError, RecursionError):
        request = json.loads(
            text if isinstance(text, str) else bytes(text),
            parse_int=lambda digits: int(digits) if len(digits) < _MOST_DIGITS else None,
        )
        match request:
            case {"method": _, "id": (str() | int()) as request_id} if not isinstance(request_id, bool):
                str(request_id).encode()  # half of a surrogate pair is no text that can be written
                return request_id
    return None


def cancelled_by(message: Message) -> RequestId | None:
    """Returns the id of the request that needs no answer any more."""
    if message.method != "notifications/cancelled":
        return None
    with suppress(Refused):
        return _decoded(message.params, _Cancelled, _invalid_params()).id
    return None


def answers_roots(message: Message) -> bool:
    """Whether it is the client's response to `ASK_ROOTS`."""
    return message.method is UNSET and str(message.id) == str(_ROOTS_ID)


def folder_in(roots: Message) -> str | None:
    """Returns the first folder of this machine that the client names; None if it names none, or refused."""
    with suppress(Refused, ValueError):
        listed = _decoded(roots.result, _Roots, _invalid_params()) if roots.result is not UNSET else _Roots([])
        places = (urlsplit(root.uri) for root in listed.roots)
        here = (place for place in places if place.scheme == "file" and place.netloc in ("", "localhost"))
        return next((unquote(place.path) for place in here), None)
    return None


def _require_served(meta: _Meta) -> None:
    """Raises Refused if a request without a handshake names another revision, or leaves out what it has to say."""
    if meta.client_can is UNSET:
        raise _invalid_params()
    if meta.revision != _WITHOUT_HANDSHAKE:
        about = {"supported": [_WITHOUT_HANDSHAKE], "requested": meta.revision}
        raise Refused(UNSUPPORTED_REVISION, "Unsupported protocol version", data=about)


def _line_of_result(request_id: RequestId, result: Mapping[str, Any], has_handshake: bool) -> bytes:
    if not has_handshake:
        meta = {"io.modelcontextprotocol/serverInfo": _SERVER}
        result = {**result, "resultType": "complete", "_meta": meta}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "result": result})


def _decoded(text: str | Raw, kind: type[_T], otherwise: Refused) -> _T:
    """Raises `otherwise` if the text is JSON of another kind."""
    try:
        return decoder_of(kind).decode(text)
    except msgspec.ValidationError:
        raise otherwise from None
    except (ValueError, RecursionError):
        raise Refused(
            PARSE_ERROR,
            "This can't be read: it is not JSON, is nested too deeply or too long, or has half of a surrogate pair.",
        ) from None
