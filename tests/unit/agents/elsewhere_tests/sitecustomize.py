"""Puts the fictional agent Scribe among the real ones. Python runs this if its folder is on PYTHONPATH, daemons too.

Scribe's material for the suites is in `agents/scribe_cli` here, as that of the real ones is in `tests/agents`.
"""

from __future__ import annotations

from pathlib import Path

import carryover.agents

carryover.agents.__path__.append(str(Path(__file__).parents[1] / "elsewhere"))
