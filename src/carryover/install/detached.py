"""Runs the daemon in the background without a service manager: in a container, in WSL, over plain ssh."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from typing import Final

from carryover.daemon.client import Endpoint, stop_daemon, wait_for_daemon
from carryover.errors import UserError, os_reason
from carryover.fsio import private_dir, write_if_changed
from carryover.install.service import ANSWER_S, STANDARD_PATH, Program
from carryover.paths import StateDir
from carryover.publish.hook_script import STARTER

_KEPT: Final = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY")
"""Environment variables that the daemon inherits; the agent whose hook starts it has many more."""
_OF_PYTHON: Final = ("PYTHONPATH",)  # a checkout that is run and not installed

# All streams are closed before anything is started, so that no agent waits for them.
_SCRIPT: Final = """\
#!/bin/sh
# Written by `carryover start`, as no service manager runs carryoverd here: starts it in the background.
# The agents' hooks run this when no daemon answers. `carryover stop` removes it.
exec </dev/null >/dev/null 2>&1
cd / || exit
set -- env -i {command}
if command -v setsid; then set -- setsid "$@"; fi
"$@" &
"""


def write_starter(state: StateDir, program: Program, env: Mapping[str, str]) -> bool:
    """Writes the script that starts the daemon; returns whether it changed. Raises OSError."""
    variables = {name: env[name] for name in (*_KEPT, *_OF_PYTHON) if env.get(name)}
    variables |= {"PATH": STANDARD_PATH, **program.environment}
    words = (*(f"{name}={value}" for name, value in sorted(variables.items())), *program.command)
    private_dir(state.root)
    script = _SCRIPT.format(command=shlex.join(words)).encode(errors="surrogateescape")
    return write_if_changed(state.root / STARTER, script, mode=0o700, follow=False)


def start_detached(state: StateDir, program: Program, *, limit_s: float) -> Endpoint:
    """Starts the daemon, replacing a running one, and waits up to `limit_s` for it to answer; returns its endpoint.

    From then on, the agents' hooks start it too. Raises UserError if it cannot be started.
    """
    try:
        write_starter(state, program, os.environ)
        stop_daemon(state)
        subprocess.run([state.root / STARTER], stdin=subprocess.DEVNULL, timeout=ANSWER_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        why = os_reason(error) if isinstance(error, OSError) else "its script does not end"
        raise UserError(f"carryoverd can't be started: {why}.") from error
    return wait_for_daemon(state, limit_s)


def forget_starter(state: StateDir) -> None:
    """Removes the script, so that hooks no longer start the daemon."""
    (state.root / STARTER).unlink(missing_ok=True)
