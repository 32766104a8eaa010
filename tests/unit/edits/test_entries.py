"""Our entry comes into a list of an agent's settings and leaves it again; every other byte stays as it was."""

from __future__ import annotations

import json
import tomllib
from typing import Final

import pytest
from hypothesis import strategies as st

from carryover.edits import json_text
from carryover.edits.entries import (
    SERVER_NAME,
    ListEntry,
    is_ours,
)
from carryover.edits.toml_text import take
from carryover.text.user_text import EditRefused, Origin
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


LISTED, IN_JSON = ListEntry(KEY, ENTRY), ListEntry("mcpServers", SERVER)
IN_TOML = ListEntry("mcp_servers", SERVER, toml=True)
NAMED = ListEntry("mcp_servers", {"name": SERVER_NAME, **SERVER}, toml=True)
ENTRIES: Final = (LISTED, IN_JSON, IN_TOML, NAMED)


def without(entry: ListEntry, before: bytes | None, after: bytes) -> bytes | None:
    return entry.take(after, entry.origin_of(before))


@st.composite
def with_lists(draw: st.DrawFn) -> bytes:
    """Settings with or without either list, with comments and trailing commas."""
    before, after = draw(VALUES), draw(VALUES)
    lists = {KEY: draw(LISTS), "mcpServers": draw(SERVERS)} if draw(st.booleans()) else {}
    return draw(formatted(st.just({**before, **lists, **after}), comments=True))


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("text", ["", CONFIG, 'mcp_servers.docs.command = "docs"\n', "[mcp_servers]\n"])
def test_the_same_in_toml(text: str, newline: str, end: str) -> None:
    data = (text.rstrip("\n") + end).replace("\n", newline).encode()
    after = IN_TOML.put(data)

    assert tomllib.loads(after.decode())["mcp_servers"][SERVER_NAME] == SERVER
    assert after.startswith(data)
    assert IN_TOML.put(after) == after
    assert without(IN_TOML, data, after) == data


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize(
    "text", ["", 'a = 1\n\n[[mcp_servers]]\nname = "docs"  # kept\ncommand = "docs"\n\n[b]\nc = 1\n']
)
def test_a_server_in_a_list_of_servers(text: str, end: str) -> None:
    data = (text.rstrip("\n") + end).encode()
    after = NAMED.put(data)

    assert tomllib.loads(after.decode())["mcp_servers"][-1] == NAMED.value
    assert after.startswith(data)
    assert NAMED.put(after) == after
    assert without(NAMED, data, after) == data
    assert ListEntry("mcp_servers", toml=True).take(after) == data


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_missing_file_is_made_and_goes_again(entry: ListEntry) -> None:
    assert without(entry, None, entry.put(None)) is None


def test_the_entry_follows_the_users_own_and_their_comments() -> None:
    data = b'{\n  // mine\n  "instructions": [\n    "docs/a.md", // first\n  ],\n  "model": "x"\n}\n'
    after = LISTED.put(data)

    assert after == data.replace(b"first\n", b'first\n    ".carryover/handoff.md",\n')
    assert without(LISTED, data, after) == data


def test_what_the_user_added_stays_when_the_entry_leaves() -> None:
    before = b'{"model": "x"}'
    after = LISTED.put(before).replace(b'handoff.md"', b'handoff.md", "mine.md"')
    made = LISTED.put(None).replace(b"{\n", b'{\n  "model": "x",\n', 1)

    assert without(LISTED, before, after) == b'{"model": "x", "instructions": ["mine.md"]}'
    assert without(LISTED, None, made) == b'{\n  "model": "x"\n}\n'


def test_an_entry_that_was_there_before_stays() -> None:
    data = b'{"instructions": [".carryover/handoff.md"]}'

    assert LISTED.origin_of(data) == Origin(present=True)
    assert LISTED.put(data) == data
    assert without(LISTED, data, data) == data
    assert LISTED.origin_of(data, Origin(missing=True)) == Origin(missing=True)


@pytest.mark.parametrize(
    ("data", "entry", "reason"),
    [
        (b'{"instructions": "a.md"}', LISTED, '"instructions" is something other than a list'),
        (b'{"instructions": [],\n"instructions": []}', LISTED, '"instructions" is there twice'),
        (b'{"a": 1', LISTED, "it is not valid JSON"),
        (b"\xff{}", LISTED, "it is not UTF-8 text"),
        (b'{"mcpServers": []}', IN_JSON, "is something other than an object"),
        (b"mcp_servers = 1", IN_TOML, "is something other than an object"),
        (b'[mcp_servers.docs]\ncommand = "docs"', NAMED, "is something other than a list"),
        (b'[[mcp_servers]]\nname = "carryover"\nurl = "x"', NAMED, "already has another server with the name"),
        (b'{"mcpServers": {"carryover": {"url": "x"}}}', IN_JSON, "already has another server with the name"),
    ],
)
def test_settings_of_another_form_are_refused_in_words(data: bytes, entry: ListEntry, reason: str) -> None:
    with pytest.raises(EditRefused, match=reason):
        entry.put(data)
    if entry is LISTED and "twice" not in reason:
        with pytest.raises(EditRefused, match=reason):
            entry.is_in(data)


def test_a_server_leaves_from_the_middle_of_what_the_agent_wrote_since() -> None:
    """Codex adds its own tables at the end, and below ours which of its tools may run unasked."""
    since = "\n[tui]\ntheme = 'dark'\n"
    approved = '\n[mcp_servers.carryover.tools.recall]\napproval_mode = "approve"\n'
    after = IN_TOML.put(CONFIG.encode()).decode()

    assert without(IN_TOML, CONFIG.encode(), (after + since).encode()) == (CONFIG + since).encode()
    left = without(IN_TOML, CONFIG.encode(), (after + approved + since).encode())
    assert left is not None
    assert tomllib.loads(left.decode()) == tomllib.loads(CONFIG + since)


def test_what_the_user_adds_to_a_server_stays_when_the_command_moves_and_leaves_with_it() -> None:
    moved_entry = {**SERVER, "command": "/opt/bin/carryover"}
    before = b'{"mcpServers": {}}'
    disabled = IN_JSON.put(before).replace(b'["mcp"]', b'["mcp"], "disabled": true')
    moved = ListEntry("mcpServers", moved_entry).put(disabled)
    enabled = IN_TOML.put(CONFIG.encode()) + b"enabled = false\n"
    table = ListEntry("mcp_servers", moved_entry, toml=True).put(enabled)

    assert json.loads(moved)["mcpServers"][SERVER_NAME] == {**moved_entry, "disabled": True}
    assert without(IN_JSON, before, moved) == before
    assert tomllib.loads(table.decode())["mcp_servers"][SERVER_NAME] == {**moved_entry, "enabled": False}
    assert without(IN_TOML, CONFIG.encode(), table) == CONFIG.encode()


def test_a_timeout_is_added_to_a_server_that_has_none_and_the_users_own_stays() -> None:
    timed = ListEntry("mcpServers", {"timeout": 15, **SERVER})
    added = timed.put(IN_JSON.put(b"{}"))
    own = added.replace(b"15", b"40")

    assert json.loads(added)["mcpServers"][SERVER_NAME] == {"timeout": 15, **SERVER}
    assert timed.put(own) == own


@pytest.mark.parametrize(
    ("entry", "ours"),
    [
        (SERVER, True),
        ({"command": ["/x/carryover", "mcp"], "enabled": False}, True),
        ({"command": "/usr/bin/python3", "args": ["-m", "carryover.faces.cli.main", "mcp"]}, True),
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
        ('{"a": [1, // one\n 2,]}', ("a", 1), '{"a": [1, // one\n ]}'),
        ('{"a": [1, // one\n 2 /* two */, // 2\n 3]}', ("a", 1), '{"a": [1, // one\n  /* two */ // 2\n 3]}'),
        ('{"a": [// none\n 1, ]}', ("a", 0), '{"a": [// none\n  ]}'),
        ('{"a": [\n  // why\n  1,\n]}', ("a", 0), '{"a": [\n  // why\n]}'),
    ],
)
def test_a_removed_item_takes_no_comment_along(text: str, path: json_text.Path, left: str) -> None:
    assert json_text.take(text, path, keep=("a",)) == left
    json_text.values(left)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a": {// mine\n"b": [1]}}', '{"a": {// mine\n}}'),
        ('{"c": 2, "a": {"b": [1 // mine\n]}}', '{"c": 2, "a": {"b": [ // mine\n]}}'),
        ('{"a": {"b": [1]} /* mine */}', "{ /* mine */}"),
    ],
)
def test_a_list_that_holds_a_comment_stays_when_its_last_item_goes(text: str, left: str) -> None:
    assert json_text.take(text, ("a", "b", 0)) == left
    json_text.values(left)


def test_a_group_that_holds_a_comment_keeps_its_list_when_the_last_hook_goes() -> None:
    """Of a group without one, Gemini CLI (April 2026) prints at each start that it is invalid."""
    text = '{"hooks": {"Stop": [{// mine\n"hooks": [{"command": "x"}]}]}}'

    assert json_text.take(text, ("hooks", "Stop", 0, "hooks", 0)) == '{"hooks": {"Stop": [{// mine\n"hooks": []}]}}'


@pytest.mark.parametrize("comment", ["// no server", '/* "model": "x" */'])
@pytest.mark.parametrize("entry", [LISTED, IN_JSON])
def test_a_file_that_was_made_for_the_entry_stays_for_the_users_comment(entry: ListEntry, comment: str) -> None:
    noted = entry.put(None).replace(b"{\n", f"{{\n  {comment}\n".encode(), 1)

    assert without(entry, None, noted) == f"{{\n  {comment}\n}}\n".encode()


@pytest.mark.parametrize("text", ["{,}", '{"a": [,]}', '{"a": 1,,}', '{"a": 1} /* no end', "// only this", "{} / x"])
def test_what_is_not_json_even_without_comments_is_refused(text: str) -> None:
    with pytest.raises(EditRefused):
        json_text.values(text)


def test_an_item_that_is_not_there_leaves_nothing_else_out() -> None:
    text = '{"a": {"b": 1}, "c": 2}'

    assert json_text.take(text, ("a", "x")) == json_text.take(text, ("x",)) == text


def test_a_path_keeps_its_letters_in_settings_on_one_line() -> None:
    server = ListEntry("mcpServers", {"command": "/home/andré/bin/carryover", "args": ["mcp"]})

    assert "/home/andré/bin/carryover" in server.put(b'{"mcpServers": {}}').decode()


def test_a_server_leaves_from_below_a_line_that_the_user_moved_up_to_it() -> None:
    before = 'model = "gpt-5.5"\n'
    added = IN_TOML.put(before.encode()).decode()
    close = added.replace("\n\n[mcp_servers", "\n[mcp_servers")
    assert close != added

    after = f'{close}\n[tui]\ntheme = "dark"\n'
    assert without(IN_TOML, before.encode(), after.encode()) == f'{before}\n[tui]\ntheme = "dark"\n'.encode()


def test_a_server_leaves_although_a_text_after_it_quotes_its_lines() -> None:
    alone = IN_TOML.put(None).decode()
    quoted = f'\n[notes]\ntext = """\n{alone}"""\n'
    data = f"{alone}{quoted}".encode()

    assert IN_TOML.take(data, Origin()) == quoted.lstrip("\n").encode()


@pytest.mark.parametrize("table", ['  [servers.us]\ncommand = "x"\n', '[servers.us]\ncommand = "x"  # mine\n'])
def test_of_a_table_whose_lines_were_changed_nothing_is_left(table: str) -> None:
    assert take(f"a = 1\n\n{table}", ("servers", "us")) == "a = 1\n\n"
