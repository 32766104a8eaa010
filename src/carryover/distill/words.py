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
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|no|dr|mr|ms|bzw|z\.b|d\.h|p\. ?ex|"
    r"напр|т\.е|т\.п|т\.д|т\.к|см|стр|рис|др|ред)|\b[A-Z])\.$",
    re.I,
)
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
    r"|なぜ|何|誰|いつ|どこ|(?:です|ます|ません|でしょう)か\W*$|为什么|什么|谁|[吗呢]\W*$|왜|뭐|누가|(?:[가나]요|습니까)\W*$",
    re.I,
)
_REQUEST_QUESTION: Final = re.compile(
    r"^\W*(?:can|could|would|will) (?:you|we|u)\b|^\W*(?:are you able|please)\b|^\W*(?:kannst|"
    r"könntest) du|^\W*(?:peux|pourrais)-tu|"
    r"^\W*(?:puedes|podrías)\b|^\W*(?:можешь|можете)\b"
    r"|(?:くれ|もらえ|いただけ|頂け|お願いでき)(?:ます|ません)か|能不能|[你您]能|能否|可否|可以帮|能帮|请(?!问)"
    r"|줄래|주실|주세요|해 ?줄",
    re.I,
)
_ASKS_WITHOUT_MARK: Final = re.compile(r"(?:です|ます|ません|でしょう)か。?$")
_WANTS_TO_KNOW: Final = re.compile(
    r"^\W*(?:please )?(?:explain|tell me (?:what|why|how|who|when|where|which|more)|(?:show|give) me an? example)\b"
    r"|^\W*(?:erkl[äa]re?|explique|explica|объясни(?:те)?|расскажи(?:те)?|поясни(?:те)?)\b"
    r"|教えて|説明して|^\W*(?:解释|说明|告诉我)|설명해|알려 ?줘",
    re.I,
)
# The particles with which a Japanese speaker lets the other know; and how others begin a remark.
_TELLS: Final = re.compile(
    r"(?:です|ます|ました|でした|ません)(?:よ|ね|よね)[。!！]?$"
    r"|^\W*(?:fyi|for your information|just so you know|note that|(?:nur )?zur info|pour info|имей(?:те)? в виду)\b",
    re.I,
)
_POINTS_BACK: Final = re.compile(
    r"\b(?:it|its|that|this|them|they|these|those|there|same|again|also|too|instead|es|das|dies|ça|cela|"
    r"eso|esto|это|этот|его|их)\b"
    r"|それ|これ|它|这个|그것|이것",
    re.I,
)
_HAS_QUESTION_MARK: Final = re.compile(r"[?？؟]")
_REMARK_WORDS: Final = 20
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
        if parts and (_ABBREVIATION.search(parts[-1]) or _goes_on_in_brackets(parts[-1], piece)):
            parts[-1] = f"{parts[-1]} {piece}"
        elif piece.strip():
            parts.append(piece.strip())
    return parts


def _goes_on_in_brackets(before: str, after: str) -> bool:
    """An unknown abbreviation in brackets: the bracket is open, and what follows closes it in a small letter."""
    return before.count("(") > before.count(")") and after[:1].islower() and ")" in after


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
    return bool(bare) and (
        _HAS_QUESTION_MARK.search(bare[-1]) is not None or _ASKS_WITHOUT_MARK.search(bare) is not None
    )


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
    return is_coded(text) or (word_count(text) <= 8 and _CHOICE_WORDS.match(text) is not None)


def is_coded(text: str) -> bool:
    """An answer that names choices by their letters or numbers: "6 and 12", "Q1:A, Q2:C"."""
    return word_count(text) <= 8 and _CHOICE.match(text) is not None


def is_aside(text: str) -> bool:
    """A short question that asks about the work rather than for work, or a short wish to have something explained."""
    if _WANTS_TO_KNOW.search(text):
        return word_count(text) <= _REMARK_WORDS
    return (
        is_question(text)
        and word_count(text) <= 14
        and _QUESTION_START.search(text) is not None
        and _REQUEST_QUESTION.search(text) is None
    )


def only_tells(text: str) -> bool:
    """A short remark that lets the assistant know something and asks for nothing."""
    said = sentences(text)
    return (
        len(said) == 1
        and word_count(text) <= _REMARK_WORDS
        and "ください" not in text
        and _TELLS.search(said[0]) is not None
    )


def points_back(text: str) -> bool:
    """A short request that leans on an earlier one ("now wire it in too")."""
    return word_count(text) <= 14 and _POINTS_BACK.search(text) is not None
