"""Hides secrets in text before anything is stored.

Own patterns, since no kept library fits: detect-secrets 1.5 works on single lines, gives values without their place in
the text, does not cover the body of a private key, brings `requests`, and reads ordinary code at 0.1 MB/s.

Only the secret is replaced, by `[redacted:<kind>]`; names, placeholders, references, commit ids, UUIDs and paths stay.
Every pattern is linear: whatever the text, it is read in time proportional to its length.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from carryover.redact.hints import Looked

__all__ = ["CleanText", "clean", "redact"]

CleanText = NewType("CleanText", str)
"""Redacted text. Publishing accepts no other type, so nothing that is read outside the ledger (git, files) reaches a
handoff or an agent unredacted."""

_ByForm = Callable[[str, dict[str, int]], str]
_ByHint = Callable[["Looked", dict[str, int]], str]

_MOST_PASSES = 8
_SHORT_CHARS = 256
_MOST_SHORT_TEXTS = 2048

_MAY_HIDE = ("\\u", "\x1b", "[0m", "[m", "[39m", "\x00")
"""What is in a text with invisible characters spelt out, with colours (ESC or, if that is lost, a colour's end), or of
wide characters."""

# Folders, paths and names recur in nearly every record of a transcript. Texts with a secret are not cached.
_short_texts_without_secret: dict[str, None] = {}


def redact(text: str) -> tuple[str, dict[str, int]]:
    """Returns `text` without its secrets, and how many of each kind were replaced. Redacting again changes nothing. A
    replacement is longer than the shortest secrets, so text can grow, at most about fivefold. Any string is accepted,
    even with NUL or lone surrogates."""
    counts: dict[str, int] = {}
    if not text or (len(text) <= _SHORT_CHARS and text in _short_texts_without_secret):
        return text, counts
    hidden = _hidden(text, counts)
    if not hidden.isascii() or any(sign in hidden for sign in _MAY_HIDE):
        hidden = _behind_the_unseen(hidden, counts)
    if hidden is text and len(text) <= _SHORT_CHARS:
        if len(_short_texts_without_secret) >= _MOST_SHORT_TEXTS:
            _short_texts_without_secret.clear()
        _short_texts_without_secret[text] = None
    return hidden, counts


def _hidden(text: str, counts: dict[str, int]) -> str:
    """Returns `text` without the secrets that the patterns find in it as it is; `text` itself if there are none."""
    for _ in range(_MOST_PASSES):
        hidden = _one_pass(text, counts)
        if hidden is text or hidden == text:
            break
        # A mark ends the word it is in, and so can uncover the next secret: repeat until nothing is left.
        text = hidden
    return text


def _behind_the_unseen(text: str, counts: dict[str, int]) -> str:
    """Returns `text` without the secrets that invisible characters in it hide from the patterns, and without those
    characters if there are any such secrets."""
    from carryover.redact.unseen import has_unseen, without, without_rests

    if not has_unseen(text):
        return text
    text = without_rests(text)
    seen = text
    for _ in range(_MOST_PASSES):  # what is left around an escape that was removed can be one again
        fewer = without(seen)
        if fewer == seen:
            break
        seen = fewer
        uncovered: dict[str, int] = {}
        hidden = _hidden(seen, uncovered)
        for kind, count in uncovered.items():
            counts[kind] = counts.get(kind, 0) + count
        if uncovered:
            text = seen = hidden
    return text


def _one_pass(text: str, counts: dict[str, int]) -> str:
    look, by_form, by_hint = _ways()
    for hide in by_form:
        text = hide(text, counts)
    looked = look(text)
    for hide_at in by_hint:
        hidden = hide_at(looked, counts)
        looked = looked if hidden is looked.text else look(hidden)
    return looked.text


@cache
def _ways() -> tuple[Callable[[str], Looked], tuple[_ByForm, ...], tuple[_ByHint, ...]]:
    """Returns what looks for all hints in a text, and what hides secrets without them and by them."""
    # Much to load for those who only need the type.
    from carryover.redact import named, places
    from carryover.redact.hints import looker
    from carryover.redact.private_keys import hide_private_keys
    from carryover.redact.tokens import hide_tokens

    by_hint = (places.hide_on_command_lines, places.hide_headers, named.hide_named)
    return looker(places.HINTS | named.NAME_HINTS), (hide_private_keys, hide_tokens), by_hint


def clean(text: str) -> CleanText:
    """Returns `text` without its secrets."""
    return CleanText(redact(text)[0])
