"""Install's keys come into `config.toml`; comments, order and line ends of the user's own stay."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.config import AgentConfig, AgentsConfig, load_config
from carryover.edits.apply import apply
from carryover.edits.user_text import EditRefused
from carryover.install import config_file
from carryover.install.config_file import Values, plan_config
from carryover.paths import StateDir

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


def refusal(data: bytes) -> str:
    with pytest.raises(EditRefused) as raised:
        with_settings(data, {SELECTED: ["codex"], EXCLUDE: ["x"]})
    return str(raised.value)


def test_a_new_file_holds_only_what_was_decided() -> None:
    decided = {SELECTED: ["claude-code"], MODE: "brief", ("agents", "claude-code", "roots"): ["/moved/projects"]}

    assert with_settings(None, decided) == (
        b'[agents]\nselected = ["claude-code"]\n\n[agents.claude-code]\nroots = ["/moved/projects"]\n\n'
        b'[resume]\nmode = "brief"\n'
    )


def test_comments_and_order_stay() -> None:
    decided = {SELECTED: ["claude-code"], MODE: "silent", EXCLUDE: ["~/secret", "~/new"]}

    after = with_settings(MINE, decided)

    assert after is not None
    assert after.startswith(b'# How I like it\n[resume]\nmode = "silent"   # for now\n\n[projects]\nexclude = [\n')
    assert b'"~/secret", # nobody\'s business\n' in after
    assert tomllib.loads(after.decode()) == {
        "resume": {"mode": "silent"},
        "projects": {"exclude": ["~/secret", "~/new"]},
        "agents": {"selected": ["claude-code"]},
    }


def test_what_says_so_already_is_not_touched() -> None:
    odd = b"resume.mode='ask'\r\n[ projects ]\nexclude=['a']\n"

    assert with_settings(odd, {MODE: "ask", EXCLUDE: ["a"], ROOTS: None}) is odd
    assert with_settings(MINE, {MODE: "ask", EXCLUDE: ["~/secret", "~/old"]}) is MINE
    assert with_settings(None, {}) is None


def test_line_ends_and_byte_order_mark_stay() -> None:
    after = with_settings(b"\xef\xbb\xbf" + MINE.replace(b"\n", b"\r\n"), {SELECTED: ["codex"]})

    assert after is not None
    assert after.endswith(b'\r\n\r\n[agents]\r\nselected = ["codex"]\r\n')
    assert (after[:3], after.count(b"\n")) == (b"\xef\xbb\xbf", after.count(b"\r\n"))


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
    assert refusal(data) == reason


def test_the_settings_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    decided = {
        SELECTED: ["claude-code", "codex"],
        MODE: "brief",
        ("agents", "claude-code", "roots"): ["/moved/projects"],
        ("agents", "claude-code", "env"): {"CLAUDE_CONFIG_DIR": "/moved"},
    }

    assert [done.outcome for done in apply([plan_config(state, decided)], state)] == ["created"]

    config = load_config(state.config)
    moved = AgentConfig(roots=("/moved/projects",), env={"CLAUDE_CONFIG_DIR": "/moved"})
    assert config.agents == AgentsConfig(selected=("claude-code", "codex"), each={"claude-code": moved})
    assert (config.resume.mode, config.unknown_keys) == ("brief", ())
    assert config.agents.of("codex") == AgentConfig()


LINES = st.lists(
    st.sampled_from(
        [
            "# a comment\n", "\n", "[resume]\n", 'mode = "ask"\n', "stale_days = 3\n", "[projects]\n",
            'exclude = ["a", "b"]\n', "[tools]\n", 'selected = ["codex"]\n', "[tools.codex]\n", 'roots = ["/x"]\n',
            "[tools.claude-code]\n", "[agents]\n", "[agents.codex]\n", "resume.mode = 'brief'\n", "[odd.table]\n",
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
    expected["agents"] = {
        **agents,
        "selected": ["claude-code"],
        "codex": {**agents.get("codex", {}), "roots": ["/y"]},
    }
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
        (PRIVATE, {POINTERS: None}, True),
        (SHARED, {POINTERS: "shared"}, False),
        (INSTALLED, {POINTERS: "shared"}, False),
        (None, {POINTERS: "private"}, False),
    ],
)
def test_the_moment_in_which_sharing_begins_is_recorded(before: bytes | None, change: Values, begins: bool) -> None:
    """An install that shares already, of whatever version, keeps what it has."""
    assert since(with_settings(before, change)) == (NOW if begins else None)


def test_what_is_no_longer_shared_has_no_beginning() -> None:
    shared = with_settings(PRIVATE, {POINTERS: "shared"})

    assert since(with_settings(shared, {POINTERS: "shared"})) == NOW
    assert with_settings(shared, {POINTERS: "private"}) == PRIVATE
