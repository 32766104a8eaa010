"""`make dist` writes the manual pages into the folder that it names."""

from __future__ import annotations

import sys
from pathlib import Path

from manual.pages import pages

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, text in pages().items():
    (folder / name).write_text(text, encoding="utf-8")
