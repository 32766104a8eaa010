"""Publishes a text as a project's handoff: `python -m real_agents.lab.publish ROOT TEXT AGENT`.

AGENT: the only agent that gets a pointer, in a file that git does not show. If it is empty, all agents get pointers, in
files that git shows. If the text is refused, exits with the reason.
"""

import sys
from pathlib import Path

from carryover.config import Config, ProjectSettings
from carryover.past.context import state_dir
from carryover.projects.root import StatePaths
from carryover.publish.make import MadeHandoff
from carryover.publish.publish import publish_handoff
from carryover.redact import CleanText
from real_agents.lab import product
from real_agents.lab.box import Box


def publish(box: Box, root: Path, text: str, *, local_for: str = "") -> None:
    """Publishes the text in the box. Raises RuntimeError if it is refused."""
    box.must(product.PYTHON, "-m", "real_agents.lab.publish", str(root), text, local_for)


def main(root: str, text: str, local_for: str) -> str | None:
    settings = ProjectSettings(pointers="local", agents=(local_for,)) if local_for else ProjectSettings()
    made = MadeHandoff(root=root, settings=settings, handoff=None, text=CleanText(text), git=None)
    return publish_handoff(made, Config(), StatePaths(state_dir(), Path.home())).published.refusal


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
