"""What lies in a project between its first session's start and the first thing worth handing over. Blocks."""

from __future__ import annotations

import errno
from pathlib import Path

import msgspec

from carryover.config import Config, project_settings
from carryover.distill.header import PLACEHOLDER
from carryover.fsio import read_bytes_bounded
from carryover.publish.handoff_file import HANDOFF, STORE
from carryover.publish.policy import refusal
from carryover.publish.project_files import publish
from carryover.publish.project_root import AgentFolders
from carryover.publish.refresh import Refreshed


def awaits_handoff(root: Path, config: Config, *, home: Path, agents_own: AgentFolders | None = None) -> bool:
    """May a handoff lie in the project at `root`, where none does yet? The placeholder is none."""
    settings = project_settings(root, config)
    if settings.excluded is not None or not _is_free(settings.folder or root / STORE):
        return False
    return settings.folder is not None or refusal(root, home=home, agents_own=agents_own) is None


def with_placeholder(made: Refreshed, *, home: Path, agents_own: AgentFolders | None = None) -> Refreshed:
    """Publishes the placeholder, and all that belongs to a handoff, where there is nothing to hand over and none lies.

    A handoff that is there already stays. What is right is not touched, so a second time changes nothing.
    """
    root = Path(made.root)
    if made.text is not None or not _is_free(made.settings.folder or root / STORE):
        return made
    published = publish(root, PLACEHOLDER, made.settings, home=home, agents_own=agents_own)
    return msgspec.structs.replace(made, published=published)


def _is_free(folder: Path) -> bool:
    """True where no handoff lies, or the placeholder: whoever put it there may have been stopped before the rest."""
    placeholder = PLACEHOLDER.encode()
    try:
        return read_bytes_bounded(folder / HANDOFF, len(placeholder), follow=False) == placeholder
    except FileNotFoundError:
        return True
    except OSError as error:
        return error.errno == errno.ENOTDIR
