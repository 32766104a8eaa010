"""What of a prompt was pasted, told by its form alone: where it is, how long, how its lines look.

A person types a few lines; a block that is long, or whose lines a machine laid out, was pasted. It is quoted and
marked, so that a reader does not take another's words for the user's.
"""

from __future__ import annotations

from typing import Final

from carryover.distill.quotes import cut_middle, excerpt
from carryover.text import lazy_re as re

MOST_TYPED: Final = 1200
"""Characters of a paragraph, or of a list, that somebody may have typed."""
_MOST_TYPED_LINES: Final = 16
_SHOWN_OF_PASTE: Final = 0.45
"""Share of the room of a prompt that what was pasted with it may take."""

_BLOCK_END: Final = re.compile(r"\n[ \t]*\n+")
# Laid out by a machine: indentation, a time, a level, a frame, brackets, quotation marks, `key: value`, a diff, markup.
_MACHINE_LINE: Final = re.compile(
    r"\s*(?:[\[{}\](),;]+\s*$|[\[{\"'<|│╭╰⎿>$❯+@]|\d{2,4}[-/.:]\d\d"
    r"|\w{3} \d\d? \d\d:\d\d|at \S+[(:]|File \"|-{3,}|={3,}"
    r"|[A-Z]{3,}\b[\s:\]]|[A-Za-z][\w.-]{1,40}(?:Error|Exception)\b|[\w./\\-]+:\d+[:\s]|[A-Z][\w-]{1,20}[:：] \S)"
    r"|\s{2,}\S|.*[{;]\s*$|\w+ = \S"
)


def parts(prompt: str) -> list[tuple[bool, str]]:
    """The paragraphs of a prompt, neighbours of one kind together, each with whether it was pasted."""
    marked: list[tuple[bool, str]] = []
    for block in _blocks(prompt):
        pasted = _is_pasted(block)
        if marked and marked[-1][0] == pasted:
            marked[-1] = (pasted, f"{marked[-1][1]}\n\n{block}")
        else:
            marked.append((pasted, block))
    return _without_islands(marked)


def _blocks(prompt: str) -> list[str]:
    """Paragraphs; of one that only leads up to machine lines, the lead is a block of its own."""
    blocks = []
    for block in _BLOCK_END.split(prompt.strip()):
        lead, _, rest = block.partition("\n")
        if rest and not _MACHINE_LINE.match(lead) and _is_pasted(rest):
            blocks += [lead, rest]
        elif block.strip():
            blocks.append(block)
    return blocks


def _is_pasted(block: str) -> bool:
    lines = [line for line in block.splitlines() if line.strip()]
    if len(block) > MOST_TYPED or len(lines) > _MOST_TYPED_LINES or block.lstrip().startswith(("```", "~~~")):
        return True
    machine = sum(_MACHINE_LINE.match(line) is not None for line in lines)
    return len(lines) > 1 and machine * 2 >= len(lines) and machine > 1


def _without_islands(marked: list[tuple[bool, str]]) -> list[tuple[bool, str]]:
    """What stands between two pasted blocks was pasted with them; typed are the words before and after."""
    first = next((at for at, (pasted, _) in enumerate(marked) if pasted), None)
    if first is None:
        return marked
    last = max(at for at, (pasted, _) in enumerate(marked) if pasted)
    middle = "\n\n".join(text for _, text in marked[first : last + 1])
    return [*marked[:first], (True, middle), *marked[last + 1 :]]


def typed_words(prompt: str) -> str:
    """The prompt without what was pasted."""
    return "\n\n".join(text for pasted, text in parts(prompt) if not pasted)


def quoted_prompt(prompt: str, room: int, *, chars: int = 0) -> str:
    """The prompt on one line in at most about `room` characters, what was pasted marked as such with its length.
    `chars` is the length of the whole prompt where `prompt` is an excerpt of it."""
    marked = parts(prompt)
    typed = sum(len(text) for pasted, text in marked if not pasted)
    left_out = max(0, chars - len(prompt))
    if not any(pasted for pasted, _ in marked):
        return excerpt(prompt, room)
    of_paste = max(int(room * _SHOWN_OF_PASTE), room - typed - 40)
    shown = []
    for pasted, text in marked:
        if pasted:
            shown.append(f"(pasted, {len(text) + left_out:,} characters: {excerpt(text, max(40, of_paste - 32))})")
        else:
            shown.append(excerpt(text, max(60, (room - min(of_paste, room // 2)) * len(text) // max(1, typed))))
    return cut_middle(" ".join(shown), room + 60)
