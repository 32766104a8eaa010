"""Our MCP server comes into an agent's list of servers and leaves it again; every other byte stays as it was."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.edits.encoding import EditRefused
from carryover.edits.json_comments import blanked
from carryover.edits.server_entry import NAME, has_server, is_ours, origin_of, with_server, without_server
from support.settings_texts import formatted

ENTRY = {"command": "/home/dev/.local/bin/carryover", "args": ["mcp"]}
OTHER = {"command": "npx", "args": ["-y", "other"], "env": {"KEY": "x"}}
VALUES = st.dictionaries(st.text(max_size=3), st.integers() | st.lists(st.text(max_size=3)), max_size=3)
SERVERS = st.dictionaries(st.text(min_size=1, max_size=3), st.just(OTHER), max_size=2)
CONFIG = """\
# mine
model = "gpt-5.5"

[mcp_servers.docs]  # kept
command = "docs"

[projects."/home/dev/shop"]
trust_level = "trusted"
"""
TABLE = '[mcp_servers.carryover]\ncommand = "/home/dev/.local/bin/carryover"\nargs = ["mcp"]\n'


@st.composite
def with_lists(draw: st.DrawFn) -> bytes:
    """Settings with or without the list, with comments and trailing commas."""
    before, after = draw(VALUES), draw(VALUES)
    value = {**before, **({"mcpServers": draw(SERVERS)} if draw(st.booleans()) else {}), **after}
    return draw(formatted(st.just(value), comments=True))


def in_json(data: bytes | None) -> bytes:
    return with_server(data, "mcpServers", ENTRY, toml=False)


def out_of_json(before: bytes | None, after: bytes) -> bytes | None:
    return without_server(after, "mcpServers", origin_of(before, "mcpServers", None, toml=False), toml=False)


def in_toml(data: bytes | None) -> bytes:
    return with_server(data, "mcp_servers", ENTRY, toml=True)


def out_of_toml(before: bytes | None, after: bytes) -> bytes | None:
    return without_server(after, "mcp_servers", origin_of(before, "mcp_servers", None, toml=True), toml=True)


@given(data=with_lists() | st.sampled_from([b"", b" \n", b"\xef\xbb\xbf{}"]))
@settings(max_examples=60, deadline=None)
def test_uninstall_is_the_inverse_of_install(data: bytes) -> None:
    after = in_json(data)

    assert json.loads(blanked(after.decode("utf-8-sig")))["mcpServers"][NAME] == ENTRY
    assert has_server(after, "mcpServers", toml=False)
    assert in_json(after) == after
    assert out_of_json(data, after) == data


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("text", ["", CONFIG, 'mcp_servers.docs.command = "docs"\n', "[mcp_servers]\n"])
def test_the_same_in_toml(text: str, newline: str, end: str) -> None:
    data = (text.rstrip("\n") + end).replace("\n", newline).encode()
    if not data.strip():
        data = b""
    after = in_toml(data)

    assert tomllib.loads(after.decode())["mcp_servers"][NAME] == ENTRY
    assert after.startswith(data)
    assert in_toml(after) == after
    assert out_of_toml(data, after) == data


def test_a_missing_file_is_made_and_goes_again() -> None:
    assert in_toml(None) == TABLE.encode()
    assert out_of_toml(None, in_toml(None)) is None
    assert out_of_json(None, in_json(None)) is None


def test_it_leaves_from_the_middle_of_what_the_agent_wrote_since() -> None:
    """Codex adds its own tables at the end, and below ours which of its tools may run unasked."""
    since = "\n[tui]\ntheme = 'dark'\n"
    approved = '\n[mcp_servers.carryover.tools.recall]\napproval_mode = "approve"\n'
    after = in_toml(CONFIG.encode()).decode()

    assert out_of_toml(CONFIG.encode(), (after + since).encode()) == (CONFIG + since).encode()
    left = out_of_toml(CONFIG.encode(), (after + approved + since).encode())
    assert left is not None
    assert tomllib.loads(left.decode()) == tomllib.loads(CONFIG + since)


def test_what_the_user_adds_to_it_stays_when_the_command_moves_and_leaves_with_it() -> None:
    before = b'{"mcpServers": {}}'
    edited = in_json(before).replace(b'["mcp"]', b'["mcp"], "disabled": true')
    moved = with_server(edited, "mcpServers", {**ENTRY, "command": "/opt/bin/carryover"}, toml=False)

    assert json.loads(moved)["mcpServers"][NAME] == {**ENTRY, "command": "/opt/bin/carryover", "disabled": True}
    assert out_of_json(before, moved) == before


def test_a_server_of_the_user_with_that_name_is_left_alone() -> None:
    data = json.dumps({"mcpServers": {NAME: OTHER}}).encode()

    with pytest.raises(EditRefused, match='"mcpServers" already has another server with the name "carryover"'):
        in_json(data)
    assert without_server(data, "mcpServers", toml=False) == data


def test_a_list_of_another_kind_is_refused() -> None:
    for data, toml in ((b'{"mcpServers": []}', False), (b"mcp_servers = 1", True)):
        with pytest.raises(EditRefused, match="is something other than an object"):
            with_server(data, "mcp_servers" if toml else "mcpServers", ENTRY, toml=toml)


@pytest.mark.parametrize(
    ("entry", "ours"),
    [
        (ENTRY, True),
        ({"command": ["/x/carryover", "mcp"], "enabled": False}, True),
        ({"command": "/usr/bin/python3", "args": ["-m", "carryover.cli.main", "mcp"]}, True),
        ({"command": "/x/carryover", "args": ["status"]}, False),
        ({"command": "/x/other", "args": ["mcp"]}, False),
        ({"url": "https://example.com/mcp"}, False),
        ({"command": 3, "args": ["mcp"]}, False),
    ],
)
def test_only_an_entry_that_starts_carryover_is_ours(entry: dict[str, object], ours: bool) -> None:
    assert is_ours(entry) == ours
