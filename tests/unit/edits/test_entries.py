"""Our entry comes into a list of an agent's settings and leaves it again; every other byte stays as it was."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.edits import json_text
from carryover.edits.entries import (
    NAME,
    has_entry,
    is_ours,
    origin_of_list,
    origin_of_servers,
    value_at,
    with_entry,
    with_server,
    without_entry,
    without_server,
)
from carryover.edits.user_text import EditRefused, Origin
from support.settings_texts import formatted

KEY, ENTRY = "instructions", ".carryover/handoff.md"
SERVER: Final = {"command": "/home/dev/.local/bin/carryover", "args": ["mcp"]}
OTHER: Final = {"command": "npx", "args": ["-y", "other"], "env": {"KEY": "x"}}
VALUES = st.dictionaries(st.text(max_size=3), st.integers() | st.lists(st.text(max_size=3)), max_size=3)
LISTS = st.lists(st.text(max_size=4) | st.integers(), max_size=3)
SERVERS = st.dictionaries(st.text(min_size=1, max_size=3), st.just(OTHER), max_size=2)
CONFIG: Final = """\
# mine
model = "gpt-5.5"

[mcp_servers.docs]  # kept
command = "docs"

[projects."/home/dev/shop"]
trust_level = "trusted"
"""


def listed(data: bytes | None) -> bytes:
    return with_entry(data, KEY, ENTRY)


def unlisted(before: bytes | None, after: bytes) -> bytes | None:
    return without_entry(after, KEY, ENTRY, origin_of_list(before, KEY, ENTRY))


def in_json(data: bytes | None) -> bytes:
    return with_server(data, "mcpServers", SERVER, toml=False)


def out_of_json(before: bytes | None, after: bytes) -> bytes | None:
    return without_server(after, "mcpServers", origin_of_servers(before, "mcpServers", None, toml=False), toml=False)


def in_toml(data: bytes | None) -> bytes:
    return with_server(data, "mcp_servers", SERVER, toml=True)


def out_of_toml(before: bytes | None, after: bytes) -> bytes | None:
    return without_server(after, "mcp_servers", origin_of_servers(before, "mcp_servers", None, toml=True), toml=True)


INTO: Final[tuple[tuple[Callable[..., bytes], Callable[..., bytes | None]], ...]] = (
    (listed, unlisted),
    (in_json, out_of_json),
    (in_toml, out_of_toml),
)


@st.composite
def with_lists(draw: st.DrawFn) -> bytes:
    """Settings with or without either list, with comments and trailing commas."""
    before, after = draw(VALUES), draw(VALUES)
    lists = {KEY: draw(LISTS), "mcpServers": draw(SERVERS)} if draw(st.booleans()) else {}
    return draw(formatted(st.just({**before, **lists, **after}), comments=True))


@given(data=with_lists() | st.sampled_from([b"", b" \n", b"\xef\xbb\xbf{}"]))
@settings(max_examples=60, deadline=None)
def test_uninstall_is_the_inverse_of_install(data: bytes) -> None:
    for put, remove in INTO[:2]:
        after = put(data)
        assert put(after) == after
        assert remove(data, after) == data
    assert value_at(listed(data), (KEY,), toml=False)[-1] == ENTRY
    assert value_at(in_json(data), ("mcpServers", NAME), toml=False) == SERVER


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("text", ["", CONFIG, 'mcp_servers.docs.command = "docs"\n', "[mcp_servers]\n"])
def test_the_same_in_toml(text: str, newline: str, end: str) -> None:
    data = (text.rstrip("\n") + end).replace("\n", newline).encode()
    after = in_toml(data)

    assert tomllib.loads(after.decode())["mcp_servers"][NAME] == SERVER
    assert after.startswith(data)
    assert in_toml(after) == after
    assert out_of_toml(data, after) == data


@pytest.mark.parametrize(("put", "remove"), INTO)
def test_a_missing_file_is_made_and_goes_again(put: Callable[..., bytes], remove: Callable[..., bytes | None]) -> None:
    assert remove(None, put(None)) is None


def test_the_entry_follows_the_users_own_and_their_comments() -> None:
    data = b'{\n  // mine\n  "instructions": [\n    "docs/a.md", // first\n  ],\n  "model": "x"\n}\n'
    after = listed(data)

    assert after == data.replace(b"first\n", b'first\n    ".carryover/handoff.md",\n')
    assert unlisted(data, after) == data


def test_what_the_user_added_stays_when_the_entry_leaves() -> None:
    before = b'{"model": "x"}'
    after = listed(before).replace(b'handoff.md"', b'handoff.md", "mine.md"')
    made = listed(None).replace(b"{\n", b'{\n  "model": "x",\n', 1)

    assert unlisted(before, after) == b'{"model": "x", "instructions": ["mine.md"]}'
    assert unlisted(None, made) == b'{\n  "model": "x"\n}\n'


def test_an_entry_that_was_there_before_stays() -> None:
    data = b'{"instructions": [".carryover/handoff.md"]}'

    assert origin_of_list(data, KEY, ENTRY) == Origin(present=True)
    assert listed(data) == data
    assert unlisted(data, data) == data
    assert origin_of_list(data, KEY, ENTRY, Origin(missing=True)) == Origin(missing=True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"instructions": "a.md"}', '"instructions" is something other than a list'),
        (b'{"instructions": [],\n"instructions": []}', '"instructions" is there twice'),
        (b'{"a": 1', "it is not valid JSON"),
        (b"\xff{}", "it is not UTF-8 text"),
    ],
)
def test_settings_of_another_form_are_refused_in_words(data: bytes, reason: str) -> None:
    with pytest.raises(EditRefused, match=reason):
        listed(data)
    if b"twice" not in reason.encode():
        with pytest.raises(EditRefused, match=reason):
            has_entry(data, KEY, ENTRY)


def test_a_server_leaves_from_the_middle_of_what_the_agent_wrote_since() -> None:
    """Codex adds its own tables at the end, and below ours which of its tools may run unasked."""
    since = "\n[tui]\ntheme = 'dark'\n"
    approved = '\n[mcp_servers.carryover.tools.recall]\napproval_mode = "approve"\n'
    after = in_toml(CONFIG.encode()).decode()

    assert out_of_toml(CONFIG.encode(), (after + since).encode()) == (CONFIG + since).encode()
    left = out_of_toml(CONFIG.encode(), (after + approved + since).encode())
    assert left is not None
    assert tomllib.loads(left.decode()) == tomllib.loads(CONFIG + since)


def test_what_the_user_adds_to_a_server_stays_when_the_command_moves_and_leaves_with_it() -> None:
    moved_entry = {**SERVER, "command": "/opt/bin/carryover"}
    before = b'{"mcpServers": {}}'
    moved = with_server(
        in_json(before).replace(b'["mcp"]', b'["mcp"], "disabled": true'), "mcpServers", moved_entry, toml=False
    )
    table = with_server(in_toml(CONFIG.encode()) + b"enabled = false\n", "mcp_servers", moved_entry, toml=True)

    assert json.loads(moved)["mcpServers"][NAME] == {**moved_entry, "disabled": True}
    assert out_of_json(before, moved) == before
    assert tomllib.loads(table.decode())["mcp_servers"][NAME] == {**moved_entry, "enabled": False}
    assert out_of_toml(CONFIG.encode(), table) == CONFIG.encode()


def test_a_server_of_the_user_with_that_name_is_left_alone() -> None:
    data = json.dumps({"mcpServers": {NAME: OTHER}}).encode()

    with pytest.raises(EditRefused, match='"mcpServers" already has another server with the name "carryover"'):
        in_json(data)
    assert without_server(data, "mcpServers", toml=False) == data


def test_servers_of_another_kind_are_refused() -> None:
    for data, toml in ((b'{"mcpServers": []}', False), (b"mcp_servers = 1", True)):
        with pytest.raises(EditRefused, match="is something other than an object"):
            with_server(data, "mcp_servers" if toml else "mcpServers", SERVER, toml=toml)


@pytest.mark.parametrize(
    ("entry", "ours"),
    [
        (SERVER, True),
        ({"command": ["/x/carryover", "mcp"], "enabled": False}, True),
        ({"command": "/usr/bin/python3", "args": ["-m", "carryover.cli.main", "mcp"]}, True),
        ({"command": "/x/carryover", "args": ["status"]}, False),
        ({"command": "/x/other", "args": ["mcp"]}, False),
        ({"command": 3, "args": ["mcp"]}, False),
    ],
)
def test_only_an_entry_that_starts_carryover_is_ours(entry: dict[str, object], ours: bool) -> None:
    assert is_ours(entry) == ours


@pytest.mark.parametrize(
    ("text", "path", "left"),
    [
        ('{"a": {// c\n"b": 1 /* 2\n */,\n"c": 2}}', ("a", "b"), '{"a": {// c\n /* 2\n */\n"c": 2}}'),
        ('{"a": [1, // one\n 2]}', ("a", 1), '{"a": [1 // one\n ]}'),
        ('{"a": [1, // one\n 2,]}', ("a", 1), '{"a": [1, // one\n ]}'),
        ('{"a": [1, // one\n 2 /* two */, // 2\n 3]}', ("a", 1), '{"a": [1, // one\n  /* two */ // 2\n 3]}'),
        ('{"a": [// none\n 1, ]}', ("a", 0), '{"a": [// none\n  ]}'),
        ('{"a": [\n  // why\n  1,\n]}', ("a", 0), '{"a": [\n  // why\n]}'),
    ],
)
def test_a_removed_item_takes_no_comment_along(text: str, path: json_text.Path, left: str) -> None:
    assert json_text.remove(text, path, keep=("a",)) == left
    json_text.values(left)


@pytest.mark.parametrize("text", ["{,}", '{"a": [,]}', '{"a": 1,,}', '{"a": 1} /* no end', "// only this", "{} / x"])
def test_what_is_not_json_even_without_comments_is_refused(text: str) -> None:
    with pytest.raises(EditRefused):
        json_text.values(text)
