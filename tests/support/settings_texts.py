"""Settings and texts in any layout that people and programs might give them, for properties that must hold for each."""

import json
from typing import Any

from hypothesis import strategies as st

from carryover.publish.pointers import END, NEW_FILE, START

_SPACES = st.sampled_from(["", "", "", " ", "  ", "\n", "\n  ", "\n    ", "\r\n\t", "\t", "\n\n \n"])
_GAPS_WITH_COMMENTS = _SPACES | st.sampled_from(
    [
        "// c\n",
        " // it's \" [1,] \n  ",
        "\n  // own line\n  ",
        "/* c */",
        " /* two\nlines // */ ",
        "/**/\r\n// c \r\n",
        "/* ,} */ ",
    ]
)
_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_COMMANDS = st.fixed_dictionaries(
    {
        "type": st.just("command"),
        "command": st.sampled_from(["say done", "sh /other/hook.sh claude-code Stop || true"]),
    },
    optional={"timeout": st.integers(1, 9)},
)
_GROUPS = st.fixed_dictionaries(
    {"hooks": st.lists(_COMMANDS, max_size=2)}, optional={"matcher": st.sampled_from(["", "startup", "*"])}
)
_HOOKS = st.dictionaries(
    st.sampled_from(["SessionStart", "Stop", "SessionEnd", "PreToolUse"]), st.lists(_GROUPS, max_size=2), max_size=3
)


@st.composite
def formatted(draw: st.DrawFn, values: st.SearchStrategy[Any], *, comments: bool = False) -> bytes:
    """A value as JSON text with white space drawn separately for every place that may have some.

    With `comments`, these and commas after the last item come as well.
    """
    spaces = _GAPS_WITH_COMMENTS if comments else _SPACES

    def last() -> str:
        return draw(st.sampled_from(["", "", ","])) + draw(spaces) if comments else ""

    def written(value: Any) -> str:
        def space() -> str:
            return draw(spaces)

        if isinstance(value, dict):
            members = [
                f"{space()}{text(key)}{space()}:{space()}{written(item)}{space()}" for key, item in value.items()
            ]
            return "{" + (",".join(members) + last() if members else space()) + "}"
        if isinstance(value, list):
            items = [f"{space()}{written(item)}{space()}" for item in value]
            return "[" + (",".join(items) + last() if items else space()) + "]"
        return text(value)

    ascii_only = draw(st.booleans())

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=ascii_only)

    return (draw(spaces) + written(draw(values)) + draw(spaces)).encode("utf-8", "replace")


_FLAT_ENTRIES = st.fixed_dictionaries(
    {"command": st.sampled_from(["./audit.sh", "sh /other/hook.sh cursor stop || true"])},
    optional={"timeout": st.integers(1, 9), "matcher": st.sampled_from(["", "Write"])},
)
_FLAT_HOOKS = st.dictionaries(
    st.sampled_from(["sessionStart", "stop", "afterFileEdit"]), st.lists(_FLAT_ENTRIES, max_size=2), max_size=3
)


@st.composite
def settings(draw: st.DrawFn) -> bytes:
    """Settings with or without hooks of others, as an agent accepts them; now and then blank."""
    return draw(_laid_out(_HOOKS, st.just({}), ("hooks",)))


def commented_settings() -> st.SearchStrategy[bytes]:
    """Settings with or without hooks of others, with comments and trailing commas."""
    others = st.dictionaries(st.text(max_size=4).filter(lambda key: key != "hooks"), _VALUES, max_size=2)
    hooks: st.SearchStrategy[dict[str, Any]] = st.just({}) | _HOOKS.map(lambda hooks: {"hooks": hooks})
    members = st.tuples(others, hooks, others).map(lambda parts: {**parts[0], **parts[1], **parts[2]})
    return formatted(members, comments=True)


@st.composite
def flat_settings(draw: st.DrawFn) -> bytes:
    """The same in the flat form: with a version, and without one where nobody has a hook."""
    versioned = draw(st.booleans())
    hooks = _FLAT_HOOKS if versioned else st.dictionaries(st.sampled_from(["stop", "old"]), st.just([]), max_size=2)
    version = st.fixed_dictionaries({"version": st.integers(1, 3)}) if versioned else st.just({})
    return draw(_laid_out(hooks, version, ("hooks", "version")))


@st.composite
def _laid_out(
    draw: st.DrawFn, hooks: st.SearchStrategy[Any], first: st.SearchStrategy[Any], taken: tuple[str, ...]
) -> bytes:
    if draw(st.integers(0, 15)) == 0:
        return draw(_SPACES).encode()
    members = st.dictionaries(st.text(max_size=4).filter(lambda key: key not in taken), _VALUES, max_size=3)
    before, after = draw(members), draw(members)
    with_hooks = {"hooks": draw(hooks)} if draw(st.booleans()) else {}
    plain = draw(st.booleans())
    value = {**draw(first), **before, **with_hooks, **after}
    if plain:
        indent = draw(st.sampled_from([None, 0, 2, 4, "\t"]))
        data = json.dumps(value, indent=indent).encode() + draw(st.sampled_from([b"", b"\n"]))
        data = data.replace(b"\n", draw(st.sampled_from([b"\n", b"\r\n"])))
    else:
        data = draw(formatted(st.just(value)))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + data


_TOP = st.lists(
    st.sampled_from(
        [
            'model = "gpt-6" # mine',
            "# [[hooks.Stop]]",
            "notify = [\n  'a', # [x]\n  '[b]',\n]",
            'text = """\n[[hooks.Stop]]\n""""',
            "raw = '''\n[hooks]\n'a'''",
            'tui.theme = { name = "}[" }',
            "",
            "limit = nan",
        ]
    ),
    unique=True,
    max_size=4,
)
_TABLES = st.lists(
    st.sampled_from(
        [
            '[projects."/home/dev/[a]"]\ntrust_level = "trusted"',
            '[[hooks.Stop]]\n\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "say done"',
            '  [[ hooks . "PreToolUse" ]] # theirs\n matcher = "Bash"\n [[hooks.PreToolUse.hooks]]\n'
            ' type = "command"\n command = "sh /other/hook.sh codex Stop || true"',
            '[[hooks.SessionStart]]\nhooks = [\n  { type = "command", command = "bd prime" },\n]',
            '[hooks.state."/home/dev/.codex/config.toml:stop:0:0"]\ntrusted_hash = "sha256:31c6"',
            '[hooks]\nStop = [\n  { hooks = [{ type = "command", command = "[x]" }] }, # a, b\n]\nSessionEnd = []',
            "# the end",
            "",
        ]
    ),
    unique_by=lambda table: table,
    max_size=5,
)


@st.composite
def toml_settings(draw: st.DrawFn) -> bytes:
    """Settings with or without hooks of others, as Codex accepts them; now and then blank."""
    tables = draw(_TABLES)
    if any(table.startswith("[hooks]\n") for table in tables):  # hooks are either arrays or tables
        tables = [table for table in tables if "[[" not in table]
    text = "\n".join((*draw(_TOP), *tables)) + draw(st.sampled_from(["", "\n", "\n\n", "\n  "]))
    text = text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n"])))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode()


PIECES = (
    *(b"a", b"# Title\n", b"\n", b"\r\n", b"\r", b" ", b"    ", b"> ", b"- ", b"\xef\xbb\xbf", b"\xff\xfe", b"\0"),
    *(b"```\n", b"```", b"~~~\n", b"- ```sh\n", b"  ```\n", b"````\r\n", b"`", b"``", b"<!--", b"-->"),
    *(START, END, START + b"\n", END + b"\n", START + b"\r\n", b"@AGENTS.md\n"),
    *(NEW_FILE, NEW_FILE.replace(b"\n", b"\r\n")),
)

TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join) | st.binary(max_size=60)
"""Bytes with all line ends, byte order marks, fences open and closed, our markers whole, halved and twice."""
