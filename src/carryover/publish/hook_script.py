"""The script that agents' hooks run: in the state folder, so that an update changes no agent's settings."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Final

from carryover.agents import specs
from carryover.edits.hooks import SCRIPT
from carryover.fsio import is_folder, private_dir, read_bytes_bounded, write_if_changed
from carryover.how_installed import own_python
from carryover.paths import STARTER, StateDir
from carryover.projects.handoff_file import BEGINNING, HANDOFF, read_handoff
from carryover.text.pattern import later

CURL_CONFIG: Final = "hook.curl"
SECRET_HEADER: Final = "X-Carryover-Secret"
CWD_HEADER: Final = "X-Carryover-Cwd"
"""HTTP header for the hook's working folder, with a trailing slash; for agents whose payloads do not contain it."""

_STAND_IN: Final = "carryover.daemon.hooks.without_daemon"
_FORMER_ANSWERS: Final = "restore"
_ANSWER: Final = later(r"\.answer|\.\.answer\.[0-9a-f]+\.tmp")

_SOURCE: Final = Path(__file__).with_name(SCRIPT)

# -q on the command line ignores the user's curl settings; this covers what they and the environment could still change.
# "Expect" makes an older curl wait for the server's go-ahead before it sends more than 1 KiB.
_CURL_CONFIG: Final = """\
# Written by carryoverd for hook.sh. Who has the secret in this file can call hooks in your name on the daemon's port.
silent
globoff
noproxy = "*"
unix-socket = "{socket}"
connect-timeout = 0.2
header = "Content-Type: application/json"
header = "Expect:"
header = "{header}: {secret}"
"""


def hook_script(python: Path) -> bytes:
    """Returns the script, for this user and the running copy of the program."""
    hooked = [spec for spec in specs() if spec.hooks.injects_on]
    kept = (f"  {' | '.join((spec.id, *spec.aliases))}) spool={spec.id} ;;" for spec in specs() if spec.is_spooled)
    text = _SOURCE.read_text(encoding="utf-8")
    parts = {
        "@START_EVENTS@": " | ".join(dict.fromkeys(event for spec in hooked for event in spec.hooks.injects_on)),
        "@PROMPT_EVENTS@": " | ".join(dict.fromkeys(event for spec in hooked for event in spec.hooks.prompts_on)),
        "@SPOOLED@": "\n".join(kept),
        "@CWD_HEADER@": CWD_HEADER,
        "@STARTER@": STARTER,
        "@HOME@": shlex.quote(str(Path.home())),
        "@PYTHON@": shlex.quote(str(python)),
        "@STAND_IN@": _STAND_IN,
    }
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text.encode()


def write_hook_script(state: StateDir, *, python: Path | None = None) -> bool:
    """Writes the script and its settings; returns whether any changed. Raises OSError, also without a secret.

    `python`: the one that the script starts, our own if None.
    """
    secret = read_bytes_bounded(state.secret, 128).decode("ascii").strip()
    config = _CURL_CONFIG.format(socket=state.socket.name, header=SECRET_HEADER, secret=secret)
    private_dir(state.root)
    remove_former_copies(state)
    wrote = write_if_changed(state.root / CURL_CONFIG, config.encode(), mode=0o600, follow=False)
    return write_if_changed(state.root / SCRIPT, hook_script(python or own_python()), mode=0o700, follow=False) or wrote


def remove_former_copies(state: StateDir) -> None:
    """Removes what trial versions kept of handoffs: a copy of the newest one, and answers in files, one for each agent,
    kind of start and project, which an old `hook.sh` prints whatever was forgotten, paused or excluded meanwhile. What
    else is there is not ours: `CARRYOVER_HOME` may name a folder that the user has other things in."""
    with suppress(OSError):
        if read_handoff(state.root / HANDOFF).startswith(BEGINNING):
            (state.root / HANDOFF).unlink()
    folders = former_answers(state)
    for folder, _, files in (each for top in folders for each in os.walk(top, topdown=False)):
        with suppress(OSError):
            for name in filter(_ANSWER.fullmatch, files):
                Path(folder, name).unlink(missing_ok=True)
            Path(folder).rmdir()
    if folders:
        with suppress(OSError):
            folders[0].parent.rmdir()


def former_answers(state: StateDir) -> list[Path]:
    """Returns the folders of those answers, one per agent, at most."""
    top = state.root / _FORMER_ANSWERS
    each = dict.fromkeys(name for spec in specs() for name in (spec.id, *spec.aliases))
    return [top / name for name in each if is_folder(top / name)] if not top.is_symlink() else []
