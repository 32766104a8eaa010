from __future__ import annotations

import pytest

from carryover.distill.testruns.wrappers import unwrapped


@pytest.mark.parametrize(
    ("line", "words", "folder"),
    [
        ("pytest -q", ["pytest", "-q"], ""),
        ("A=1 B=2 .venv/bin/pytest", ["pytest"], ""),
        ("uv run --with x --directory web pytest -q", ["pytest", "-q"], "web"),
        ("env A=1 nice -n 5 pytest", ["pytest"], ""),
        ("timeout -k 5 60 make test", ["make", "test"], ""),
        ("docker compose exec -T -e A=1 web pytest", ["pytest"], ""),
        ("npx --yes vitest@2.1 run", ["vitest", "run"], ""),
        ("! pytest", ["pytest"], ""),
        ("./test.sh", ["./test.sh"], ""),
        ("A=1", [], ""),
        ("uv run", ["uv", "run"], ""),
    ],
)
def test_what_is_run_in_the_end(line: str, words: list[str], folder: str) -> None:
    assert unwrapped(line.split()) == (words, folder)
