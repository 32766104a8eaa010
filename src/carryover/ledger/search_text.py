"""Extracts the searchable text of an event, and turns a query into a full-text expression of quoted words. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, Literal, get_args

import msgspec

from carryover import model
from carryover.ledger.word_forms import COMMON, forms_of, spellings, stem_of
from carryover.model import AnyBody
from carryover.text.pattern import later

INDEX_VERSION: Final = 2
"""Increased when the same event gets other tokens; an index of another version is rebuilt."""

SearchKind = Literal["prompt", "answer", "command", "path", "error"]
KINDS: Final[tuple[SearchKind, ...]] = get_args(SearchKind)
"""In the order of their numbers in the ledger. Append new ones."""

MOST_CHARS: Final = 50_000
"""Characters of a text that are indexed: a log pasted into a prompt should not fill the index."""

_LONGEST_TOKEN: Final = 64
_ERROR_HEAD_CHARS: Final = 300
_ERROR_TAIL_CHARS: Final = 700

_WORD: Final = later(r"[^\W_]+")
_HUMP: Final = later(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^A-Za-z]+")
# Thai, Lao, Burmese, Khmer, kana, Han: scripts without spaces between words.
_UNSPACED: Final = later("([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")
SHORTEST_PREFIX: Final = 3
"""Words of at least this length also match longer words that begin with them; shorter ones need a `*`."""
MOST_TERMS: Final = 32
MOST_WORDS: Final = 200
"""Words of one term, those at its beginning: of one word again and again, each place of a text is tried with each."""
_PAIR: Final = 2
_BEFORE_SHARE: Final = 5
"""A fifth of a window comes before the match."""
_MOST_MATCHES: Final = 200
"""Maximum number of matches in one text that are compared."""
_TERM: Final = later(r'"([^"]*)"?|([^\s"]+)')


def searchable(body: AnyBody) -> tuple[SearchKind, str] | None:
    """Returns the kind and the searchable text of an event; None if it has none, such as the output of a tool that
    succeeded."""
    kind: SearchKind
    match body:
        case model.UserPrompt() as prompt:
            by_user = prompt.actor == "human" and not (prompt.stored or prompt.accepts_plan)
            kind, text = "prompt" if by_user else "answer", prompt.typed
        case model.Answer(text=text):
            kind = "prompt"
        case model.AssistantMessage(text=text) | model.Question(text=text) | model.PlanProposal(text=text):
            kind = "answer"
        case model.ToolCall(op="edit" | "write"):
            return None  # the edit itself says which file it was, where it was made
        case (model.ToolCall() | model.ToolResult()) as own if model.is_own_tool(own):
            return None  # the search for it would be found by the same search
        case model.ToolCall(subject=subject, op=op):
            kind, text = "path" if op == "read" else "command", subject
        case model.FileEdit(path=path, old_path=old_path):
            kind, text = "path", f"{path} {old_path}" if old_path else path
        case model.ToolResult(status="error", output=output):
            # Its beginning and its end, where programs explain what went wrong.
            is_long = len(output) > _ERROR_HEAD_CHARS + _ERROR_TAIL_CHARS
            ends = f"{output[:_ERROR_HEAD_CHARS]}\n{output[-_ERROR_TAIL_CHARS:]}"
            kind, text = "error", ends if is_long else output
        case model.TurnEnd(reason="error" | "limit", message=message):
            kind, text = "error", message
        case _:
            return None
    return (kind, text) if text.strip() else None


def index_text(text: str) -> str:
    """Returns the tokens of `text`, separated by spaces: its words, then the parts of those in camel case."""
    found = words(text[:MOST_CHARS])
    if text.islower() and text.isascii():
        return " ".join(found)
    # The parts of a word as one string, so that they stay side by side; an index has them once per text.
    parts = dict.fromkeys([" ".join(split) for word in dict.fromkeys(found) if (split := humps(word))])
    return " ".join([*found, *parts])


def words(text: str) -> list[str]:
    """Returns the words of `text` in order, each cut to 64 characters."""
    if not text.isascii():
        text = " ".join(_UNSPACED.split(unicodedata.normalize("NFC", text)))
    return [word[:_LONGEST_TOKEN] for word in _WORD.findall(text)]


def humps(word: str) -> list[str]:
    """Returns the parts of a name in camel case; none for other words."""
    if word.islower() or word.isdigit() or word[1:].islower() or word.isupper():
        return []
    parts = _HUMP.findall(word)
    return parts if len(parts) > 1 else []


class Term(msgspec.Struct, frozen=True):
    """Words to be found side by side: one word, the parts of a path or name, or a quoted phrase."""

    words: tuple[str, ...]
    prefix: bool
    """Whether the last word may be the beginning of a longer one."""
    humps: tuple[str, ...] = ()
    """The parts of a name in camel case, which may occur in another name too."""
    forms: tuple[str, ...] = ()
    """Other forms of the word, or words as near to what was typed, which count as well."""


def terms_of(query: str) -> tuple[Term, ...]:
    """Returns the terms of a query, without duplicates, at most `MOST_TERMS`; none if it has no letter or digit. Of a
    text as long as none that is indexed, those of its beginning.

    Words that only ask or join, as in a question, count where they are quoted, or if there are no others.
    """
    terms: dict[Term, None] = {}
    common: dict[Term, None] = {}
    for match in _TERM.finditer(query[:MOST_CHARS]):
        quoted = match[1]
        plain = match[2]
        if found := words(quoted or plain or "")[:MOST_WORDS]:
            is_prefix = quoted is None and (plain.endswith("*") or len(found[-1]) >= SHORTEST_PREFIX)
            parts = humps(found[0]) if quoted is None and len(found) == 1 else []
            of_kind = common if plain and all(map(_is_common, found)) and not plain.endswith("*") else terms
            of_kind[Term(words=tuple(found), prefix=is_prefix, humps=tuple(parts))] = None
    return tuple(terms or common)[:MOST_TERMS]


def _is_common(word: str) -> bool:
    is_acronym = word.isupper() and len(word) > 1  # IT, US
    return not is_acronym and word.lower() in COMMON


def parts_of(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Returns the terms, each that has a run of more than two characters without spaces, which may be a sentence, as
    the pairs of characters in it and the words beside it.

    >>> [" ".join(part.words) for part in parts_of(terms_of("mrp命令做了 redis"))]
    ['mrp', '命 令', '令 做', '做 了', 'redis']
    """
    return tuple(dict.fromkeys(part for term in terms for part in _parts(term)))


def _parts(term: Term) -> Iterator[Term]:
    if len(term.words) <= _PAIR or not any(map(_UNSPACED.match, term.words)):
        yield term
        return
    before = ""
    for word, after in zip(term.words, (*term.words[1:], ""), strict=True):
        if not _UNSPACED.match(word):
            yield Term(words=(word,), prefix=len(word) >= SHORTEST_PREFIX)
        elif _UNSPACED.match(after):
            yield Term(words=(word, after), prefix=False)
        elif not _UNSPACED.match(before):
            yield Term(words=(word,), prefix=False)
        before = word


def match_expression(terms: Sequence[Term], *, any_of: bool = False) -> str:
    """Returns the expression that finds texts with all of `terms` (at least one), or with `any_of` them."""
    joint = " OR " if any_of else " AND "
    return joint.join(f"({_expression(term)})" for term in terms)


def _expression(term: Term) -> str:
    ending = "*" if term.prefix else ""
    as_typed = [f'"{" ".join(each)}"{ending}' for each in (*spellings(term.words), term.humps) if each]
    return " OR ".join([*as_typed, *(f'"{form}"' for form in term.forms)])


def with_forms(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Returns the terms with the other forms of single words; a phrase in quotation marks has none."""
    return tuple(_with_forms(term) if term.prefix and len(term.words) == 1 else term for term in terms)


def _with_forms(term: Term) -> Term:
    if stem := stem_of(term.words[0]):
        return msgspec.structs.replace(term, words=(stem,))
    forms = (form for word in (term.words[0], *term.forms) for form in forms_of(word.lower()))
    return msgspec.structs.replace(term, forms=tuple(dict.fromkeys((*term.forms, *forms))))


def phrase_query(text: str) -> str:
    """Returns the expression that finds the words of `text` side by side; empty if it has none."""
    found = words(text)
    return f'"{" ".join(found)}"' if found else ""


def spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Returns the places where `terms` are found in `text`: start and end, in order and without overlaps."""
    plain = folded(text)
    patterns = [_pattern(term, at_start=True) for term in terms]
    found = [match.span() for pattern in patterns for match in pattern.finditer(plain)]
    if not found:  # the parts of a name in camel case begin within a word
        found = [match.span() for term in terms for match in _pattern(term, at_start=False).finditer(plain)]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    return apart


def window(line: str, terms: Sequence[Term], chars: int) -> tuple[int, int, list[tuple[int, int]]]:
    """Returns start and end of the part of `line` that has most of the terms, and the places of all terms."""
    found = spans(line, terms)
    start = max(_densest(line, found, chars) - chars // _BEFORE_SHARE, 0) if len(line) > chars else 0
    start = max(min(start, len(line) - chars), 0)
    return start, start + chars, found


def best_part(line: str, terms: Sequence[Term], chars: int) -> str:
    """Returns the part of `line` that has most of the terms, with `…` where it is cut; all of a line that has room."""
    if len(line) <= chars:
        return line
    start, end, _ = window(line, terms, chars)
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"


def _densest(line: str, found: list[tuple[int, int]], chars: int) -> int:
    """Returns the start of the match with most different matches in the window that begins there."""
    room = chars - chars // _BEFORE_SHARE
    different = []
    for at, (begin, _) in enumerate(found[:_MOST_MATCHES]):
        within = (line[start:end] for start, end in found[at : at + _MOST_MATCHES] if end <= begin + room)
        different.append(len({text.lower() for text in within}))
    return found[different.index(max(different))][0] if found else 0


def _pattern(term: Term, *, at_start: bool) -> re.Pattern[str]:
    start = r"(?<![^\W_])" if at_start else ""
    end = "" if term.prefix or not at_start else r"(?![^\W_])"
    alternatives = "|".join(_side_by_side(each) for each in (*spellings(term.words), term.humps) if each)
    typed = f"{start}(?:{alternatives}){end}"
    if not term.forms or not at_start:
        return re.compile(typed)
    forms = "|".join(map(re.escape, sorted(term.forms, key=len, reverse=True)))
    return re.compile(rf"{typed}|{start}(?:{forms})(?![^\W_])")


def _side_by_side(words: Sequence[str]) -> str:
    return r"[\W_]*".join(re.escape(folded(word)) for word in words)


def folded(text: str) -> str:
    """Returns `text` in lower case and without diacritics, each character in its place."""
    if text.isascii():
        return text.lower()
    return "".join(unicodedata.normalize("NFD", char)[0].lower()[:1] or char for char in text)
