"""The product's publisher, for once: `python -m real_agents.lab.publish_once ROOT TEXT`."""

from __future__ import annotations

import sys
from pathlib import Path

from carryover.config import Config, project_settings
from carryover.publish.project_files import publish
from carryover.redact import CleanText


def main(root: Path, text: str) -> None:
    published = publish(root, CleanText(text), project_settings(root, Config()))
    if published.refusal is not None:
        sys.exit(published.refusal)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
