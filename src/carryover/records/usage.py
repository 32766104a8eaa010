"""The tokens of an answer, in the form that several agents write."""

from __future__ import annotations

from carryover.records.lenient import Fields, number_of


def token_counts(usage: Fields, **names: str) -> dict[str, int | None]:
    """Returns the numbers as `Recorder.count_tokens` takes them; `names`: the field of each."""
    return {number: number_of(usage.get(name)) for number, name in names.items()}


def numbers_in(usage: Fields) -> dict[str, int]:
    """Returns the numbers as `Recorder.count_tokens` takes them, of an agent whose `inputTokens` have in them what
    was read from the cache and written to it."""
    names = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
    whole, output, read, written = (number_of(usage.get(name)) or 0 for name in names)
    return {
        "input": max(0, whole - read - written),
        "output": output,
        "cache_read": read,
        "cache_write": written,
    }
