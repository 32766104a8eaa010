"""Files that settings were found to be, or that reach a branch of an editor that no other one reaches.

Each is edited and given back byte for byte, or refused with a reason. What `make fuzz` finds is added as a file in the
folder of its form.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.spec import HookSpec
from carryover.edits.hooks import Hooks
from carryover.text.user_text import EditRefused
from unit.edits import test_entries, test_hooks
from unit.text import test_yaml_list

Edit = Callable[[bytes], bytes]
CORPUS: Final = Path(__file__).parent
FORMS: Final[dict[str, tuple[Edit, Callable[[bytes, bytes], bytes | None]]]] = {
    "json": (test_hooks.installed, test_hooks.uninstalled),
    "jsonc": (
        lambda data: Hooks("nested", test_hooks.OWNER_OF, test_hooks.WANTED["nested"], HookSpec(comments=True)).put(
            data
        ),
        test_hooks.uninstalled,
    ),
    "json_list": (
        lambda data: test_entries.LISTED.put(data),
        lambda before, after: test_entries.without(test_entries.LISTED, before, after),
    ),
    "toml": (
        lambda data: test_hooks.installed(data, "tables"),
        lambda before, after: test_hooks.uninstalled(before, after, "tables"),
    ),
    "yaml": (
        lambda data: test_yaml_list.READ.with_entry(data, test_yaml_list.PATH),
        lambda _, after: test_yaml_list.READ.without_entry(after, test_yaml_list.PATH),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_file_is_given_back_or_refused_and_there_are_both(form: str) -> None:
    install, uninstall = FORMS[form]
    edited = set()
    for path in sorted((CORPUS / form).iterdir()):
        before = path.read_bytes()
        try:
            after = install(before)
        except EditRefused as error:
            assert str(error), path
            edited.add(False)
            continue
        assert install(after) == after, path
        assert uninstall(before, after) == before, path
        edited.add(after != before)
    assert edited == {True, False}, "an editor that refuses everything would do"
