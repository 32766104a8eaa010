"""Formats quotes as lines of a handoff, cut but never reworded, and times relative to its first line."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from itertools import pairwise
from typing import Final

from carryover.distill.closed_classes import NEGATED_ENDS, is_list_item, negates
from carryover.records.text import without_ansi
from carryover.text.harmless import one_line, without_stacks
from carryover.text.markdown import LineForm, line_forms, without_code
from carryover.text.pattern import later
from carryover.text.unread import is_unread

PIECE_CHARS: Final = 280
PIECE_TOKENS: Final = 90
"""Limits text in a wide script, so that its lines are as easy to drop as others."""
_LONG_WORD: Final = 96
"""A longer word (a signed URL, a hash) is shortened in its middle, so that the sentence after it stays."""
_LONG_WORD_KEPT: Final = 40
SHORT_REPLY: Final = 40
"""A prompt of no more characters may say nothing without the question that it answers."""
ASKED_CHARS: Final = 160
"""Of that question."""
LINE_BREAK: Final = " ¶ "
"""Joins the lines of a quote: not a slash, which would make paths of list items."""

BESIDE: Final = " | "
"""Joins what was said at several places on one line, of which each names its own."""
_FORGED: Final = later(
    r" \| (?=.{0,240}?\((?i:turn) \d|[A-Z][^|:]{2,80}: |`[^`|]{1,240}`(?: \([^()|]{1,240}\))?(?:: | → ))"
)
"""Text that looks like one of our entries on a shared line: a place, a speaker and a colon, or a file or a command,
what stands behind it in parentheses, and what became of it."""

_LIKE_OURS: Final = later(r".{0,240}?\((?i:turn) \d|[^:]{0,80}\buser\b[^:]{0,40}: ")
"""Text that could pass for an entry of ours with the user's words behind a `|`: a place, or the user and a colon."""
_PLAIN_NAME: Final = later(r"[\w./@#+-]+")
_PLAIN_IN_CODE: Final = later(r"[\w!-:<-~]+")
"""A name that has neither blanks nor `;`."""
_BRANCH_CHARS: Final = 80

_LAYOUT: Final = later(
    r"`{3,}.*|~{3,}.*|([-*_=─━—])(?:\s*\1){2,}|[|+:\-\s─-╿▲▼]*(?:\^?~{2,}\.?)?|[)\]};,\s]*(?:[(\[{][(\[{\s]*)?"
    r"|`[^`─\n]{0,40}─{5,}`"
)
"""Rules, one with a caption within marks of code (Claude Code's explanatory style), borders of tables and drawn boxes,
and the brackets of code or JSON that have a line to themselves; what marks a place in the line above
(PowerShell 5 and 7, GCC)."""
_DRAWN: Final = later(r"(?<![+-])(?<!\d )([^\w\s.+])\1{8,}")
"""A rule beside a caption: `==== 6 passed ====`; none of git's bars, whose lengths say something: `| 90 ++++++---`."""
_FRAMES: Final = later(r"(?:[◐-◓\u2801-\u28ff]\s[^◐-◓\u2801-\u28ff]+){2,}(?=[◐-◓\u2801-\u28ff]\s)")
"""What stood behind a turning sign, time after time, but for the last, where none was taken away."""
_HEADING: Final = later(r"\A\s{0,3}#{1,6}\s+")
_BULLET: Final = later(r"\A\s*[-*+•]\s+(?=\S)")
_BOLD: Final = later(r"(?<![\w/*])\*\*(?=[^\s*/])([^\n]{1,300}?)(?<=[^\s*/])\*\*(?![\w/*])", re.ASCII)
_LINK: Final = later(r"\[([^\]\n]{1,120})\]\((?=[^)\s]{1,500}\))([^)\s]+)\)")
_ONE_THING: Final = later(r"\W{0,3}(?:\w+://|[\w.~@-]*[/\\])", re.ASCII)
"""A URL or a path, as opposed to words written without spaces."""
_WORD: Final = later(rf"\S{{{_LONG_WORD + 1},}}")
_KEY: Final = later(rf"[\w+/=%-]{{{_LONG_WORD + 1},}}", re.ASCII)
"""A key or encoded data, also between others: `id:password:mail:token:cookies`, a field of JSON."""
_SENTENCE_END: Final = later(r"(?<=[.!?…])(?:\s+|[\"'”’)\]*`_]{1,3}\s+(?![a-zß-öø-ÿа-яё]))|(?<=[。！？؟])")
"""Behind a quote or a bracket, a small letter continues the sentence: `the button "Ready?" is gone`."""
_ABBREVIATION: Final = later(
    r"(?<!\w)(?:e\.\s?g|i\.\s?e|z\.\s?B|d\.\s?h|u\.\s?a|p\.\s?ex|p\.\s?ej|т\.\s?е"
    r"|Dr|Mrs?|Ms|Prof|Sra?|St|Nr|approx|bzw|ca|cf|incl|vs)\.\s"
    r"|(?<!\w)(?i:al|abb|abs|anm|art|aufl|bd|cap|ch|eq|fig|figs|kap|nos?|pp?|pág|s|tab|vol|гл|рис|с|стр|табл)\.\s"
    r"(?=\(?\d)"
)
"""Abbreviations whose full stop ends no sentence, the last ones before a number ("Fig. 4", "et al. (2016)"). Those that
may also end one ("etc.", "No.") are not among the others."""
_ELLIPSIS: Final = "…"
_BORDERS: Final = ("\n", " ")
"""Where a text is cut rather than within a word, the first if there is any near."""
_NOT_WIDE: Final = later("[\x00-\u2e7f]+")


@lru_cache(maxsize=4096)  # most quotes are the same in every handoff
def _formed_lines(text: str, printed: bool) -> tuple[tuple[LineForm, str], ...]:
    raw_lines = without_stacks(without_ansi(text)).splitlines()
    forms: list[LineForm] = ["code"] * len(raw_lines) if printed else line_forms(raw_lines)
    kept = [(form, raw, line) for form, raw in zip(forms, raw_lines, strict=True) if (line := _tidy(raw, form))]
    unread = [is_unread(raw.strip()) for _, raw, _ in kept]
    lines = [(form, _ELLIPSIS if skip else line) for (form, _, line), skip in zip(kept, unread, strict=True)]
    if all(line == _ELLIPSIS for _, line in lines):
        ends = [(form, line) for form, _, line in kept]
        return tuple(ends if len(ends) < 3 else [ends[0], (ends[0][0], _ELLIPSIS), ends[-1]])
    return tuple(one for before, one in pairwise([("text", ""), *lines]) if not one[1] == before[1] == _ELLIPSIS)


def lines_of(text: str, *, printed: bool = False) -> tuple[str, ...]:
    """Returns the lines of `text` with content, without those that are only layout. `…` replaces lines that people
    skip, such as encoded data; if there are no others, the first and the last of them stay. `printed`: it is what a
    program printed or a file has, so `# ` begins a comment and no heading."""
    return tuple(line for _, line in _formed_lines(text, printed))


def _tidy(raw: str, form: LineForm) -> str:
    line = raw.lstrip()
    if not line:
        return ""
    if not line[0].isalnum():
        if _LAYOUT.fullmatch(line.rstrip()):
            return ""
        is_comment = form == "code" and line.startswith("# ")
        line = line if is_comment else _BULLET.sub("", _HEADING.sub("", line, count=1), count=1)
    line = without_bold(line)
    if "](" in line:
        line = _LINK.sub(r"\1 (\2)", line)
    line = _FRAMES.sub("", _DRAWN.sub(r"\1\1\1", one_line(line)))
    return _WORD.sub(_shortened, line) if len(line) > _LONG_WORD else line


def without_bold(line: str) -> str:
    """Returns a line without the marks of bold text."""
    return _BOLD.sub(r"\1", line) if "**" in line else line


def sentences(line: str) -> list[str]:
    """Returns the sentences of a line, split at the punctuation that ends them."""
    ends = _sentence_ends(without_code(line))
    parts = (line[start:end].strip() for start, end in pairwise((0, *ends, len(line))))
    return [part for part in parts if part]


def _sentence_ends(line: str) -> list[int]:
    plain = _ABBREVIATION.sub(lambda found: found[0].replace(".", ","), line)
    return [end.end() for end in _SENTENCE_END.finditer(plain)]


def before_call(text: str) -> str:
    """Returns what was said before a call without its last sentence, which leads to the call ("Let me see."); all of
    what ends in a list."""
    *before, last = lines_of(text) or [""]
    if is_list_item(text.rstrip().rpartition("\n")[2]):
        return text
    ends = sentences(last)[:-1]
    return "\n".join([*before, *([" ".join(ends)] if ends else [])])


def _shortened(word: re.Match[str]) -> str:
    return _middle_cut(word) if _ONE_THING.match(word[0]) else _KEY.sub(_middle_cut, word[0])


def _middle_cut(word: re.Match[str]) -> str:
    return f"{word[0][:_LONG_WORD_KEPT]}…{word[0][-_LONG_WORD_KEPT:]}"


@lru_cache(maxsize=1024)
def pieces(text: str, *, beside: int = 0, printed: bool = False) -> tuple[str, ...]:
    """Splits `text` into lines of a handoff: short neighbours are joined, but not code with prose, and long lines split
    at the ends of sentences. A line that ends in a colon stays with the one it leads to, if both fit. The first line
    leaves room for a label of `beside` characters. `printed`: as in `lines_of`."""
    packed: list[str] = []
    former: LineForm | None = None
    lines = _formed_lines(text, printed)
    for at, (form, line) in enumerate(lines):
        room = PIECE_CHARS - (beside if len(packed) == 1 else 0)
        before, _, lead = packed[-1].rpartition(LINE_BREAK) if packed else ("", "", "")
        leads = form == former and lead.endswith((":", "："))
        if packed and form == former and fits(joined := f"{packed[-1]}{LINE_BREAK}{line}", room):
            packed[-1] = joined
        elif leads and before and fits(joined := f"{lead}{LINE_BREAK}{line}"):
            packed[-1:] = [before, joined]
        else:
            packed += _parted(line, PIECE_CHARS - (0 if packed else beside), is_last=at == len(lines) - 1)
        former = form
    return tuple(packed)


def fits(text: str, chars: int = PIECE_CHARS) -> bool:
    """Whether `text` is short enough for a line."""
    return len(text) <= chars and (text.isascii() or estimated_tokens(text) <= PIECE_TOKENS)


def _parted(line: str, chars: int, *, is_last: bool) -> list[str]:
    """Splits `line` at the ends of sentences, at spaces, or anywhere; `chars` limits the first part. If it is the last
    of a quote, of which the last part stays long, no few words at the end of a sentence are left for that."""
    parts = []
    while not fits(line, chars):
        head = clip(line, chars=chars, tokens=PIECE_TOKENS).removesuffix("…")
        ends = _sentence_ends(head)
        least = len(head) // 3
        cut = ends[-1] if ends and ends[-1] > least else max(len(head), 1)
        if is_last and cut == len(head) and len(line) - cut < least:
            space = line.rfind(" ", least, len(line) - least)
            cut = len(_without_negation(line[:space])) if space > 0 else cut
        cut += line[cut : cut + 1] in (",", ";", ":")
        parts.append(line[:cut].rstrip().removesuffix(LINE_BREAK.rstrip()))
        line = line[cut:].lstrip().removeprefix(LINE_BREAK.lstrip())  # each part begins a line anyway
        chars = PIECE_CHARS
    return [*parts, line] if line else parts


def excerpt(text: str, chars: int, *, tail: float = 0.4, printed: bool = False) -> str:
    """Returns `text` on one line, with its middle left out if it is longer than `chars`. `printed`: as in
    `lines_of`."""
    return cut_middle(LINE_BREAK.join(lines_of(text, printed=printed)), chars, tail=tail)


def of_one_place(text: str) -> str:
    """Returns `text` unable to go on as if somebody said the rest of it at another place."""
    return _FORGED.sub(" ¦ ", one_line(text)) if "|" in text else text


def item_beside(text: str) -> str:
    """Returns an item of a document as it may stand beside others: in quotation marks if it looks like one of ours."""
    return quoted(text) if _LIKE_OURS.match(text) else text


def label_of_one_place(label: str) -> str:
    """Returns the label of a quote in the same way. The place of a call, behind it, makes no other of a pipe in it.

    >>> label_of_one_place("`ls | head -1` (turn 2)"), label_of_one_place("`ls | Prompt (turn 1): go` (turn 2)")
    ('`ls | head -1` (turn 2)', '`ls ¦ Prompt (turn 1): go` (turn 2)')
    """
    name, mark, place = label.rpartition("`")
    return of_one_place(label) if "|" in place else f"{of_one_place(name)}{mark}{place}"


def in_quotes(text: str, chars: int, *, tail: float = 0.4) -> str:
    """Returns `text` as `excerpt` does, between quotation marks that it can't close: what follows is a speaker's."""
    return quoted(excerpt(text, chars, tail=tail))


def quoted(text: str) -> str:
    """Returns `text` between quotation marks that it can't close."""
    return "“" + text.replace("”", "'") + "”"


def branch_name(branch: str) -> str:
    """Returns the name of a branch, cut. One that could be read as words of ours stands between quotation marks: git
    takes all blanks but a space in it, and `;`."""
    shown = clip(one_line(branch), chars=_BRANCH_CHARS)
    return shown if _PLAIN_NAME.fullmatch(branch) else quoted(shown)


def name_in_code(name: str) -> str:
    """Returns the name of a test or a definition, in quotation marks if it could pass for other text: some languages
    allow any words."""
    return name if _PLAIN_IN_CODE.fullmatch(name) else quoted(name)


def printed_line(text: str) -> str:
    """Returns what a program printed, in quotation marks if it has a `;`, which might pass for one of ours."""
    return quoted(text) if ";" in text else text


def in_code(name: str) -> str:
    """Returns a path between marks of code that it can't close."""
    return "`" + name.replace("`", "'") + "`"


def called(name: str, about: str) -> str:
    """Returns a call by the name of its tool and by what it is about, which has marks of its own. The name, which a
    server may have chosen, has marks too where it could be read as the speaker of a line: `Prompt (turn 3): ...`."""
    shown = name if not name or (about and _PLAIN_NAME.fullmatch(name)) else in_code(name)
    return f"{shown} {about}".strip()


def cut_middle(text: str, chars: int, *, tail: float = 0.4) -> str:
    """Returns `text` with its middle left out, at spaces if there are any near. Wide characters count two or more."""
    if not text.isascii():
        tokens = estimated_tokens(text)
        chars = min(chars, max(16, chars * len(text) // max(1, 4 * tokens)) if tokens * 4 > chars else chars)
    if len(text) <= chars:
        return text
    end = int(chars * tail)
    start = len(text) - end
    space = text.find(" ", start) - start
    if 0 <= space < end * 0.2:
        start += space + 1
    start = _with_negation(text, start, chars // 4)
    head = text[: chars - max(end, len(text) - start) - 3]
    space = head.rfind(" ")
    if space > len(head) * 0.8:
        head = head[:space]
    head = _without_negation(head)
    return f"{head} … {text[start:].lstrip()}" if end else f"{head}…"


def _without_negation(head: str) -> str:
    """Returns the beginning of a text that is cut there. A negation at its end goes, with the word before it ("do
    not …"): what is negated is left out."""
    head = head.rstrip()
    before, *last = head.rsplit(maxsplit=2) or [head]  # of blanks alone: a branch of them, a command of code fences
    if len(last) > 1 and negates(last[-1]):
        return before
    return next((head.removesuffix(end) for end in NEGATED_ENDS if head.endswith(end)), head)


def _with_negation(text: str, start: int, most: int) -> int:
    """Returns where the end of a text begins that is cut there: at most so many characters earlier, if one of the two
    words before negates what it says."""
    words = text[max(0, start - most) : start].split()[1:]
    for back in (1, 2):
        if len(words) > back and negates(words[-back]):
            return text.rindex(words[-back - 1], 0, text.rindex(words[-back], 0, start))
    return start - next((len(end) for end in NEGATED_ENDS if text.endswith(end, 0, start)), 0)


def estimated_tokens(text: str) -> int:
    """Returns roughly the tokens that a model counts: one per 4 ASCII characters, 2 other letters or 1 wide
    character."""
    if text.isascii():  # nearly always the case, and a hundred times as fast
        return (len(text) + 3) // 4
    wide = len(_NOT_WIDE.sub("", text))
    middle = len(text) - len(text.encode("ascii", "ignore")) - wide
    return wide + (middle + 1) // 2 + (len(text) - wide - middle + 3) // 4


def clip(text: str, *, chars: int, tokens: int | None = None) -> str:
    """Returns `text` cut at its end, between words if possible, so that it stays within both limits."""

    def tokens_of_first(length: int) -> int:
        return estimated_tokens(text[:length])

    limit = min(len(text), chars)
    if tokens is not None and tokens_of_first(limit) > tokens:
        limit = bisect_left(range(1, limit + 1), tokens, key=tokens_of_first) + 1
    if limit >= len(text):
        return text
    cut = text[: max(0, limit - 1)]
    space = cut.rfind(" ")
    if space > len(cut) * 0.7:
        cut = cut[:space]
    return _without_negation(cut).rstrip(" ,;:-–—(…") + _ELLIPSIS


def clip_middle(text: str, *, chars: int, tail_share: float = 0.6) -> str:
    """Returns `text` with its middle left out, whole lines if there are any near, else whole words: the end of an
    answer matters most, then its beginning."""
    if len(text) <= chars:
        return text
    tail = int(chars * tail_share)
    head = text[: chars - tail - 3]
    last = text[len(text) - tail :]
    ends = (at for at in map(head.rfind, _BORDERS) if at > len(head) * 2 // 3)
    begins = (at + 1 for at in map(last.find, _BORDERS) if 0 <= at < len(last) // 3)
    head = head[: next(ends, len(head))]
    last = last[next(begins, 0) :]
    return f"{head.rstrip()}\n{_ELLIPSIS}\n{last.lstrip()}"


def earlier(then_ms: int, at_ms: int) -> str:
    """Returns how long before or after `at_ms` something was: "4 min earlier", "2 h later"; empty for less than a
    minute."""
    if abs(at_ms - then_ms) < 60_000:
        return ""
    return f"{elapsed(then_ms, at_ms)} earlier" if then_ms < at_ms else f"{elapsed(at_ms, then_ms)} later"


def elapsed(then_ms: int, at_ms: int) -> str:
    """Returns the time from `then_ms` to `at_ms`, rounded: "less than a minute", "3 min", "2 h", "5 days"."""
    minutes = max(0, at_ms - then_ms) / 60_000
    if minutes < 90:
        return f"{round(minutes)} min" if minutes >= 1 else "less than a minute"
    return f"{round(minutes / 60)} h" if minutes < 36 * 60 else f"{round(minutes / 1440)} days"
