"""Two sessions of Claude Code 2.1.328, without the bulky records that are not conversation, written as if now."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from demo import replay as demo

RECORDED: Final = Path(__file__).parents[1] / "fixtures" / "recorded_shop"
FILES: Final = {
    "README.md": "# shop\n",
    "CLAUDE.md": "# Shop\nRun tests with `python3 -m unittest`.\n",
    "cart.py": "def total(items):\n    return sum(items)\n",
}
"""The project's files before the first session."""


def make_project(root: Path, env: Mapping[str, str]) -> None:
    """Creates the project, as a git repository."""
    demo.make_project(root, env, FILES)


def replay(claude_home: Path, project: Path) -> None:
    """Writes both sessions below `claude_home`, and changes the project's files as they did."""
    for path in sorted(RECORDED.iterdir()):
        demo.replay(claude_home, project, path.read_bytes())
        written = _now_ms()
        while _now_ms() == written:  # the next session begins after this one, for those who read times in milliseconds
            pass


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
