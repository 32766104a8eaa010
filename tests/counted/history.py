"""A session of ordinary work, always the same for the same seed: prompts, calls with results, edits, answers."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from support.claude_session import ClaudeSession

_BEGAN: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_FILES: Final = ("cart.py", "src/order.py", "src/auth/session.py", "tests/test_cart.py")
_NAMES: Final = ("total", "parse_order", "token_of", "session_key", "as_rows", "authorize", "load_config")
_PROMPTS: Final = (
    "Add a timeout to `{name}` in {file}. Keep the signature as it is.",
    "`{name}` fails when the input is empty. Can you find out why, and write a test that shows it?",
    "ok, go on",
    "No, don't touch {file}; always run the tests before you say that something is done.",
)
_ANSWERS: Final = (
    "Done: `{name}` checks its input first, and the tests pass. Next I would do the same for {file}.",
    "I changed `{name}` in {file}. One test still fails because the fixture has no trailing newline.",
    "There are two ways: (a) a cache beside `{name}`, (b) reading {file} once. Which do you prefer?",
)
_CODE: Final = (
    "def {name}(self, items: list[Item], *, password: str | None = None) -> int:",
    '    """The sum of `items`, in cents."""',
    "    if not items or items[0].{name} is None:",
    '        raise ValueError(f"no items in {{self.path}}, see {file}")',
    "    return sum(item.price * item.count for item in items if item.token != self.token)",
    "",
)


def written_session(folder: Path, cwd: Path, *, turns: int, seed: int) -> ClaudeSession:
    """A transcript below `folder` (Claude Code's folder of transcripts) with six lines for each turn."""
    chance = random.Random(seed)
    session = ClaudeSession(folder, cwd, now=_BEGAN)
    lines = [line for turn in range(turns) for line in _turn(session, chance, f"{seed}-{turn}")]
    session.append(b"".join(lines))
    return session


def _turn(session: ClaudeSession, chance: random.Random, label: str) -> list[bytes]:
    named = {"name": chance.choice(_NAMES), "file": chance.choice(_FILES)}
    code = "\n".join(f"{n}\t{chance.choice(_CODE).format(**named)}" for n in range(chance.randrange(20, 60)))
    tests = f"{chance.randrange(1, 9)} failed, {chance.randrange(90)} passed in {chance.random():.2f}s"
    return [
        session.prompt_line(f"{chance.choice(_PROMPTS).format(**named)} ({label})"),
        session.call_line(f"toolu_{label}_1", f"cat {named['file']}"),
        session.result_line(f"toolu_{label}_1", code),
        session.call_line(f"toolu_{label}_2", f"python -m pytest -q tests -k {named['name']}"),
        session.result_line(f"toolu_{label}_2", tests),
        session.answer_line(f"{chance.choice(_ANSWERS).format(**named)} ({label})"),
    ]
