"""What this machine must have before a real agent can be run in a box."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from typing import Final

from real_agents.lab.product import SHOWN

DEBIAN_PACKAGES: Final = {
    "git": "git",
    "ip": "iproute2",
    "npm": "npm",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "tmux": "tmux",
    "unshare": "util-linux",
}


@cache
def missing() -> str:
    """What is missing and what to do about it; empty when nothing is."""
    if sys.platform != "linux":
        return "needs Linux (namespaces)"
    absent = [name for name in DEBIAN_PACKAGES if shutil.which(name) is None]
    if absent:
        packages = " ".join(sorted({DEBIAN_PACKAGES[name] for name in absent}))
        return f"needs {', '.join(absent)}: apt-get install {packages}"
    if os.geteuid() != 0:
        return "needs root for the namespaces: run `make test-agents` as root"
    tried = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)
    if tried.returncode:
        return f"this machine allows no namespaces ({tried.stderr.strip()}): run it outside a container"
    private = [str(path) for path in SHOWN if not path.stat().st_mode & 0o005]
    if private:
        return f"the box's user must be able to read {', '.join(private)}: chmod o+rx, or use another checkout"
    return ""
