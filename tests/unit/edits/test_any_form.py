"""Our hooks in the settings of any agent, whatever their form: they come and leave every other byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.spec import Form, HookSpec
from carryover.edits.entries import ListEntry
from carryover.edits.hooks import Hook, Hooks, owner_by_script
from carryover.text.user_text import EditRefused
from support.settings_texts import commented_settings, flat_settings, formatted, settings, toml_settings
from unit.edits.test_entries import IN_JSON, IN_TOML, LISTED, NAMED, with_lists

SCRIPT: Final = Path("/home/dev/.carryover/hook.sh")
OWNER_OF: Final = owner_by_script(SCRIPT)
COMMENTED: Final = HookSpec(comments=True)
SETTINGS: Final[dict[Form, st.SearchStrategy[bytes]]] = {
    "nested": settings() | commented_settings(),
    "flat": flat_settings(),
    "plain": flat_settings(),
    "tables": toml_settings(),
}
EVENTS: Final = ("Stop", "PreCompact", "SessionStart")


def hooks(events: Sequence[str], form: Form, timeout_s: int = 5) -> tuple[Hook, ...]:
    """Ours for `events`; only two forms have matchers, and the plain one has no time limit."""
    return tuple(
        Hook(
            event=event,
            matcher="startup|clear" if event == "SessionStart" and form in ("nested", "tables") else None,
            timeout=None if form == "plain" else timeout_s,
            command=f"sh {SCRIPT} an-agent {event} 2>/dev/null || true",
        )
        for event in events
    )


def ours_in(data: bytes, form: Form) -> Counter[Hook]:
    return Counter(found.hook for found in Hooks(form, OWNER_OF).found(data) if found.owner == "ours")


@pytest.mark.hypothesis
@pytest.mark.parametrize("form", SETTINGS)
def test_uninstall_is_the_inverse_of_install_on_any_settings_in_any_layout(form: Form) -> None:
    """Also with another set of hooks in between."""
    wanted = hooks(("SessionStart", "Stop"), form)

    @given(data=SETTINGS[form], other=st.sets(st.sampled_from(EVENTS), min_size=1))
    def there_and_back(data: bytes, other: set[str]) -> None:
        origin = Hooks(form, OWNER_OF).origin_of(data)
        after = Hooks(form, OWNER_OF, wanted, COMMENTED).put(data)
        letters = iter(after)

        assert ours_in(after, form) == Counter(wanted)
        assert all(letter in letters for letter in data) or not data.strip()
        assert Hooks(form, OWNER_OF, wanted, COMMENTED).put(after, origin) == after
        assert Hooks(form, OWNER_OF).take(after, origin) == data
        assert Hooks(form, OWNER_OF).take(after, Hooks(form, OWNER_OF).origin_of(after, origin)) == data

        others = hooks(sorted(other), form, timeout_s=7)
        changed = Hooks(form, OWNER_OF, others, COMMENTED).put(after, origin)
        assert {hook.event for hook in ours_in(changed, form)} == other
        assert Hooks(form, OWNER_OF).take(changed, origin) == data

    there_and_back()


PROGRAM: Final = "const HOOKS = @HOOKS@;\n"
OTHERS: Final[tuple[tuple[Hooks | ListEntry, st.SearchStrategy[bytes]], ...]] = (
    *((entry, with_lists()) for entry in (LISTED, IN_JSON)),
    *((entry, toml_settings()) for entry in (IN_TOML, NAMED)),
    (Hooks("extension", OWNER_OF, hooks(EVENTS, "extension"), program=PROGRAM), st.sampled_from([b"", b" \n\t"])),
)


@pytest.mark.hypothesis
@pytest.mark.parametrize(("ours", "settings"), OTHERS, ids=["list", "server", "table", "tables", "extension"])
def test_so_it_is_for_entries_servers_and_a_program(
    ours: Hooks | ListEntry, settings: st.SearchStrategy[bytes]
) -> None:
    @given(data=st.none() | settings)
    def there_and_back(data: bytes | None) -> None:
        after = ours.put(data)

        assert ours.put(after, ours.origin_of(data)) == after
        assert ours.take(after, ours.origin_of(data)) == data

    there_and_back()


@pytest.mark.hypothesis
@pytest.mark.parametrize("form", SETTINGS)
def test_no_bytes_raise_anything_but_a_refusal(form: Form) -> None:
    @given(data=st.binary(max_size=40) | formatted(st.text(max_size=3)))
    def asked(data: bytes) -> None:
        for ask in (
            lambda: Hooks(form, OWNER_OF, hooks(EVENTS, form)).put(data),
            lambda: Hooks(form, OWNER_OF).take(data),
            lambda: Hooks(form, OWNER_OF).found(data),
        ):
            try:
                ask()
            except EditRefused as error:
                assert str(error)

    asked()
