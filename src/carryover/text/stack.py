"""The stack of a program's error, as Java, .NET and JavaScript print it: its innermost lines say where it failed."""

from __future__ import annotations

from typing import Final

from carryover.text.pattern import later

MOST_FRAMES: Final = 2
"""How many innermost frames of a stack are shown."""
_FRAME: Final = later(
    r"\s*at (?:(?:async |new )?[\w$.<>`/@\[\],-]{2,200}(?: \[as [\w$.]{1,80}\])? ?\([^\n]{0,400}\)"
    r"(?: ~?\[[^\]\n]{0,200}\]| in [^\n]{1,400}:line \d{1,7})?|\S{1,300}:\d{1,7})\s*"
    r"|\s*\.\.\. \d{1,6} (?:more|common frames omitted)\s*|--- End of stack trace from previous location[^\n]{0,40} ---"
)
"""One frame, a line that stands for several, or one between two stacks."""
_BEGUN: Final = later(r"\n[^\S\n]*(?:at |\.\.\. \d|---)")
"""How a frame begins below another line."""


def is_frame(line: str) -> bool:
    """Whether a line belongs to a stack."""
    return _FRAME.fullmatch(line) is not None


def without_deep_frames(text: str) -> str:
    """Returns `text` with the innermost frames of each stack, and a mark where others are left out."""
    if "at " not in text or _BEGUN.search(text) is None:
        return text
    kept: list[str] = []
    frames = 0
    for line in text.split("\n"):
        frames = frames + 1 if is_frame(line) else 0
        if frames <= MOST_FRAMES:
            kept.append(line)
        elif frames == MOST_FRAMES + 1:
            kept.append("…")
    return "\n".join(kept)
