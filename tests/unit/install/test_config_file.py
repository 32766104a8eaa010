"""Install's keys come into `config.toml`; comments, order and line ends of the user's own stay."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.config import load_config, project_settings
from carryover.install import config_file
from carryover.install.config_file import Values
from carryover.text.user_text import EditRefused

SELECTED, MODE, EXCLUDE = ("agents", "selected"), ("resume", "mode"), ("projects", "exclude")
ROOTS, POINTERS = ("agents", "codex", "roots"), ("publish", "pointers")

MINE = b"""\
# How I like it
[resume]
mode = "ask"   # for now

[projects]
exclude = [
  "~/secret", # nobody's business
  "~/old",
]
"""


NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)


def with_settings(data: bytes | None, values: Values) -> bytes | None:
    return config_file.with_settings(data, values, NOW)


def test_a_new_file_holds_only_what_was_decided() -> None:
    decided = {SELECTED: ["claude-code"], MODE: "brief", ("agents", "claude-code", "roots"): ["/moved/projects"]}

    assert with_settings(None, decided) == (
        b'[agents]\nselected = ["claude-code"]\n\n[agents.claude-code]\nroots = ["/moved/projects"]\n\n'
        b'[resume]\nmode = "brief"\n'
    )


def test_what_says_so_already_is_not_touched() -> None:
    odd = b"resume.mode='ask'\r\n[ projects ]\nexclude=['a']\n"

    assert with_settings(odd, {MODE: "ask", EXCLUDE: ["a"], ROOTS: None}) is odd
    assert with_settings(MINE, {MODE: "ask", EXCLUDE: ["~/secret", "~/old"]}) is MINE
    assert with_settings(None, {}) is None


def test_a_list_is_changed_as_it_is_when_it_is_written() -> None:
    def added(there: Any) -> list[str]:
        return [*(there or ()), "~/new"]

    assert tomllib.loads((with_settings(MINE, {EXCLUDE: added}) or b"").decode())["projects"]["exclude"] == [
        *("~/secret", "~/old", "~/new")
    ]
    assert with_settings(None, {EXCLUDE: added}) == b'[projects]\nexclude = ["~/new"]\n'
    assert with_settings(b'[projects]\nexclude = ["~/new"]\n', {EXCLUDE: lambda _: None}) == b""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a = \n", "it is not valid TOML: Invalid value (at line 1, column 5)"),
        (b'a = "\xff"', "it is not UTF-8 text (line 1)"),
        (b"agents = 3\n", "`agents` is something other than a table in it"),
        (b'projects = "all"\n', "`projects` is something other than a table in it"),
    ],
)
def test_what_cannot_be_edited_is_refused_in_words(data: bytes, reason: str) -> None:
    with pytest.raises(EditRefused) as raised:
        with_settings(data, {SELECTED: ["codex"], EXCLUDE: ["x"]})
    assert str(raised.value) == reason


LINES = st.lists(
    st.sampled_from(
        [
            "# a comment\n", "\n", "[resume]\n", 'mode = "ask"\n', "stale_days = 3\n", "[projects]\n",
            'exclude = ["a", "b"]\n', 'selected = ["codex"]\n', 'roots = ["/x"]\n',
            "[agents]\n", "[agents.codex]\n", "resume.mode = 'brief'\n", "[odd.table]\n",
            "x = {y = 1, z = [1,\n 2]}\n",
        ]
    ),
    max_size=9,
)  # fmt: skip


@given(lines=LINES, end=st.sampled_from(["", "y=1", "# no line end"]))
def test_other_keys_keep_their_values_and_comments_their_words(lines: list[str], end: str) -> None:
    text = "".join(lines) + end
    decided = {SELECTED: ["claude-code"], MODE: "silent", EXCLUDE: ["b", "c"], ROOTS: ["/y"]}
    try:
        before = tomllib.loads(text)
        after = with_settings(text.encode(), decided)
    except (tomllib.TOMLDecodeError, EditRefused):
        return
    assert after is not None
    expected = before | {
        "resume": before.get("resume", {}) | {"mode": "silent"},
        "projects": before.get("projects", {}) | {"exclude": ["b", "c"]},
    }
    agents = before.get("agents", {})
    expected["agents"] = {**agents, "selected": ["claude-code"], "codex": {**agents.get("codex", {}), "roots": ["/y"]}}
    assert tomllib.loads(after.decode()) == expected
    assert after.count(b"#") == text.count("#")
    assert with_settings(after, decided) is after


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b'[resume]\nmode = "ask"\n',
        b'# mine\n\n[resume]\nmode = "ask" # yes\n\n\n[agents]\nselected = []\n',
        b'[projects]\ninclude = ["a"]\n',
        b"[projects]\n# none yet\n",
        b'\xef\xbb\xbf[resume]\r\nmode = "ask"\r\n',
        b'[resume]\nmode = "ask"\n\n\n\n',
        b"# mine  \n",
        b"\n",
    ],
)
def test_a_setting_that_comes_and_goes_leaves_the_file_as_it_was(before: bytes) -> None:
    there = with_settings(before, {EXCLUDE: ["/x"]})

    assert there is not None and b"exclude" in there
    assert with_settings(there, {EXCLUDE: None}) == before


def since(data: bytes | None) -> datetime | None:
    found: datetime | None = tomllib.loads((data or b"").decode()).get("publish", {}).get("shared_since")
    return found


INSTALLED = b"[agents]\nselected = []\n"
SHARED = INSTALLED + b'[publish]\npointers = "shared"\n'
PRIVATE = INSTALLED + b'[publish]\npointers = "private"\n'


@pytest.mark.parametrize(
    ("before", "change", "begins"),
    [
        (None, {SELECTED: ["codex"], POINTERS: "shared"}, True),
        (PRIVATE, {POINTERS: "shared"}, True),
        (INSTALLED, {POINTERS: "shared"}, True),
        (SHARED, {POINTERS: "shared"}, False),
        (None, {POINTERS: "private"}, False),
    ],
)
def test_the_moment_in_which_sharing_begins_is_recorded(before: bytes | None, change: Values, begins: bool) -> None:
    """An install that shares already keeps what it has."""
    after = with_settings(before, change)
    assert since(after) == (NOW if begins else None)
    assert since(with_settings(after, {POINTERS: "private"})) is None


def test_an_answer_replaces_the_folder_that_an_earlier_version_wrote_to(tmp_path: Path) -> None:
    """Until then it is read as `off`, whatever else was said of pointers: nothing went into projects."""
    file = tmp_path / "config.toml"
    file.write_bytes(SHARED + b'folder = "~/notes" # mine\nprojects = { "*" = "shared" }\n')
    read = load_config(file)
    assert (project_settings(tmp_path / "app", read).pointers, read.unknown_keys) == ("off", ())

    after = with_settings(file.read_bytes(), {POINTERS: "local"})

    assert after == INSTALLED + b'[publish]\npointers = "local"\nprojects = { "*" = "shared" }\n'
