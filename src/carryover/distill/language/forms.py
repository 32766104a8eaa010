"""What a short text is by its form: a question, a choice by letter or number, a bare yes or no.

These are closed classes, which a language does not extend; what a longer text means is decided by evidence (`work`).
"""

from __future__ import annotations

from typing import Final

from carryover.distill.language.prose import word_count
from carryover.text import lazy_re as re

_CODE: Final = re.compile(r"`[^`]*`")
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S+", re.I)
_QUESTION_MARK: Final = re.compile(r"[?？؟]\W{0,4}$")
# Japanese ka, Chinese ma and ne, and Korean endings ask, with or without a mark.
_ASKS_WITHOUT_MARK: Final = re.compile(
    r"(?:です|ます|ません|でしょう|ました)か[。.]?$|[吗嗎呢][。.]?$|(?:(?<=[가-힣])[가나]요|습니까|을까요|할까요)[.]?$"
)
_CHOICE: Final = re.compile(
    r"^\W*(?:(?:q\d+\s*[:=.]?\s*|[#№(]|(?:n[or]|option|variant\w*|вариант)(?=[\W\d])\.? ?|选项? ?|案)?"
    r"(?:[a-zа-д]|\d{1,3}(?:[.,]\d+)?)(?:\b|(?=[番个號号번と和或]))[)\].:番个號号번]?"
    r"[\s,.;:/&+-]*(?:and|und|et|y|и|と|和|e|或)?[\s,]*){1,12}\W*$",
    re.I,
)
_LEADING_PICK: Final = re.compile(
    r"\W{0,3}(?:(?:option|variante?|вариант|选项?|案) ?([a-hA-H]|\d{1,2})(?!\w)"
    r"|(\d{1,2}|[A-H])(?:[).,:;]+(?=\s)|(?=\s+[^\W\d_])))"
)
_YES: Final = """
    yes yep yeah yup ok okay k sure fine good great perfect agreed approved lgtm proceed
    ja jo jep jawohl klar gerne passt einverstanden genau
    oui ouais d'accord vas-y allez parfait
    sí sì vale claro dale adelante perfecto sim certo
    да ага угу давай давайте конечно хорошо ладно ок верно
    はい うん ええ お願いします いいよ いいです 了解 そうして
    是 是的 好 好的 对 对的 可以 行 行的 嗯 没问题
    네 예 응 좋아 좋아요 그래 그래요 맞아 맞아요 오케이
    👍 👌 ✅ 🚀
"""
_GO_AHEAD: Final = re.compile(
    r"go ahead\b|go for it\b|va bene\b|please (?:go ahead|proceed)\b"
    r"|(?:please do|please|go|correct|right|si|y)(?=$|[,.;:!])"
)
"""Words that agree only together or alone: "go back", "please add" and "si le four est vide" say something else."""
_NO: Final = """
    no nope n nah nein nö non não нет не いいえ いや 不 不是 不要 不用 不行 不好 不对 没有
    아니 아니요 아니오 아니에요 아뇨
"""
_PICKS: Final = """
    both all none neither either first second third fourth last former latter one two three four this that any whichever
    beide alle keins keine erste ersten zweite zweiten dritte dritten letzte letzten eins zwei drei vier egal
    tous toutes deux aucun aucune premier première second seconde deuxième troisième dernier dernière un une trois
    ambos ambas todos todas ninguno ninguna primero primera segundo segunda tercero tercera último última
    uno una dos tres
    оба обе все всё ни первый первая первое первую второй вторая второе вторую третий третья третье третью
    последний последняя один одна два две три
    両方 全部 すべて どちらも 最初 一つ目 二つ目 三つ目 1つ目 2つ目 前者 後者
    两个 都 全部 都要 都行 都可以 第一 第一个 第二 第二个 第三 第三个 前者 后者 最后一个
    둘 둘다 다 모두 전부 첫 첫째 첫번째 두 둘째 두번째 세번째 마지막 전자 후자
"""
_YES_WORDS: Final = frozenset(_YES.split())
_NO_WORDS: Final = frozenset(_NO.split())
_PICK_WORDS: Final = frozenset(_PICKS.split())
_WITHOUT_SPACES: Final = re.compile(r"[\u2e80-\u9fff]|[^\w\s]")
_ARTICLE: Final = re.compile(r"(?:the|die|der|das|den|le|la|les|el|los|las|il|lo|both of|all of)\s+|l'")
_ENDS_WORD: Final = re.compile(r"[\s,.;:!?…。！？、，]")
_SPACELESS: Final = tuple(word for word in _YES_WORDS | _NO_WORDS | _PICK_WORDS if _WITHOUT_SPACES.match(word))
"""What no space parts from the next word: Chinese, Japanese, emoji."""
_GOES_ON: Final = re.compile(r"[\u4e00-\u9fff](?<![的吧啊呀了呢嘛])")
"""After a single Chinese character it is mostly another word: 好 is a yes, 好像 is none."""
_MOST_CHOICE_WORDS: Final = 8
_SHORT: Final = 4
_ANSWER_NUMBER: Final = re.compile(r"(?:^|(?<=[\s.,;!]))[qQ#]?(\d{1,2})(?:[.):=]+\s*|\s*[-–—]\s+|\s+)(?=[^\W\d_])")
_YES_BUT: Final = re.compile(
    r"(?:yes|yeah|yep|no|nope|ja|nein|oui|non|sí|si|sim|não|да|нет)(?:,|;|\s*[-–—])?\s+"
    r"(?:but|only|just|and|though|aber|nur|und|allerdings|jedoch|mais|seulement|et|pero|solo|sólo|y|mas|só|e|ma|però"
    r"|но|только|и)\b"
    r"|(?:はい|いいえ|是的?|对|不|네|아니요?)[,，、。]?\s*(?:ただ|でも|但是?|不过|하지만|다만|근데)",
    re.I,
)
_LEADING_MARKS: Final = "\"'“”«»(.,;:!…。！、，¡¿-–— "


def is_question(sentence: str) -> bool:
    """Does this sentence ask? A `?` inside a URL or in code does not count."""
    if sentence.isascii() and "?" not in sentence:
        return False
    bare = _URL.sub("", _CODE.sub("", sentence)).rstrip(" \"'”’)]*_»」』")
    return bool(bare) and (_QUESTION_MARK.search(bare) is not None or _ASKS_WITHOUT_MARK.search(bare) is not None)


def is_coded(text: str) -> bool:
    """An answer that names choices by their letters or numbers: "6 and 12", "Q1:A, Q2:C"."""
    return word_count(text) <= _MOST_CHOICE_WORDS and _CHOICE.match(text) is not None


def leading_pick(text: str) -> str:
    """The number or letter with which a text picks a choice before it says more, as in "2 makes sense, but …"; empty
    where there is none. Whether such a choice was offered only the question can say."""
    found = _LEADING_PICK.match(text)
    return (found[1] or found[2]) if found is not None else ""


def numbered_answers(text: str) -> dict[int, str]:
    """The answers of a text that answers several questions by their numbers: "1 no, 2 yes but later"; empty where it
    does not begin with one or has fewer than two, in rising order."""
    marks = list(_ANSWER_NUMBER.finditer(text))
    numbers = [int(mark[1]) for mark in marks]
    if len(marks) < 2 or marks[0].start() > 0 or numbers != sorted(set(numbers)):
        return {}
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    answers = (text[mark.end() : end].strip(" \n,;") for mark, end in zip(marks, ends, strict=True))
    return {number: answer for number, answer in zip(numbers, answers, strict=True) if answer}


def says_yes_but(text: str) -> bool:
    """A clear yes or no with a condition or an addition: "yes but without a table", "no, later"."""
    return _YES_BUT.match(text.strip(_LEADING_MARKS)) is not None


def is_choice(text: str) -> bool:
    """A short answer that means something only beside what it answers: "6 and 12", "yes to all", "the second one"."""
    return is_coded(text) or (
        word_count(text) <= _MOST_CHOICE_WORDS and (begins_with_yes(text) or _leads_with(text, _NO_WORDS | _PICK_WORDS))
    )


def is_yes(text: str) -> bool:
    """A text of few words that begins with a yes."""
    return word_count(text) <= _SHORT and begins_with_yes(text)


def is_no(text: str) -> bool:
    """A text of few words that begins with a no."""
    return word_count(text) <= _SHORT and _leads_with(text, _NO_WORDS)


def begins_with_yes(text: str) -> bool:
    """Whether a text of any length begins with a yes."""
    return _leads_with(text, _YES_WORDS) or _GO_AHEAD.match(text.casefold().strip(_LEADING_MARKS)) is not None


def without_yes(text: str) -> str:
    """What follows the yes that a text begins with: "no chains" of "yes no chains"; all of it where there is none."""
    first, _, rest = text.strip(_LEADING_MARKS).partition(" ")
    bare = first.rstrip(",.;:!…")
    return rest.lstrip(_LEADING_MARKS) if rest and bare.casefold() in _YES_WORDS else text


def _leads_with(text: str, words: frozenset[str]) -> bool:
    bare = text.casefold().strip(_LEADING_MARKS)
    article = _ARTICLE.match(bare)
    said = bare[article.end() :] if article is not None else bare
    if _ENDS_WORD.split(said, maxsplit=1)[0] in words:
        return True
    return not said[:1].isascii() and any(_opens_with(said, word) for word in _SPACELESS if word in words)


def _opens_with(text: str, word: str) -> bool:
    return text.startswith(word) and not (len(word) == 1 and text[1:2] != word and _GOES_ON.match(text, 1))
