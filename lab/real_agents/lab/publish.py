"""Publishes a text as a project's handoff: `python -m real_agents.lab.publish ROOT TEXT AGENT`.

AGENT: the pointer goes into files that git does not show, for this agent alone. If it is empty, files that git shows
get the pointer, for all agents. Ends with the reason if the text is refused.
"""

import sys
from pathlib import Path

from carryover.config import ProjectSettings
from carryover.past.context import state_dir
from carryover.projects.root import StatePaths
from carryover.publish.make import MadeHandoff
from carryover.publish.publish import publish_text
from carryover.redact import CleanText
from real_agents.lab import product
from real_agents.lab.box import Box


def publish(box: Box, root: Path, text: str, *, local_for: str = "") -> None:
    """Runs it in the box. Raises RuntimeError if it is refused."""
    box.must(product.PYTHON, "-m", "real_agents.lab.publish", str(root), text, local_for)


def main(root: str, text: str, local_for: str) -> str | None:
    settings = ProjectSettings(pointers="local", agents=(local_for,)) if local_for else ProjectSettings()
    clean = CleanText(text)
    made = MadeHandoff(root=root, settings=settings, handoff=None, text=clean, git=None)
    return publish_text(made, clean, StatePaths(state_dir(), Path.home())).refusal


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
