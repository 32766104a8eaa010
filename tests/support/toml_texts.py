"""TOML settings in layouts that people and Codex might give them."""

from __future__ import annotations

from hypothesis import strategies as st

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
