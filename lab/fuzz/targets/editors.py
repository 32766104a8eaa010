"""A settings file or an instruction file of the user: our text comes in once and goes without a trace, or is refused.

Every other byte stays, the user's bytes keep their order, and nothing but `EditRefused` is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from carryover.adapter.spec import Form, HookSpec
from carryover.edits.entries import ListEntry
from carryover.edits.hooks import Hooks
from carryover.publish.gitignore import with_rule, without_rule
from carryover.publish.pointers import with_block, without_block
from carryover.text.user_text import EditRefused
from fuzz.bytes import chosen
from unit.edits import test_entries, test_hooks
from unit.text import test_yaml_list

LARGEST: Final = 3_000
_OURS: Final = b"carryover"
_GIVEN: Final = Path(__file__).parents[3] / "tests" / "unit" / "edits"


class Editor(NamedTuple):
    """Puts our text in, and takes it out again: `take_out(before, after)`. `example`: where files of its kind are."""

    put_in: Callable[[bytes], bytes]
    take_out: Callable[[bytes, bytes], bytes | None]
    example: str


def _settings(ours: Hooks | ListEntry, example: str) -> Editor:
    return Editor(
        lambda data: ours.put(data, ours.origin_of(data)),
        lambda before, after: ours.take(after, ours.origin_of(before)),
        example,
    )


def _hooks(form: Form, example: str, *, comments: bool = False) -> Editor:
    rules = HookSpec(comments=comments)
    return _settings(Hooks(form, test_hooks.OWNER_OF, test_hooks.WANTED[form], rules), example)


_PATH: Final = test_yaml_list.PATH
EDITORS: Final = (
    _hooks("nested", "json"),
    _hooks("nested", "jsonc", comments=True),
    _hooks("flat", "json"),
    _hooks("plain", "json"),
    _hooks("tables", "toml"),
    _settings(test_entries.LISTED, "json_list"),
    _settings(test_entries.IN_JSON, "json"),
    _settings(test_entries.IN_TOML, "toml"),
    Editor(
        lambda data: test_yaml_list.READ.with_entry(data, _PATH),
        lambda _, after: test_yaml_list.READ.without_entry(after, _PATH),
        "yaml",
    ),
    Editor(with_rule, lambda _, after: without_rule(after), "yaml"),
    Editor(partial(with_block, at_top=False), lambda _, after: without_block(after), "yaml"),
    Editor(partial(with_block, at_top=True), lambda _, after: without_block(after), "yaml"),
)


def check(data: bytes, folder: Path) -> None:
    editor, before = chosen(data, EDITORS)
    try:
        after = editor.put_in(before)
    except EditRefused as error:
        assert str(error)
        return
    assert editor.put_in(after) == after
    if _OURS in before.lower():  # it may be replaced, or have been there before
        return
    letters = iter(after)
    assert all(letter in letters for letter in before) or not before.decode().strip()
    assert editor.take_out(before, after) == before


def seeds() -> Iterable[bytes]:
    for number, editor in enumerate(EDITORS):
        for path in sorted((_GIVEN / "corpus" / editor.example).iterdir()):
            yield bytes([number]) + path.read_bytes()
        yield bytes([number])
    for path in sorted((_GIVEN / "golden").iterdir()):
        yield b"\0" + path.read_bytes()
    yield b"\4" + test_hooks.THEIRS.encode()
    yield b"\7" + test_entries.CONFIG.encode()
