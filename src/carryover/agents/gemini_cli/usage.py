"""The tokens of an answer, as the Gemini API counts them."""

from __future__ import annotations

from typing import Final

from carryover.records.lenient import Fields, number_of

_API: Final = (
    "promptTokenCount",
    "cachedContentTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "totalTokenCount",
    "toolUsePromptTokenCount",
)
_SHORT: Final = ("input", "cached", "output", "thoughts", "total", "tool")


def numbers_of(usage: Fields) -> dict[str, int]:
    """Returns the numbers of a `usageMetadata` (Qwen Code 0.15.10 and 0.24.4) as `Recorder.count_tokens` takes
    them."""
    return _numbers(usage, _API)


def numbers_of_short(tokens: Fields) -> dict[str, int]:
    """Returns those of the `tokens` of a message (Gemini CLI 0.26.0 to 0.61.0)."""
    return _numbers(tokens, _SHORT)


def _numbers(fields: Fields, names: tuple[str, ...]) -> dict[str, int]:
    """The prompt has the cached tokens in it. Some providers count thoughts as output as well, so the output is what
    the sum leaves."""
    prompt, cached, output, thoughts, total, tools = (number_of(fields.get(name)) or 0 for name in names)
    sent = prompt + tools
    return {
        "input": sent - cached,
        "output": total - sent if total > sent else output + thoughts,
        "cache_read": cached,
    }
