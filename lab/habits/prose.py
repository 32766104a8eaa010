"""Checks documents and docstrings for habits that read like a translation: `make prose`. HABITS is the table."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]
HABITS: Final[Mapping[str, str]] = {
    r"at a glance": "say what is shown",
    r"anew": "again",
    r"made[- ]up": "synthetic",
    r"lies in": "is in",
    r"books? (?:is|are) kept": "records",
    r"gets none": "say what it gets instead",
    r"so that none is": "say what holds of each",
    r"(?:a|an) \w+ an? (?:day|event|prompt|session|turn)": "one ... per ...",
    r"passed by": "skipped",
    r"(?:a |the )?glance at": "the file's stat",
    r"trouble": "problem",
    r"utilis\w+|utiliz\w+": "use",
    r"in order to": "to",
    r"leverag\w+": "use",
    r"seamless\w*|effortless\w*|robust(?:ly)?": "say what was measured",
}
"""What is not written, as patterns of whole words, and what to write instead."""
_SHOWN: Final = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2`*$|`[^`\n]*`|<!--.*?-->|\"[^\"\n]*\"", re.DOTALL | re.MULTILINE)
"""Code, comments and quotations: they say what others wrote."""
_PATTERN: Final = re.compile(
    rf"\b(?:{'|'.join(f'(?P<h{n}>{habit})' for n, habit in enumerate(HABITS))})\b", re.IGNORECASE
)


def found_in(text: str) -> Iterator[tuple[int, str, str]]:
    """Yields the line number, the words and what to write instead, for each habit in `text` outside code and quotes."""
    prose = _SHOWN.sub(lambda shown: "\n" * shown[0].count("\n") + " ", text)
    for match in _PATTERN.finditer(prose):
        habit = list(HABITS.values())[int((match.lastgroup or "h0")[1:])]
        yield prose.count("\n", 0, match.start()) + 1, match[0], habit


def docstrings(source: str) -> str:
    """Returns the docstrings of a module, each on the lines that it has there."""
    lines = [""] * (source.count("\n") + 2)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for place, line in enumerate(node.value.value.split("\n"), node.lineno - 1):
                if place < len(lines):
                    lines[place] = line
    return "\n".join(lines)


def checked(top: Path) -> Iterator[tuple[Path, str]]:
    """Yields each document and module with its prose. CHANGELOG.md says what was, so it is left out."""
    further = (top / "architecture" / name for name in ("", "decisions", "rooms"))
    for folder in (top, top / "docs", *further):
        for path in sorted(folder.glob("*.md")):
            if path.name != "CHANGELOG.md":
                yield path, path.read_text(encoding="utf-8")
    for path in sorted((top / "src").rglob("*.py")):
        yield path, docstrings(path.read_text(encoding="utf-8"))


def main() -> int:
    count = 0
    for path, text in checked(TOP):
        for line, words, instead in found_in(text):
            print(f"{path.relative_to(TOP)}:{line}: {words!r}: {instead}", file=sys.stderr)
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
