"""The protocol of the MCP server: single messages, and whole dialogues recorded with the SDK's server."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover import __version__
from carryover.distill.handoff import LEAST_TOKENS, MAX_TOKENS, MOST_TOKENS
from carryover.faces.mcp import protocol
from carryover.faces.mcp.protocol import ErrorAnswer, Handshake, RequestedCall
from carryover.faces.mcp.tools import TOOLS
from carryover.ledger.search_text import KINDS

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))
"""Messages of clients of five revisions, with the answers of the SDK's server (2.3.0) in Carryover 0.1.0."""
AGREED = Handshake("2025-11-25")
NEWEST = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def said(line: str, handshake: Handshake = AGREED) -> tuple[Handshake, Any]:
    """Returns the handshake after a line of the client, and the answer to it."""
    try:
        handshake, answer = protocol.reply_to(protocol.message_in(line), handshake)
    except ErrorAnswer as refused:
        answer = protocol.line_of_error(protocol.request_id_in(line), refused)
    return handshake, answer


def error_of(line: str, handshake: Handshake = AGREED) -> tuple[Any, int]:
    answer = json.loads(said(line, handshake)[1])
    return answer["id"], answer["error"]["code"]


def request(method: str, number: Any = 1, **params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_messages_are_answered_as_by_the_sdk_server(path: Path) -> None:
    """Byte for byte, except for the order of keys in the newest revision."""
    then, now = (rf"\"carryover\",\"version\":\"{one}\"" for one in ("0.1.0", __version__))
    handshake, lines = Handshake(), path.read_text("utf-8").replace(then, now).rstrip("\n").split("\n")
    for sent, received in map(json.loads, lines):
        handshake, answer = said(sent, handshake)
        text = answer.decode() if answer is not None else None
        if path.stem == "2026-07-28" and text is not None:
            text, received = json.loads(text), json.loads(received)
        assert text == received, sent
    assert len(lines) > 2


@pytest.mark.parametrize(
    ("line", "answered"),
    [
        ("{", (None, -32700)),
        ('"\ufffd', (None, -32700)),
        ('{"jsonrpc":"2.0","id":"half","method":"ping","params":{"a":"\\ud800"}}', ("half", -32700)),
        ('{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', (None, -32700)),
        ('{"jsonrpc":"2.0","id":3,"method":"ping","params":{"a":' + "[" * 100_000, (None, -32700)),
        ("3", (None, -32600)),
        ("null", (None, -32600)),
        ("[]", (None, -32600)),
        ("{}", (None, -32600)),
        ('{"jsonrpc":"2.0","id":4}', (None, -32600)),
        ('{"jsonrpc":"1.0","id":"old","method":"ping"}', ("old", -32600)),
        ('{"jsonrpc":"2.0","id":2.5,"method":"ping"}', (None, -32600)),
        ('{"jsonrpc":"2.0","id":true,"method":"ping"}', (None, -32600)),
        ('{"jsonrpc":"2.0","id":null,"method":"ping"}', (None, -32600)),
        ('{"jsonrpc":"2.0","id":' + "9" * 5_000 + ',"method":"ping"}', (None, -32600)),
        ('{"jsonrpc":"2.0","id":5,"method":"ping","params":[1]}', (5, -32602)),
        (request("initialize", protocolVersion="2025-06-18"), (1, -32602)),
        (request("tools/call", name="recall", arguments=[1]), (1, -32602)),
        (request("tools/call", name="recall", arguments={"query": 0}).replace("0}", "9" * 5_000 + "}"), (1, -32602)),
        (request("resources/read"), (1, -32601)),
        (request("tools/list", _meta={**NEWEST, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}), (1, -32022)),
        (request("tools/list", _meta={"io.modelcontextprotocol/protocolVersion": "2026-07-28"}), (1, -32602)),
    ],
)
def test_an_invalid_message_gets_an_error(line: str, answered: tuple[Any, int]) -> None:
    assert error_of(line) == answered


@pytest.mark.parametrize(
    "line",
    [
        '{"jsonrpc":"2.0","method":"notifications/initialized"}',
        '{"jsonrpc":"2.0","method":"no/such"}',
        '{"jsonrpc":"2.0","id":1,"result":{}}',
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}',
    ],
)
def test_a_notification_and_a_response_get_no_answer(line: str) -> None:
    """An error gets none either, or two sides could send each other errors without end."""
    assert said(line) == (AGREED, None)


WORDS = ("jsonrpc", "2.0", "id", "method", "params", "result", "error", "ping", "initialize", "tools/list")
MORE = ("tools/call", "name", "arguments", "protocolVersion", "capabilities", "roots", "clientInfo", "version", "_meta")
TEXT = st.sampled_from((*WORDS, *MORE, *NEWEST, "2025-06-18", "2026-07-28")) | st.text(max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
ASKED = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": TEXT, "id": VALUES}, optional={"params": VALUES, "result": VALUES}
)


@given(line=ASKED.map(json.dumps) | VALUES.map(json.dumps) | st.text())
def test_any_line_is_answered_or_needs_no_answer(line: str) -> None:
    _, answer = said(line)
    if isinstance(answer, bytes):
        assert {"jsonrpc", "id"} < json.loads(answer).keys()
        assert b"\n" not in answer


def test_a_number_of_thousands_of_digits_in_an_unknown_parameter_is_ignored() -> None:
    line = '{"jsonrpc": "2.0", "id": 6, "method": "ping", "params": {"x": %s}}' % ("9" * 5_000)
    assert json.loads(said(line)[1]) == {"jsonrpc": "2.0", "id": 6, "result": {}}


def test_a_request_is_answered_by_the_revision_that_it_names() -> None:
    """A client of the newest revision may still begin a handshake."""
    listed, called = (
        said(request(method, _meta=NEWEST, **more), Handshake())[1]
        for method, more in (("tools/list", {}), ("tools/call", {"name": "handoff"}))
    )
    result = json.loads(listed)["result"]
    assert (result["resultType"], result["ttlMs"], result["cacheScope"]) == ("complete", 0, "private")
    assert result["_meta"] == {"io.modelcontextprotocol/serverInfo": {"name": "carryover", "version": __version__}}
    assert called == RequestedCall(1, "handoff", {}, has_handshake=False)
    assert json.loads(protocol.line_of_call(called, "text", failed=False))["result"]["resultType"] == "complete"

    hello = request(
        "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "a", "version": ""}
    )
    agreed, _ = said(hello, Handshake())
    assert agreed == Handshake("2025-06-18")
    assert "resultType" not in json.loads(said(request("tools/list"), agreed)[1])["result"]


def test_optional_parameters_may_be_null() -> None:
    """Some clients write all fields of a record."""
    assert error_of('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}') == (1, -32602)
    for params in (None, {"_meta": None}, {"cursor": None, "_meta": {"progressToken": 1}}):
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params})
        assert "tools" in json.loads(said(line)[1])["result"]
    assert said(request("tools/call", name="handoff", arguments=None))[1] == RequestedCall(
        1, "handoff", {}, has_handshake=True
    )


def test_several_messages_in_one_line_are_refused() -> None:
    """Only MCP 2025-03-26 has them."""
    pings = f"[{request('ping', 1)}, {request('ping', 2)}]"

    assert error_of(pings) == error_of("[]") == error_of("[1") == (None, -32600)


@pytest.mark.parametrize(
    ("response", "folder"),
    [
        ({"result": {"roots": [{"uri": "file:///home/dev/a%20b"}, {"uri": "file:///c"}]}}, "/home/dev/a b"),
        ({"result": {"roots": [{"uri": "vfs://x"}, {"uri": "file:///c", "name": "c"}]}}, "/c"),
        ({"result": {"roots": [{"uri": "file://elsewhere/a"}, {"uri": "file://localhost/c"}]}}, "/c"),
        *(({"result": {"roots": [{"uri": f"file://{root}"}]}}, root) for root in ("/c#", "/a#2", "/why?", "/a?b#c")),
        ({"result": {"roots": []}}, None),
        ({"result": {"roots": [{"uri": "file://[x"}]}}, None),
        ({"result": {"roots": 3}}, None),
        ({"error": {"code": 0, "message": ""}}, None),
    ],
)
def test_the_first_folder_of_the_roots_counts(response: dict[str, Any], folder: str | None) -> None:
    asked = json.loads(protocol.ASK_ROOTS)["id"]
    message = protocol.message_in(json.dumps({"jsonrpc": "2.0", "id": asked, **response}))

    assert protocol.answers_roots(message)
    assert protocol.folder_in(message) == folder
    assert not protocol.answers_roots(protocol.message_in(request("ping", asked)))


def test_the_limits_in_the_tools_are_those_in_the_code() -> None:
    recall, _, handoff = (tool["inputSchema"]["properties"] for tool in TOOLS)

    assert recall["kind"]["enum"] == list(KINDS)
    assert (handoff["tokens"]["minimum"], handoff["tokens"]["maximum"]) == (LEAST_TOKENS, MOST_TOKENS)
    assert f" {MAX_TOKENS} if left out" in handoff["tokens"]["description"]
