"""The script that agents' hooks run, and its settings.

Both are in the state folder, so that an update of Carryover changes no agent's settings.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Final

from carryover.agents import specs
from carryover.edits.hooks import SCRIPT
from carryover.fsio import private_dir, read_bytes_bounded, write_if_changed
from carryover.paths import StateDir

CURL_CONFIG: Final = "hook.curl"
STARTER: Final = "start.sh"
"""Starts the daemon if no service manager does (`carryover start`)."""
SECRET_HEADER: Final = "X-Carryover-Secret"
CWD_HEADER: Final = "X-Carryover-Cwd"
"""HTTP header for the hook's working folder, with a trailing slash; for agents whose payloads do not contain it."""

_SOURCE: Final = Path(__file__).with_name(SCRIPT)

# -q on the command line ignores the user's curl settings; this covers what they and the environment could still change.
# "Expect" makes an older curl wait for the server's go-ahead before it sends more than 1 KiB.
_CURL_CONFIG: Final = """\
# Written by carryoverd for hook.sh. Anyone who can read this file can talk to the daemon in your name.
silent
globoff
noproxy = "*"
unix-socket = "{socket}"
connect-timeout = 0.2
header = "Content-Type: application/json"
header = "Expect:"
header = "{header}: {secret}"
"""


def hook_script() -> bytes:
    """Returns the script, including each agent's part for finding the session."""
    hooked = [spec for spec in specs() if spec.hooks.injects_on]
    events = dict.fromkeys(event for spec in hooked for event in spec.hooks.injects_on)
    known = (
        f"  {spec.id})\n{indent(spec.hooks.offline.strip(), '    ')}\n    ;;" for spec in hooked if spec.hooks.offline
    )
    kept = (f"  {' | '.join((spec.id, *spec.aliases))}) spool={spec.id} ;;" for spec in specs() if spec.hooks.spooled)
    text = _SOURCE.read_text(encoding="utf-8")
    prompts = dict.fromkeys(event for spec in hooked for event in spec.hooks.prompts_on)
    parts = {
        "@START_EVENTS@": " | ".join(events),
        "@PROMPT_EVENTS@": " | ".join(prompts) or "''",
        "@AGENTS@": "\n".join(known),
        "@SPOOLED@": "\n".join(kept),
        "@CWD_HEADER@": CWD_HEADER,
        "@STARTER@": STARTER,
    }
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text.encode()


def write_hook_script(state: StateDir) -> bool:
    """Writes the script and its settings to the state folder; returns whether anything changed. Blocks.

    The daemon's secret must exist. Raises OSError if it does not, or if the folder can't be written.
    """
    secret = read_bytes_bounded(state.secret, 128).decode("ascii").strip()
    config = _CURL_CONFIG.format(socket=state.socket.name, header=SECRET_HEADER, secret=secret)
    private_dir(state.root)
    wrote = [
        write_if_changed(state.root / CURL_CONFIG, config.encode(), mode=0o600, follow=False),
        write_if_changed(state.root / SCRIPT, hook_script(), mode=0o700, follow=False),
    ]
    return any(wrote)
