"""Agents on this machine that Carryover covers now and did not when install or refresh last ran."""

from __future__ import annotations

from collections.abc import Iterable

from carryover.config import AgentsConfig
from carryover.install.detect import Detection


def newly_covered(detections: Iterable[Detection], agents: AgentsConfig) -> tuple[str, ...]:
    """Their ids. None before the first install, and none that the user has seen since: selected or not.

    Installs before 0.2 did not record which agents they knew: those of the first release.
    """
    if agents.selected is None:
        return ()
    return tuple(
        found.spec.id
        for found in detections
        if found.found and found.spec.id not in agents.selected
        if not (found.spec.in_first_release if agents.known is None else found.spec.id in agents.known)
    )
