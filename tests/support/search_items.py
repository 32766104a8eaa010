"""Hits of a search as the interactive one lists them."""

from typing import Any, Final

from carryover.ledger.search import Hit
from carryover.ledger.search_text import terms_of
from carryover.past.search_records import ALWAYS, Asked, Filter, Item, Limit, Listing, Span
from carryover.past.search_state import SearchState

NOW_MS: Final = 1_800_000_000_000
TODAY: Final = Span(NOW_MS - 1)
FILTERS: Final = (
    Filter("agent", (Limit("any", None), Limit("Agent One", "one"), Limit("Agent Two", "two"))),
    Filter("project", (Limit("all", None), Limit("~/shop", 7))),
    Filter("day", (Limit("any", ALWAYS), Limit("today", TODAY))),
)


def item(number: int, text: str, **others: Any) -> Item:
    about: dict[str, Any] = {
        "event_id": number,
        "session_id": number,
        "session": f"{number}abc-long",
        "agent": "one",
        "machine": "",
        "root": "/home/ada/shop",
        "subagent_id": None,
        "kind": "prompt",
        "at_ms": NOW_MS - number * 60_000,
        "text": text,
        "times": 1,
    }
    return Item(Hit(**(about | others)), "Agent One", "~/shop", text)


def listing(typed: str, *items: Item, note: str = "", **asked: Any) -> Listing:
    return Listing(Asked(typed, **asked), items, terms_of(typed), note=note)


def state(**others: Any) -> SearchState:
    settings: dict[str, Any] = {"filters": FILTERS, "agents": agents}
    return SearchState(**(settings | others))


def agents() -> list[tuple[str, str]]:
    return [("one", "Agent One"), ("two", "Agent Two")]
