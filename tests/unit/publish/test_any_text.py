"""Whatever is in a file of a project, our text comes into it once, and goes without a trace."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carryover.adapter.spec import AGENTS_MD
from carryover.agents import instruction_files, read_lists
from carryover.outside.apply import Text
from carryover.probe.checkout import Checkout
from carryover.publish.gitignore import rules_in, shared_rule, with_rule, without_rules
from carryover.publish.local_pointers import local_names, local_text
from carryover.publish.pointers import NEW_FILE, pointer
from carryover.publish.read_lists import list_entry
from carryover.text.user_text import BOM, EditRefused
from support.repository import repository

RULES: Final = [(b"# Carryover (auto-added)", name) for name in (b".carryover/", b"/AGENTS.md", b"/.aider.conf.yml")]


def files(*lines: bytes) -> st.SearchStrategy[bytes]:
    """Files of such lines with either line end, also both, with and without one at the end and a byte order mark."""
    usual = (b"", b"# note", b"  ", b"<!-- note -->", "Grüße".encode(), b"\xe4")
    ended = st.tuples(st.sampled_from((*usual, *lines)), st.sampled_from([b"\n", b"\r\n"])).map(b"".join)
    last = st.sampled_from((b"", *usual, *lines))
    return st.builds(
        lambda bom, body, end: bom + b"".join(body) + end, st.sampled_from([b"", BOM]), st.lists(ended), last
    )


INSTRUCTIONS: Final = files(b"Be brief.", b"@AGENTS.md", b"```", b"~~~", *NEW_FILE.splitlines(), NEW_FILE)
IGNORED: Final = files(b"*.log", b"!*/", b".carryover/", b".car*", b"/AGENTS.md", RULES[0][0])
LISTS: Final = files(
    b"read: A.md", b"read:", b"read: []", b"  - A.md", b"  - 'B.md'  # b", b"model: gpt-4o", b"- y", b"---"
)

Texts = Callable[[Path], list[Text]]
KINDS: Final[dict[str, tuple[Texts, st.SearchStrategy[bytes]]]] = {
    "pointer": (lambda root: [pointer(root, name) for name in instruction_files()], INSTRUCTIONS),
    "hidden": (lambda root: [local_text(root, name) for name in local_names() if name != AGENTS_MD], INSTRUCTIONS),
    "entry": (lambda root: [list_entry(root, where, is_listed=False) for where in read_lists().values()], LISTS),
    "rule": (lambda root: [*filter(None, [rules_in(Checkout(root))]), shared_rule(root)], IGNORED),
}


@pytest.mark.hypothesis
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_put_in_is_taken_out_again_byte_for_byte(kind: str, tmp_path: Path) -> None:
    texts_of, found = KINDS[kind]
    texts = texts_of(repository(tmp_path / "app", {"a.py": "1\n"}))
    assert texts != []

    @given(text=st.sampled_from(texts), before=st.none() | found)
    def there_and_back(text: Text, before: bytes | None) -> None:
        try:
            after, left = text.put(before), text.without(before)
        except EditRefused:
            return
        assert text.put(after) == after
        assert text.without(after) == left
        if left != before:
            assert before is not None, "nothing of ours is in a file that is not there"
        elif after != before:
            assert after is not None
            assert text.is_in(after)
            letters = iter(after)
            assert all(letter in letters for letter in before or b"")

    there_and_back()


@given(before=st.none() | IGNORED, order=st.permutations(RULES), gone=st.sets(st.sampled_from(RULES)))
@example(before=b"*.log", order=RULES, gone={RULES[0]})
@example(before=b"*.log\r\n", order=RULES, gone={RULES[1]})
def test_any_of_our_rules_go_as_if_they_had_never_come(
    before: bytes | None, order: list[tuple[bytes, bytes]], gone: set[tuple[bytes, bytes]]
) -> None:
    if before is not None and without_rules(before, RULES) != before:
        return  # it has one of ours already
    stay = [lines for lines in order if lines not in gone]

    assert without_rules(reduce(with_rule, order, before), gone) == reduce(with_rule, stay, before)
