"""What models cost, as the user says: `[prices]` in config.toml. Nothing is fetched, so nothing else is known."""

from __future__ import annotations

from typing import Annotated

import msgspec

Price = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class ModelPrice(msgspec.Struct, frozen=True):
    """`[prices."<model>"]`: what a million tokens of a model cost, in a currency of the user's choice. The model's name
    is that which its agent records."""

    input: Price = 0
    output: Price = 0
    cache_read: Price = 0
    cache_write: Price = 0
