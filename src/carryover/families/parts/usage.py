"""The tokens that an answer took: `tokens` of its message (opencode 1.1.65 to 1.18.33, Kilo 7.7.9)."""

from __future__ import annotations

from carryover.families.stored import StoredBuilder
from carryover.records.lenient import Fields, fields_of, number_of, text_of


def count_tokens(builder: StoredBuilder, ident: str, message: Fields) -> None:
    """Adds what the message took. `input` is without the cache; whether `output` is without reasoning depends on the
    version, so it is what the sum leaves, or with the reasoning where there is no sum."""
    tokens = fields_of(message.get("tokens"))
    cache = fields_of(tokens.get("cache"))
    read = number_of(cache.get("read")) or 0
    written = number_of(cache.get("write")) or 0
    given = number_of(tokens.get("input")) or 0
    output = (number_of(tokens.get("output")) or 0) + (number_of(tokens.get("reasoning")) or 0)
    total = number_of(tokens.get("total"))
    builder.count_tokens(
        ident,
        session=builder.session,
        model=text_of(message.get("modelID")),
        input=given,
        output=output if total is None else total - given - read - written,
        cache_read=read,
        cache_write=written,
    )
