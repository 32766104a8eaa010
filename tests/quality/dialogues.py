"""Places in the handoffs of generated dialogues: what the material's generator makes, with its truth, judged anew."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from dialogue.checks import is_marked

_AS_THERE: Final = ("goal", "open", "closed", "correction", "proto", "lines")
"""Checks of the generator that look for places or lines as the handoff has them."""


def print_places(tools: Path, command: Path, count: int) -> None:
    """How often each place holds what it should, in `count` dialogues."""
    if not (tools / "dialogue.py").is_file():
        print("\ndialogues: no generator at hand")
        return
    with tempfile.TemporaryDirectory(prefix="carryover-quality-") as folder:
        out = Path(folder) / "dialogues.json"
        arguments = ["--product", str(command), "--n", str(count), "--out", str(out)]
        subprocess.run([sys.executable, tools / "dialogue.py", *arguments], check=True, stdout=subprocess.DEVNULL)
        made = json.loads(out.read_text(encoding="utf-8"))["scenarios"]
    sys.path.insert(0, str(tools))
    generator = importlib.import_module("scenario")
    found: dict[str, list[bool]] = defaultdict(list)
    failed: dict[str, list[str]] = defaultdict(list)
    for one in made:
        seed, _, number = one["id"].rpartition("-")
        for kind, holds in _checks(one, generator.make(seed, int(number)).truth):
            found[kind].append(holds)
            if not holds:
                failed[kind].append(one["id"])
    print(f"\ndialogues, {len(made)}")
    for kind, held in found.items():
        print(f"{kind:12} {sum(held) / len(held):6.3f} of {len(held):4}  {' '.join(failed[kind][:8])}")


def _checks(one: dict[str, Any], truth: Any) -> Iterator[tuple[str, bool]]:
    text = one["handoff"]
    yield from ((kind, holds) for kind, holds, _ in one["checks"] if kind in _AS_THERE)
    for word, *_ in truth.rules[-3:]:
        yield "rule", word.casefold() in text.casefold()
    for word in truth.pasted:
        yield "paste", is_marked(text, word)
