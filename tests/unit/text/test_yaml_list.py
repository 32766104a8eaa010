"""An entry in a top-level list of a YAML file: added, found again, taken out byte for byte; refused where unsure."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carryover.text.user_text import EditRefused
from carryover.text.yaml_list import YamlList

PATH = "/home/dev/my shop/.carryover/handoff.md"
NAME = f'"{PATH}"'
READ = YamlList(".aider.conf.yml", "read", ".aider.conf.yml")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"\n# Carryover (auto-added)\nread: [{NAME}]\n"),
        ("model: gpt-4o\n", f"model: gpt-4o\n\n# Carryover (auto-added)\nread: [{NAME}]\n"),
        ("model: gpt-4o", f"model: gpt-4o\n# Carryover (auto-added)\nread: [{NAME}]\n"),
        ("read: A.md\n", f"read: [{NAME}, A.md]\n"),
        ("read:  'A b.md'  # mine\n", f"read:  [{NAME}, 'A b.md']  # mine\n"),
        ("read: [A.md]\n", f"read: [A.md, {NAME}]\n"),
        ('read: [ A.md, "B, c.md" ] # x\n', f'read: [ A.md, "B, c.md", {NAME} ] # x\n'),
        ('read: [A.md, "B\'s.md"]\n', f'read: [A.md, "B\'s.md", {NAME}]\n'),
        ("read: [A.md,]\n", f"read: [A.md, {NAME},]\n"),
        ("read: []\n", f"read: [{NAME}]\n"),
        ("read:\nmodel: x\n", f"read:\n  - {NAME}\nmodel: x\n"),
        ("read:\n- A.md\n# end\nmodel: x\n", f"read:\n- A.md\n- {NAME}\n# end\nmodel: x\n"),
        ("read:\n    - A.md # a\n\n    - B.md", f"read:\n    - A.md # a\n\n    - B.md\n    - {NAME}"),
        ("read:\r\n  - A.md\r\n", f"read:\r\n  - A.md\r\n  - {NAME}\r\n"),
        ("---\n# c\nread: A.md\n", f"---\n# c\nread: [{NAME}, A.md]\n"),
        ("read: [A.md,\n  B.md]\n", f"read: [A.md,\n  B.md, {NAME}]\n"),
        ("read: A.md\n  B.md\n", f"read: [{NAME}, A.md\n  B.md]\n"),
        ('"read": A.md\n', f'"read": [{NAME}, A.md]\n'),
        ("read:\n  - &x A.md\n", f"read:\n  - &x A.md\n  - {NAME}\n"),
        ("lint-cmd: '*.py'\nread: A.md\n", f"lint-cmd: '*.py'\nread: [{NAME}, A.md]\n"),
        ("alias:\n  - 'f:x'\nother: |\n  read: no\nread: A.md\n", None),
    ],
)
def test_an_entry_is_added_and_taken_out(before: str, after: str | None) -> None:
    added = READ.with_entry(before.encode(), PATH)

    assert after is None or added == after.encode()
    assert READ.has_entry(added, PATH)
    assert READ.with_entry(added, PATH) == added
    assert READ.entries_ending(added, "/handoff.md") == [PATH]
    assert READ.without_entry(added, PATH) == before.encode()


def test_only_our_entry_is_taken_out_of_others_in_quotes() -> None:
    for text in (f'read:\n  - "A.md"\n  - {NAME}\n', f'read:\n  - {NAME}\n  - "A.md"\n'):
        assert READ.without_entry(text.encode(), PATH) == b'read:\n  - "A.md"\n'
    others = b'read:\n  - "A.md"\n  - B.md\n'
    assert READ.without_entry(others, PATH) == others


@pytest.mark.parametrize(
    "text",
    [
        "read: ~\n",
        "read: &x [A.md]\n",
        "read: !!seq [A.md]\n",
        "read: !!str A.md\n",
        "read: &x A.md\n",
        "read: |\n  A.md\n",
        "read: [[A.md]]\n",
        'read: "A.md\n',
        "read: a, b.md\n",
        "read: A.md\nread: B.md\n",
        "read:\n\t- A.md\n",
        "read:\n  - a: b\n",
        "read: d:[m,'']\n",
        "{read: A.md}\n",
        "- A.md\n",
        "a: 1\n---\nb: 2\n",
        "%YAML 1.2\n",
        "\ufeffread: A.md\n",
        "a\rb: 1\n",
        "  read: A.md\n",
        "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 64)).replace("*a0", "x"),
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    for data, path in ((text.encode(), PATH), (b"read: \xff\n", PATH), (b"a: 1\n", "/a\nb")):
        with pytest.raises(EditRefused):
            READ.with_entry(data, path)


def test_a_file_of_our_own_is_known_and_an_entry_that_the_user_wrote_is_enough() -> None:
    for text in (f"read: {NAME}\n", f"read: ['{PATH}']\n", f"read:\n  - {NAME}\n"):
        assert READ.with_entry(text.encode(), PATH) == text.encode()
    assert READ.is_new_file(READ.new_file(PATH), PATH)
    assert not READ.is_new_file(READ.with_entry(b"", PATH), PATH)
    assert not READ.is_new_file(READ.new_file(PATH) + b"model: x\n", PATH)


LINES = st.sampled_from(
    [
        *("", "# note", "model: gpt-4o", "alias:", "  - x", "- y", "auto-commits: false  # no", "long: |", "    text"),
        *("read: A.md", "read:", "read: [A.md, 'b c']", "read: []", "  - 'B.md'  # b", 'read: "q"', "---", "\t", "a b"),
    ]
)


@given(lines=st.lists(LINES, max_size=7), eol=st.sampled_from(["\n", "\r\n"]), end=st.booleans())
@example(lines=["read:", "# a", "  - 'B.md'  # b", "# note"], eol="\r\n", end=False)
def test_whatever_is_accepted_comes_back_byte_for_byte(lines: list[str], eol: str, end: bool) -> None:
    before = (eol.join(lines) + (eol if end else "")).encode()
    try:
        added = READ.with_entry(before, PATH)
    except EditRefused:
        return
    assert READ.has_entry(added, PATH)
    assert READ.with_entry(added, PATH) == added
    assert READ.without_entry(added, PATH) == before
