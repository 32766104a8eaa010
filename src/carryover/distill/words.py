"""Reading prose: sentences out of markdown, and what kind of words a prompt is.

Word lists cover the languages seen in real transcripts (English, German, French, Spanish, Portuguese, Russian,
Japanese, Chinese, Korean). What no list knows is taken for a request: a wrong extra line costs less than a lost task.
"""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[^\n]*$|\Z)", re.M | re.S)
_TABLE_ROW: Final = re.compile(r"^\s*\|.*\|\s*$")
_RULE: Final = re.compile(r"^\s*([-*_=])(?:\s*\1){2,}\s*$")
_BULLET: Final = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,2}[.)]|\(?[a-zA-Z][.)])\s+(?:\[[ xX]\]\s+)?")
_HEADING: Final = re.compile(r"^\s{0,3}#{1,6}\s+")
_EMPHASIS: Final = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_LINK: Final = re.compile(r"!?\[([^\]\n]{1,200})\]\([^)\s]{1,500}\)")
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S+", re.I)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?。！？…])(?:[\"'”’)\]*_]{0,3})(?:\s+|(?<=[。！？]))(?=\S)")
_ABBREVIATION: Final = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|no|dr|mr|ms|bzw|z\.b|d\.h)|\b[A-Z])\.$", re.I)
_SPACE: Final = re.compile(r"\s+")

_NUDGE_WORDS: Final = frozenset(
    """
    yes yep yeah y ok okay k sure fine good great perfect nice thanks thank you please pls go on ahead continue proceed
    carry keep going do it that this next resume start begin lets let's let us hi hello hey again try retry now then and
    with from here where we left off the work task on it's its right correct exactly agreed approve approved lgtm done
    ja weiter mach bitte gut genau oui continue vas-y vas y d'accord sí si sigue dale adelante claro sim continua segue
    да давай ок хорошо дальше продолжай продолжи поехали ага конечно
    はい 続けて 続けてください 続き お願いします お願い 了解 ok です いいよ
    是 好 好的 可以 继续 继续吧 嗯 对 行
    네 예 계속 계속해 진행 진행해 좋아 응
    """.split()
)
_CHOICE: Final = re.compile(
    r"^\W*(?:(?:q\d+\s*[:=]?\s*)?(?:[a-z]|\d{1,2})\b[\s,.;:/&+-]*(?:and|und|et|y|и|と)?[\s,]*){1,12}\W*$", re.I
)
_CHOICE_WORDS: Final = re.compile(
    r"^\W*(?:yes|yep|yeah|no|nope|both|all|none|neither|either|option|the (?:first|second|third|last)|"
    r"first|second|third|"
    r"ja|nein|oui|non|sí|да|нет|оба|все|はい|いいえ|是|不|네|아니)\b",
    re.I,
)
_QUESTION_START: Final = re.compile(
    r"^\W*(?:so |and |but |wait,? |hm+,? )?(?:why|what|what's|who|whose|when|where|which|how|is|are|was|"
    r"were|did|does|do|has|have|"
    r"am|should|will|would it|can i|warum|wieso|was|wer|wann|wo|wie|pourquoi|qui|quand|où|comment|por qué|qué|quién|"
    r"почему|зачем|что|кто|когда|где|как)\b"
    r"|なぜ|何|誰|いつ|どこ|为什么|什么|谁|왜|뭐|누가",
    re.I,
)
_REQUEST_QUESTION: Final = re.compile(
    r"^\W*(?:can|could|would|will) (?:you|we|u)\b|^\W*(?:are you able|please)\b|^\W*(?:kannst|"
    r"könntest) du|^\W*(?:peux|pourrais)-tu|"
    r"^\W*(?:puedes|podrías)\b|^\W*(?:можешь|можете)\b",
    re.I,
)
_POINTS_BACK: Final = re.compile(
    r"\b(?:it|its|that|this|them|they|these|those|there|same|again|also|too|instead|es|das|dies|ça|cela|"
    r"eso|esto|это|этот|его|их)\b"
    r"|それ|これ|它|这个|그것|이것",
    re.I,
)
_HAS_QUESTION_MARK: Final = re.compile(r"[?？؟]")
_WIDE: Final = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def plain(text: str) -> str:
    """One line of `text` without markdown dress: no bullet, heading mark, bold or link target."""
    text = _HEADING.sub("", _BULLET.sub("", text))
    text = _LINK.sub(r"\1", text)
    text = _EMPHASIS.sub(r"\2", text)
    return _SPACE.sub(" ", text).strip()


def one_line(text: str) -> str:
    """`text` on one line, otherwise as it was written."""
    return _SPACE.sub(" ", text).strip()


def flat(text: str) -> str:
    """`text` on one line in plain words; what were list items or lines of their own stay apart by `;`."""
    lines = [(is_bullet(line), plain(line)) for line in text.splitlines() if line.strip()]
    joined = ""
    for bullet, line in lines:
        mark = ";" if joined and bullet and not joined.endswith((":", ";", ".")) else ""
        joined = f"{joined}{mark} {line}".strip()
    return joined


def prose_lines(text: str) -> list[str]:
    """The lines of `text` that are prose: code fences, tables, rules and empty lines left out; markdown still on."""
    body = _FENCE.sub("\n", text)
    return [line for line in body.splitlines() if line.strip() and not _TABLE_ROW.match(line) and not _RULE.match(line)]


def is_bullet(line: str) -> bool:
    return _BULLET.match(line) is not None


def sentences(text: str) -> list[str]:
    """The sentences of `text` in order, in plain words; a bullet or heading is never joined to its neighbour."""
    found: list[str] = []
    for line in prose_lines(text):
        found.extend(_split(plain(line)))
    return found


def _split(line: str) -> list[str]:
    parts: list[str] = []
    for piece in _SENTENCE_END.split(line):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] = f"{parts[-1]} {piece}"
        elif piece.strip():
            parts.append(piece.strip())
    return parts


def first_sentence(text: str) -> str:
    """The first sentence that says something: greetings of one word ("Done.", "Perfect!") are joined to the next."""
    found = sentences(text)
    if not found:
        return ""
    if word_count(found[0]) <= 2 and len(found) > 1:
        return f"{found[0]} {found[1]}"
    return found[0]


def is_question(sentence: str) -> bool:
    """Does this sentence ask? A `?` inside a URL or in code does not count."""
    bare = _URL.sub("", re.sub(r"`[^`]*`", "", sentence)).rstrip(" \"'”’)]*_")
    return bool(bare) and _HAS_QUESTION_MARK.search(bare[-1]) is not None


def word_count(text: str) -> int:
    """Words in `text`; scripts without spaces count two signs as a word."""
    wide = len(_WIDE.findall(text))
    return len(_WIDE.sub(" ", text).split()) + (wide + 1) // 2


def is_nudge(text: str) -> bool:
    """Words that only say go on: "yes", "ok, continue", "let's start", "продолжай"."""
    bare = re.sub(r"[^\w'\s-]", " ", text.lower()).split()
    return len(bare) <= 9 and all(word in _NUDGE_WORDS for word in bare)


def is_choice(text: str) -> bool:
    """A short answer that means something only next to what it answers: "6 and 12", "yes to all", "Q1:A, Q2:C"."""
    if word_count(text) > 8:
        return False
    return _CHOICE.match(text) is not None or _CHOICE_WORDS.match(text) is not None


def is_aside(text: str) -> bool:
    """A short question that asks about the work rather than for work."""
    return (
        is_question(text)
        and word_count(text) <= 14
        and _QUESTION_START.search(text) is not None
        and _REQUEST_QUESTION.match(text) is None
    )


def points_back(text: str) -> bool:
    """A short request that leans on an earlier one ("now wire it in too")."""
    return word_count(text) <= 14 and _POINTS_BACK.search(text) is not None
