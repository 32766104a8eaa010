"""Which of an agent's hook sets is for which version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from carryover.adapter.spec import AgentSpec, HookSet

ALL_KNOWN: Final = "every known version"
"""Label of the hooks for a version that could not be read."""


def hooks_for(spec: AgentSpec, version: Version) -> tuple[Literal["ok", "older", "newer"], HookSet | None]:
    """How `version` compares to those we know, and its hooks; None for none.

    Above the newest range the newest hooks are taken, below the lowest range none.
    """
    if not spec.hooks.sets:
        return "ok", None
    if (known := known_set(spec, version)) is not None:
        return "ok", known
    if released(version) < lowest(spec.hooks.sets[0]):
        return "older", None
    return "newer", spec.hooks.sets[-1]


def hooks_for_unknown(spec: AgentSpec) -> HookSet | None:
    """The hooks for a version that could not be read: those of the newest set that every set has which can inject.

    An event that the installed version does not know can make the agent complain at every start (Claude Code); one too
    few only means that the daemon sees a change by the file a moment later. Where such an event makes the agent drop
    all hooks, others' too (reported of Cursor), only what every set has is taken. Where the events were renamed nothing
    is common to all, and the newest set is taken.
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
    """The hooks of the first that all the others have too; None: there are none."""
    first = sets[0]
    if first is None or all(other == first for other in sets):
        return first
    common = tuple(hook for hook in first.hooks if all(other is not None and hook in other.hooks for other in sets))
    if not common:
        return None
    labels = " and ".join(dict.fromkeys(other.label for other in sets if other is not None))
    return HookSet(versions=first.versions, label=labels, hooks=common)


def known_set(spec: AgentSpec, version: Version) -> HookSet | None:
    """The set whose range holds `version`."""
    release = released(version)
    return next((known for known in spec.hooks.sets if release in SpecifierSet(known.versions)), None)


def injects_since(spec: AgentSpec, after: Version | None = None) -> Version | None:
    """The first version, above `after` where that is given, that takes in a handoff when a session starts; None: none.

    An agent may number its versions in more than one way, so a higher one need not be able to.
    """
    able = (lowest(known) for known in spec.hooks.sets if can_inject(spec, known))
    return next((version for version in able if after is None or version > released(after)), None)


def can_inject(spec: AgentSpec, hook_set: HookSet) -> bool:
    """Whether one of these hooks can put text into a session."""
    return any(event in spec.hooks.injects_on for event in hook_set.events)


def lowest(hook_set: HookSet) -> Version:
    """The first version of a range."""
    return max(Version(part.version) for part in SpecifierSet(hook_set.versions) if part.operator == ">=")


def released(version: Version) -> Version:
    """The bare number. `<2` leaves `2.0b1` out and so does `>=2`: it would be in neither of two ranges that meet."""
    return Version(version.base_version)
