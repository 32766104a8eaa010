"""Chooses the hook set for an agent's version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from carryover.adapter.spec import AgentSpec, HookSet

ALL_KNOWN: Final = "every known version"
"""Label of the hooks for an unreadable version."""


def hooks_for(spec: AgentSpec, version: Version) -> tuple[Literal["ok", "older", "newer"], HookSet | None]:
    """Compares `version` with the known ranges; also returns its hooks, or None if it has none.

    A version above the newest range gets the newest hooks; one below the lowest gets none.
    """
    if not spec.hooks.sets:
        return "ok", None
    release = released(version)
    for known in spec.hooks.sets:
        if release in SpecifierSet(known.versions):
            return "ok", known
    if release < lowest(spec.hooks.sets[0]):
        return "older", None
    return "newer", spec.hooks.sets[-1]


def hooks_for_unknown(spec: AgentSpec) -> HookSet | None:
    """Returns the hooks for an unreadable version: those of the newest set that all sets able to inject text have.

    An event that the installed version does not know can make the agent complain at every start (Claude Code); a
    missing event only means that the daemon notices a change through the file a moment later. If such an event makes
    the agent drop all hooks, even other programs' (reported for Cursor), only events that every set has are used. If
    the events were renamed, no event is in all sets, and the newest set is used.
    """
    if not spec.hooks.sets:
        return None
    newest = spec.hooks.sets[-1]
    able = spec.hooks.sets if _drops_unknown(spec) else [known for known in spec.hooks.sets if can_inject(spec, known)]
    able = able or [newest]
    common = tuple(hook for hook in newest.hooks if all(hook.event in known.events for known in able))
    if not common:
        return newest
    return HookSet(versions=f">={lowest(able[0])}", label=ALL_KNOWN, hooks=common)


def _drops_unknown(spec: AgentSpec) -> bool:
    return spec.hooks.file_rules is not None and spec.hooks.file_rules.known_events_only


def in_common(sets: Sequence[HookSet | None]) -> HookSet | None:
    """Returns the hooks of the first set that all others have too; None if there are none."""
    first = sets[0]
    if first is None or all(other == first for other in sets):
        return first
    common = tuple(hook for hook in first.hooks if all(other is not None and hook in other.hooks for other in sets))
    if not common:
        return None
    labels = " and ".join(dict.fromkeys(other.label for other in sets if other is not None))
    return HookSet(versions=first.versions, label=labels, hooks=common)


def can_inject(spec: AgentSpec, hook_set: HookSet) -> bool:
    """Whether any hook in the set can inject text into a session."""
    return any(event in spec.hooks.injects_on for event in hook_set.events)


def lowest(hook_set: HookSet) -> Version:
    """Returns the first version of a range."""
    return max(Version(part.version) for part in SpecifierSet(hook_set.versions) if part.operator == ">=")


def released(version: Version) -> Version:
    """Returns the version without a pre-release suffix: `2.0b1` matches neither `<2` nor `>=2`."""
    return Version(version.base_version)
