"""What kind of words a prompt or sentence is: go on, a choice, a question by the way, a remark.

Word lists, here and beside the rules that use them, cover the languages seen in real transcripts. Each has a line a
language, in this order: English, German, French, Spanish and Portuguese, Russian, Japanese, Chinese, Korean. The last
three are written so that a regex finds no borders of words: theirs stand outside the borders. What no list knows is
taken for a request: a wrong extra line costs less than a lost task.
"""

from __future__ import annotations

import re
from typing import Final

from carryover.distill.prose import sentences, word_count

_NUDGE_WORDS: Final = frozenset(
    """
    yes yep yeah y ok okay k sure fine good great perfect nice thanks thank you please pls go on ahead continue proceed
    carry keep going do it that this next resume start begin lets let's let us hi hello hey again try retry now then and
    with from here where we left off the work task on it's its right correct exactly agreed approve approved lgtm done
    ja weiter mach bitte gut genau
    oui continue vas-y vas d'accord
    sí si sigue dale adelante claro sim continua segue
    да давай ок хорошо дальше продолжай продолжи поехали ага конечно
    はい 続けて 続けてください 続き お願いします お願い 了解 です いいよ
    是 好 好的 可以 继续 继续吧 嗯 对 行
    네 예 계속 계속해 진행 진행해 좋아 응
    """.split()
)
_CHOICE: Final = re.compile(
    r"^\W*(?:(?:q\d+\s*[:=]?\s*)?(?:[a-z]|\d{1,2})\b[\s,.;:/&+-]*(?:and|und|et|y|и|と)?[\s,]*){1,12}\W*$", re.I
)
_CHOICE_WORDS: Final = re.compile(
    r"^\W*(?:yes|yep|yeah|no|nope|both|all|none|neither|either|option|(?:the )?(?:first|second|third)|the last"
    r"|ja|nein"
    r"|oui|non"
    r"|sí"
    r"|да|нет|оба|все"
    r"|はい|いいえ"
    r"|是|不"
    r"|네|아니)\b",
    re.I,
)
_QUESTION_MARK: Final = re.compile(r"[?？؟]")
# In Japanese the particle か asks, with or without a mark.
_ASKS_WITHOUT_MARK: Final = re.compile(r"(?:です|ます|ません|でしょう)か。?$")
_QUESTION_START: Final = re.compile(
    r"^\W*(?:so |and |but |wait,? |hm+,? )?(?:"
    r"why|what|what's|who|whose|when|where|which|how|is|are|was|were|did|does|do|has|have|am|should|will|would it|can i"
    r"|warum|wieso|was|wer|wann|wo|wie"
    r"|pourquoi|qui|quand|où|comment"
    r"|por qué|qué|quién"
    r"|почему|зачем|что|кто|когда|где|как)\b"
    r"|なぜ|何|誰|いつ|どこ|(?:です|ます|ません|でしょう)か\W*$"
    r"|为什么|什么|谁|[吗呢]\W*$"
    r"|왜|뭐|누가|(?:[가나]요|습니까)\W*$",
    re.I,
)
# A question only by its form: "can you …?" asks for work.
_REQUEST_QUESTION: Final = re.compile(
    r"^\W*(?:(?:can|could|would|will) (?:you|we|u)|are you able|please"
    r"|(?:kannst|könntest) du"
    r"|(?:peux|pourrais)-tu"
    r"|puedes|podrías"
    r"|можешь|можете)\b"
    r"|(?:くれ|もらえ|いただけ|頂け|お願いでき)(?:ます|ません)か"
    r"|能不能|[你您]能|能否|可否|可以帮|能帮|请(?!问)"
    r"|줄래|주실|주세요|해 ?줄",
    re.I,
)
_WANTS_TO_KNOW: Final = re.compile(
    r"^\W*(?:(?:please )?(?:explain|tell me (?:what|why|how|who|when|where|which|more)|(?:show|give) me an? example)"
    r"|erkl[äa]re?"
    r"|explique"
    r"|explica"
    r"|объясни(?:те)?|расскажи(?:те)?|поясни(?:те)?)\b"
    r"|教えて|説明して"
    r"|^\W*(?:解释|说明|告诉我)"
    r"|설명해|알려 ?줘",
    re.I,
)
# How a remark begins; in Japanese it ends in a particle that lets the other know.
_TELLS: Final = re.compile(
    r"^\W*(?:fyi|for your information|just so you know|note that"
    r"|(?:nur )?zur info"
    r"|pour info"
    r"|имей(?:те)? в виду)\b"
    r"|(?:です|ます|ました|でした|ません)(?:よ|ね|よね)[。!！]?$",
    re.I,
)
_JAPANESE_PLEASE: Final = "ください"
_POINTS_BACK: Final = re.compile(
    r"\b(?:it|its|that|this|them|they|these|those|there|same|again|also|too|instead"
    r"|es|das|dies"
    r"|ça|cela"
    r"|eso|esto"
    r"|это|этот|его|их)\b"
    r"|それ|これ"
    r"|它|这个"
    r"|그것|이것",
    re.I,
)
_CODE: Final = re.compile(r"`[^`]*`")
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S+", re.I)
# Longer ones hold something of their own.
_NUDGE_MOST_WORDS: Final = 9
_CHOICE_MOST_WORDS: Final = 8
_QUESTION_MOST_WORDS: Final = 14
_POINTS_BACK_MOST_WORDS: Final = 14
_REMARK_MOST_WORDS: Final = 20


def is_question(sentence: str) -> bool:
    """Does this sentence ask? A `?` inside a URL or in code does not count."""
    bare = _URL.sub("", _CODE.sub("", sentence)).rstrip(" \"'”’)]*_")
    return bool(bare) and (_QUESTION_MARK.search(bare[-1]) is not None or _ASKS_WITHOUT_MARK.search(bare) is not None)


def is_nudge(text: str) -> bool:
    """Words that only say go on: "yes", "ok, continue", "let's start", "продолжай"."""
    bare = re.sub(r"[^\w'\s-]", " ", text.lower()).split()
    return len(bare) <= _NUDGE_MOST_WORDS and all(word in _NUDGE_WORDS for word in bare)


def is_choice(text: str) -> bool:
    """A short answer that means something only next to what it answers: "6 and 12", "yes to all", "Q1:A, Q2:C"."""
    return is_coded(text) or (word_count(text) <= _CHOICE_MOST_WORDS and _CHOICE_WORDS.match(text) is not None)


def is_coded(text: str) -> bool:
    """An answer that names choices by their letters or numbers: "6 and 12", "Q1:A, Q2:C"."""
    return word_count(text) <= _CHOICE_MOST_WORDS and _CHOICE.match(text) is not None


def is_aside(text: str) -> bool:
    """A short question that asks about the work rather than for work, or a short wish to have something explained."""
    if _WANTS_TO_KNOW.search(text):
        return word_count(text) <= _REMARK_MOST_WORDS
    return (
        is_question(text)
        and word_count(text) <= _QUESTION_MOST_WORDS
        and _QUESTION_START.search(text) is not None
        and _REQUEST_QUESTION.search(text) is None
    )


def only_tells(text: str) -> bool:
    """A short remark that lets the assistant know something and asks for nothing."""
    said = sentences(text)
    return (
        len(said) == 1
        and word_count(text) <= _REMARK_MOST_WORDS
        and _JAPANESE_PLEASE not in text
        and _TELLS.search(said[0]) is not None
    )


def points_back(text: str) -> bool:
    """A short request that leans on an earlier one ("now wire it in too")."""
    return word_count(text) <= _POINTS_BACK_MOST_WORDS and _POINTS_BACK.search(text) is not None
