"""The parts of what an assistant wrote, in order: headings, sentences, list items, code, tables."""

from __future__ import annotations

from typing import Final, Literal

from carryover.distill.language import lexicon, outcomes
from carryover.distill.language.forms import is_question
from carryover.distill.language.found_once import found_once
from carryover.distill.language.machine_lines import is_code
from carryover.distill.language.names import names_in
from carryover.distill.language.prose import sentences_of_line, word_count
from carryover.text import lazy_re as re
from carryover.text.markdown import is_bullet, is_table_row, line_forms, plain

Kind = Literal["heading", "prose", "item", "code", "table"]

_HEADING: Final = re.compile(r"^\s{0,3}#{1,6}\s+\S|^\s*\*\*[^*\n]{2,80}\*\*:?\s*$|^\s*__[^_\n]{2,80}__:?\s*$")
_NUMBERED: Final = re.compile(r"^\s*\(?(?:\d{1,2}|[a-zA-Z])[.)]\s+|^\s*\d️⃣|^\s*[①-⑳]")
_RULE: Final = re.compile(r"^\s*([-*_=])(?:\s*\1){2,}\s*$|^\s*\|[\s:|-]+\|\s*$")
_CHECKED: Final = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])?\s*(?:\[[xX]\]|✅|✓|✔|☑)")


_CROSSED: Final = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])?\s*(?:\*\*)?(?:\[ \]|❌|✗|✘|⚠|🔴|🚧|⏳)")


class Part:
    """A sentence, or a heading, list item, table row or block of code as a whole."""

    def __init__(
        self,
        kind: Kind,
        text: str,
        line: int,
        *,
        numbered: bool = False,
        checked: bool = False,
        crossed: bool = False,
        bold: bool = False,
    ) -> None:
        self.kind = kind
        self.text = text
        self.line = line
        """Number of the line it is on."""
        self.numbered = numbered
        self.checked = checked
        """An item that is marked as done."""
        self.crossed = crossed
        """Marked as missing, broken or to be looked at."""
        self.bold = bold

    @found_once
    def words(self) -> float:
        """Number of words; a sign of a script without spaces counts as part of a word."""
        return word_count(self.text)

    @found_once
    def names(self) -> tuple[str, ...]:
        """The files, symbols and other names that it mentions."""
        return names_in(self.text)

    @found_once
    def asks(self) -> bool:
        """Ends in a question mark, or asks the user for a word without one."""
        return is_question(self.text)

    @found_once
    def requests(self) -> bool:
        """Asks the user to do something, without being a question."""
        return not self.asks and lexicon.ASKS_USER.search(self.text) is not None

    @found_once
    def is_courtesy(self) -> bool:
        """Is a short polite phrase that names nothing."""
        return self.words <= _COURTESY_WORDS and not self.names and lexicon.COURTESY.search(self.text) is not None

    @found_once
    def is_code(self) -> bool:
        """A line of a program that stands outside of a fence."""
        return is_code(self.text)

    @found_once
    def is_quoted(self) -> bool:
        """Begins with a quotation mark that a whole clause follows: somebody else's text."""
        return self.text[:1] in _QUOTATION_MARKS and _SHORT_QUOTATION.match(self.text) is None

    @found_once
    def offers(self) -> bool:
        """Offers, without a question mark, what the assistant would do at the user's word."""
        offered = not self.asks and lexicon.OFFER.search(self.text) is not None
        return offered and lexicon.SPEAKER.search(self.text) is not None and not self.is_courtesy

    @found_once
    def advises(self) -> bool:
        """Says what the user has to do in some case: "If it runs already, restart it"."""
        clause = _MAIN_CLAUSE.search(self.text) if self.is_conditional and not self.asks else None
        if clause is None or self.is_courtesy or self.requests or lexicon.OFFER.search(self.text):
            return False
        return word_count(clause[1]) >= _SHORTEST_ADVICE and lexicon.SPEAKER.search(clause[1]) is None

    @found_once
    def announces(self) -> bool:
        """Says what the assistant will do next, without asking. In a report ("kept both, then added a test") the words
        that order its steps do not."""
        text = _IN_ORDER.sub(" ", self.text) if self.begins_with_what_was_done else self.text
        return not self.asks and lexicon.AHEAD.search(text) is not None

    @found_once
    def fails(self) -> bool:
        """Says that something failed. "No test failed" does not."""
        return outcomes.FAILURE.search(_NONE_FAILED.sub(" ", self.text)) is not None

    @found_once
    def is_conditional(self) -> bool:
        """Begins with what might be."""
        return outcomes.CONDITION.search(self.text, latest=_BEGINNING_CHARS) is not None

    @found_once
    def looks_ahead_to_failure(self) -> bool:
        """Announces something about a failure, rather than reporting one."""
        ahead, failure = lexicon.AHEAD.search(self.text), outcomes.FAILURE.search(self.text)
        return ahead is not None and failure is not None and ahead.start() < failure.start()

    @found_once
    def only_unproved(self) -> bool:
        """What could not be done was to check: that leaves something open, rather than reporting a way that failed."""
        doubt, failure = outcomes.DOUBT.search(self.text), outcomes.FAILURE.search(self.text)
        return doubt is not None and failure is not None and doubt.start() <= failure.start() < doubt.end()

    @found_once
    def negates(self) -> bool:
        """Contains a negation."""
        return lexicon.NEGATION.search(self.text) is not None

    @found_once
    def explains(self) -> bool:
        """Gives a cause."""
        return outcomes.CAUSE.search(self.text) is not None

    @found_once
    def gives_main_cause(self) -> bool:
        """Says what it was in the end that caused something."""
        return outcomes.MAIN_CAUSE.search(self.text) is not None

    @found_once
    def works(self) -> bool:
        """Says that something works. What something is for ("to run", "to build") does not say it."""
        return outcomes.WORKS.search(_PURPOSE.sub(" ", self.text)) is not None

    @found_once
    def begins_with_what_was_done(self) -> bool:
        """In English, by the past tense that such a sentence begins with: "Added a page", "`a.py` — added a page"."""
        return _PAST.match(self.text) is not None

    @found_once
    def tells_of_a_try(self) -> bool:
        """Says that something was tried."""
        return outcomes.TRIED.search(self.text) is not None

    @found_once
    def doubts(self) -> bool:
        """Says that something is uncertain, or was left as it was found."""
        return self.left_as_found or outcomes.DOUBT.search(_NONE_LEFT.sub(" ", self.text)) is not None

    @found_once
    def stands_in(self) -> bool:
        """Says that something stands in for what is still to be built."""
        return outcomes.STAND_IN.search(self.text) is not None

    @found_once
    def left_as_found(self) -> bool:
        """Says that something was not changed."""
        return outcomes.LEFT_AS_FOUND.search(self.text) is not None


_QUOTATION_MARKS: Final = ('"', "“", "„", "«", "「", "『")
_SHORT_QUOTATION: Final = re.compile(r".[^\"“”»」』]{0,40}[\"“”»」』]")
_COURTESY_WORDS: Final = 16
_SHORTEST_ADVICE: Final = 2
_MAIN_CLAUSE: Final = re.compile(r"[,，、]\s*([^,，、].*)$")
_BEGINNING_CHARS: Final = 4
_NONE_LEFT: Final = re.compile(
    r"\b(?:0|no|zero|without(?: any)?) (?:\w+ )?(?:unresolved|open|outstanding|remaining|pending|unclear|unfinished)\b",
    re.I,
)
_PURPOSE: Final = re.compile(r"\bto (?:run|build|compile|pass|work|use|support|succeed)\b", re.I)
_IN_ORDER: Final = re.compile(r"\b(?:then|afterwards?|after (?:that|this)|subsequently)\b", re.I)
_PAST: Final = re.compile(
    r"^(?:\W{0,4}`[^`\n]{1,120}`\W{0,4}(?: [-–—]+|:) )?"
    r"\W*(?:(?:i|we)(?:'ve| have)? |also |no new \w+ )?(?:(?!need)[a-z]{2,}(?<!e)ed|ran|built|wrote|made|kept|took)"
    r"\b(?! to\b)",
    re.I,
)
_TICK: Final = re.compile(r"[✅✔✓☑]\ufe0f?\W*$")
_NONE_FAILED: Final = re.compile(
    r"\b(?:0|no|zero|without(?: any)?) (?:errors?|fail(?:ed|ures?|ing)?|crash(?:es)?)\b"
    r"|\bpass(?:ed)? ?(?:/|or) ?fail(?:ed)?\b|\bfail(?:s|ing)?[- ]fast\b",
    re.I,
)


def parts_of(text: str) -> list[Part]:
    """The parts of `text` in order. Code keeps its lines; everything else is in plain words on one line."""
    found: list[Part] = []
    code: list[str] | None = None
    begun = 0
    lines = text.splitlines()
    for number, (line, form) in enumerate(zip(lines, line_forms(lines), strict=True)):
        if form == "fence" and code is None:
            code, begun = [], number
        elif form == "fence" and code is not None:
            found.append(Part("code", "\n".join(code), begun))
            code = None
        elif code is not None:
            code.append(line)
        elif _RULE.match(line):
            if found and found[-1].kind == "table" and is_table_row(line):
                found.pop()  # the row above it names the columns
        elif line.strip():
            found.extend(_parts_of_line(line, number))
    if code:
        found.append(Part("code", "\n".join(code), begun))
    return found


def _parts_of_line(line: str, number: int) -> list[Part]:
    if is_table_row(line):
        return [Part("table", " · ".join(cell.strip() for cell in plain(line).strip("| ").split("|")), number)]
    if _HEADING.match(line) and not is_question(plain(line)):
        return [Part("heading", plain(line).rstrip(":："), number)]
    crossed, bold = _CROSSED.match(line) is not None, "**" in line
    begins_checked = _CHECKED.match(line) is not None
    numbered = _NUMBERED.match(line) is not None
    if numbered or begins_checked or is_bullet(line):
        text = plain(line)
        if not text:
            return []
        return [
            Part(
                "item",
                text,
                number,
                numbered=numbered,
                checked=begins_checked or _TICK.search(line) is not None,
                crossed=crossed,
                bold=bold,
            )
        ]
    return [
        Part("prose", sentence, number, checked=_TICK.search(sentence) is not None, crossed=crossed, bold=bold)
        for sentence in sentences_of_line(line)
    ]
