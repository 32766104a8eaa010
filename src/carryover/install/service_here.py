"""Which service manager starts programs for this user, and which ones still have a registration of ours."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from carryover.install.launchd import Launchd
from carryover.install.service import NoManager, ServiceManager
from carryover.install.systemd import SystemdUser


def service_here(env: Mapping[str, str], home: Path, *, platform: str = sys.platform) -> ServiceManager:
    """The service manager to register with. A `NoManager`, which says why, where there is none."""
    known = _known(env, home, platform)
    if known is None:
        return NoManager(f"Carryover knows no service manager for {platform}.")
    reason = known.available()
    return known if reason is None else NoManager(reason)


def registered(env: Mapping[str, str], home: Path, *, platform: str = sys.platform) -> ServiceManager | None:
    """The service manager that has a registration of ours, even where it does not answer now: for uninstalling."""
    known = _known(env, home, platform)
    return known if known is not None and known.status().installed else None


def _known(env: Mapping[str, str], home: Path, platform: str) -> SystemdUser | Launchd | None:
    if platform == "darwin":
        return Launchd(env, home)
    if platform.startswith("linux"):
        return SystemdUser(env, home)
    return None
