"""Our hooks in a program that an agent loads: the file is ours alone, or it is left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.edits.hooks import (
    Hook,
    extension_with_hooks,
    hook_command,
    hooks_of,
    in_extension,
    owner_by_script,
    without_hooks,
)
from carryover.text.user_text import EditRefused

STATE = Path("/home/dev's/.carryover")
PROGRAM = "// ours\nconst HOOKS = @HOOKS@;\nexport default () => {};\n"
START = Hook(event="SessionStart", command=hook_command(STATE, "my-agent", "SessionStart"), timeout=2)
ELSEWHERE = Hook(event="SessionStart", command="sh /elsewhere/hook.sh my-agent Stop")
OWNER = owner_by_script(STATE / "hook.sh")


def test_the_program_holds_the_hooks_as_they_are_found_again() -> None:
    data = extension_with_hooks(None, PROGRAM, in_extension([START]))
    assert data.startswith(b"// ours\nconst HOOKS = {")
    [found] = hooks_of(data, OWNER, form="extension")
    assert (found.hook, found.owner) == (START, "ours")


def test_an_earlier_program_of_ours_is_replaced_and_ours_is_removed_as_a_whole() -> None:
    old = extension_with_hooks(None, f"{PROGRAM}// old\n", in_extension([START]))
    new = extension_with_hooks(old, PROGRAM, in_extension([START]))
    assert new == extension_with_hooks(None, PROGRAM, in_extension([START]))
    assert without_hooks(new, OWNER, form="extension") is None


@pytest.mark.parametrize("others", [b"export default () => {};\n", b"const HOOKS = {broken};\n", b"\xff\xfe"])
def test_a_file_that_is_not_ours_is_refused(others: bytes) -> None:
    with pytest.raises(EditRefused):
        extension_with_hooks(others, PROGRAM, in_extension([START]))


def test_a_program_that_runs_another_script_stays() -> None:
    data = extension_with_hooks(None, PROGRAM, in_extension([ELSEWHERE]))
    assert without_hooks(data, OWNER, form="extension") == data
