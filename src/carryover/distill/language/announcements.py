"""What an assistant's text says will come next.

Place and form decide first (the last list, the last sentence, what follows a colon); words only weigh.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.language import lexicon, outcomes
from carryover.distill.language.answer import Part
from carryover.distill.language.prose import Quote, one_line

CLOSING_WORDS: Final = "last sentence of the answer"
"""The rule of the weakest kind of announcement: by its place alone."""

COMMAND_AT_END: Final = "command the answer ends with"
LEADS_ON: Final = "last line of the answer, which leads to what comes next"
LIST_AHEAD: Final = "list under a heading that looks ahead"
LIST_AT_END: Final = "numbered list at the end"

_ITEM_CHARS: Final = 200
_SENTENCE_CHARS: Final = 260
_LAST_SENTENCES: Final = 8
_MOST_ANNOUNCED: Final = 3
_SHORTEST_ANNOUNCEMENT: Final = 2


def announced_in(parts: Sequence[Part], asked_lines: set[int]) -> tuple[Quote, ...]:
    """The command that the answer leads to; else its last list, where that announces what comes; else its last sentence
    that does."""
    command = _command_at_end(parts)
    if command is not None:
        return (command,)
    leading = _leading_on(parts)
    if leading is not None:
        return (leading,)
    steps = _last_list(parts, asked_lines)
    sentence = _last_announcing(parts)
    if steps and sentence is not None and sentence[0] > steps[0]:
        return (sentence[1], *steps[1][:2])
    if steps:
        return steps[1]
    if sentence is not None:
        return (sentence[1],)
    item = _item_at_end(parts)
    return (item,) if item is not None else _last_sentence(parts)


def _item_at_end(parts: Sequence[Part]) -> Quote | None:
    """The list item that the text ends with, where it looks ahead: "Build: `dist` is ready to be uploaded"."""
    last = parts[-1] if parts else None
    if last is None or last.kind != "item" or not last.announces or not last.names:
        return None
    if last.checked or last.begins_with_what_was_done or last.requests or last.offers or last.is_conditional:
        return None
    if not _SHORTEST_ANNOUNCEMENT <= last.words <= 40:
        return None
    return Quote(clip(last.text, chars=_ITEM_CHARS), CLOSING_WORDS, names=last.names)


def _last_sentence(parts: Sequence[Part]) -> tuple[Quote, ...]:
    """The last sentence of a text of several, where it says what the user has to do, or names something and is of no
    other kind."""
    prose = [part for part in parts if part.kind == "prose" and not part.asks]
    if len(prose) < 2:
        return ()
    last = prose[-1]
    if last.advises and last is parts[-1] and last.words <= 40:
        return (Quote(clip(last.text, chars=_SENTENCE_CHARS), CLOSING_WORDS, names=last.names),)
    of_other_kind = (
        last.checked
        or last.begins_with_what_was_done
        or last.tells_of_a_try
        or last.fails
        or last.explains
        or last.doubts
    )
    of_other_kind = of_other_kind or last.requests or last.is_courtesy or last.works or last.offers
    if not last.names or of_other_kind or not _SHORTEST_ANNOUNCEMENT <= last.words <= 40:
        return ()
    return (Quote(clip(last.text, chars=_SENTENCE_CHARS), CLOSING_WORDS, names=last.names),)


def _command_at_end(parts: Sequence[Part]) -> Quote | None:
    """A block of code at the very end, with the line ending in a colon that leads to it."""
    if len(parts) < 2 or parts[-1].kind != "code" or not parts[-2].text.rstrip().endswith((":", "：")):
        return None
    code = [line.strip() for line in parts[-1].text.splitlines() if line.strip()]
    if not code or len(code) > 8 or parts[-2].kind == "code":
        return None
    return Quote(
        clip(f"{parts[-2].text} `{'; '.join(code[:3]).replace('`', '')}`", chars=_SENTENCE_CHARS),
        COMMAND_AT_END,
    )


def _leading_on(parts: Sequence[Part]) -> Quote | None:
    """A text that ends in a colon was cut off before what it leads to."""
    last = parts[-1] if parts else None
    if last is None or last.kind != "prose" or not last.text.rstrip().endswith((":", "：")):
        return None
    if last.words < _SHORTEST_ANNOUNCEMENT or last.begins_with_what_was_done:
        return None
    text = _with_subject(parts, len(parts) - 1)
    names = last.names or (parts[-2].names if text != last.text else ())
    return Quote(clip(text, chars=_SENTENCE_CHARS), LEADS_ON, names=names)


def _last_list(parts: Sequence[Part], asked_lines: set[int]) -> tuple[int, tuple[Quote, ...]] | None:
    """The last list, with its place, where what leads to it looks ahead, or where it is numbered and ends the text."""
    end = max((index for index, part in enumerate(parts) if part.kind == "item"), default=None)
    if end is None:
        return None
    start = end
    while start > 0 and (parts[start - 1].kind in ("item", "code")):
        start -= 1
    items = [part for part in parts[start : end + 1] if part.kind == "item"]
    heading = parts[start - 1] if start else None
    if heading is None or heading.asks:
        return None
    leads = heading.kind == "heading" or heading.text.endswith((":", "："))
    ahead = leads and lexicon.NEXT_HEADING.search(heading.text) is not None
    ends_text = sum(part.kind == "prose" for part in parts[end + 1 :]) <= 1
    numbered = len(items) > 1 and all(part.numbered for part in items) and ends_text
    if not (ahead or (numbered and not _tells_of_done(heading, items))):
        return None
    open_items = [
        part
        for part in items
        if not (part.checked or part.begins_with_what_was_done or part.asks) and part.line not in asked_lines
    ]
    rule = LIST_AHEAD if ahead else LIST_AT_END
    quotes = tuple(
        Quote(clip(_with_code(parts, part), chars=_ITEM_CHARS), rule, names=part.names)
        for part in open_items[:_MOST_ANNOUNCED]
    )
    return (end, quotes) if quotes else None


def _with_code(parts: Sequence[Part], item: Part) -> str:
    """An item that leads to a block of code, with its first line."""
    after = parts[parts.index(item) + 1 :][:1]
    if not item.text.endswith((":", "：")) or not after or after[0].kind != "code":
        return item.text
    code = next((line.strip() for line in after[0].text.splitlines() if line.strip()), "")
    return f"{item.text} `{code.replace('`', '')}`" if code else item.text


def _tells_of_done(heading: Part, items: Sequence[Part]) -> bool:
    looks_back = outcomes.DONE_HEADING.search(heading.text) is not None
    return looks_back or any(part.checked or part.begins_with_what_was_done for part in items)


def _last_announcing(parts: Sequence[Part]) -> tuple[int, Quote] | None:
    """The last sentence that looks ahead, with what follows where it ends in a colon."""
    candidates = [(index, part) for index, part in enumerate(parts) if part.kind == "prose"][-_LAST_SENTENCES:]
    for index, part in reversed(candidates):
        if (
            _SHORTEST_ANNOUNCEMENT <= part.words <= 60
            and not part.checked
            and part.announces
            and not part.is_courtesy
            and not part.requests
            and not _is_carried_out(parts[index + 1 :])
        ):
            return index, Quote(
                clip(_with_what_follows(parts, index), chars=_SENTENCE_CHARS),
                "last sentence that looks ahead",
                names=part.names or (parts[index - 1].names if index else ()),
            )
    return None


_MUCH_AFTER: Final = 6


def _is_carried_out(after: Sequence[Part]) -> bool:
    """What an answer announces at its beginning, its rest does: "I'll add it. ... I've added it."."""
    return len(after) >= _MUCH_AFTER or any(part.checked or part.begins_with_what_was_done for part in after)


def _with_what_follows(parts: Sequence[Part], index: int) -> str:
    text = _with_subject(parts, index)
    if not text.endswith((":", "：")):
        return text
    following = parts[index + 1 : index + 4]
    items = [one_line(part.text) for part in following if part.kind in ("item", "code")]
    return f"{text} {'; '.join(items)}" if items else text


def last_words(parts: Sequence[Part]) -> str:
    """The last sentence of the assistant that said more than a word, for a turn that was cut off."""
    prose = (part for part in reversed(parts) if part.kind in ("prose", "item") and part.words >= 1.5 and not part.asks)
    said = [*islice(prose, 2)][::-1]
    return clip(one_line(_with_subject(said, len(said) - 1)), chars=_SENTENCE_CHARS) if said else ""


def _with_subject(parts: Sequence[Part], index: int) -> str:
    """A sentence that names nothing, with the one right before it, which says what it is about."""
    part = parts[index]
    before = parts[index - 1] if index else None
    if part.names or before is None or not before.names or before.line != part.line or before.asks:
        return part.text
    return f"{before.text} {part.text}"
