"""The only words that the distiller knows: closed classes of short replies and of labels, in ten languages. Without
them the same words are quoted, under other headings (`tests/unit/distill/test_closed_classes.py`)."""

from __future__ import annotations

from typing import Final

from carryover.text.boxes import boxes_in
from carryover.text.markdown import without_code
from carryover.text.pattern import later

REPLIES: Final = frozenset(
    """
    yes yep yeah y ok okay sure fine right correct go ahead on do it continue proceed resume carry keep going please
    thanks thank you thx great good nice perfect cool no nope n stop hi hello hey next and then the with
    there morning pick up where we left off from here work yo quit exit q clear
    ja jo gerne weiter mach fortfahren danke nein hallo bitte guten morgen
    oui continue vas-y merci non bonjour salut
    sí si sigue continúa adelante gracias vale hola buenos días
    sim continua obrigado não
    sì avanti grazie
    да давай продолжай продолжить дальше спасибо нет привет доброе утро
    はい 続けて 続き お願いします ありがとう いいえ こんにちは おはよう おはようございます
    是 好 好的 继续 可以 谢谢 不 你好 早上好
    네 예 계속 계속해 감사합니다 아니요 안녕하세요
    """.split()
)
_BEGINS: Final = later(r"\blet['’]?s (?:start|begin|go)\b")
"""What `carryover install` tells the user to say. No word of it is a reply by itself: "start the server" is a task."""
GO_ON: Final = (
    *("continue", "proceed", "keep going", "weiter", "fortfahren", "continuer", "continuar", "continuo"),
    *("продолж", "続け", "继续", "계속"),
)
"""What a question contains that only asks whether to go on, or an order to do so."""
_NAME_NOTHING: Final = REPLIES | frozenset(
    "this that our your my working last previous task plan session handoff".split()
)
"""Words of such an order that don't say with what."""
NEGATIONS: Final = frozenset(
    """
    not never no without nicht nie kein keine keinen ohne ne pas jamais sans nunca sin não sem non senza не без
    """.split()
)
"""Words after which no quote is cut: without what it negates, a sentence may say the opposite."""
NEGATED_ENDS: Final = ("不要", "不", "别", "勿")
"""The same in a script that is written without blanks."""
_NEGATED: Final = later(r"\w+n['’]t")
_GO_ON_CHARS: Final = 40
_COMMIT: Final = "commit"
"""Git's word, which people use in many languages."""
_SHORT_REPLY_CHARS: Final = 24
_CLAUSE: Final = later(r"\s*[^\W\d_][^\n,.;:!?，。、！？]{0,23}(?=[,.;!，。、！])")
NEXT: Final = "next"
OPEN: Final = "open"
LABELS: Final = {
    NEXT: "next|next step|next steps|todo|nächster schritt|nächste schritte|prochaine étape|prochaines étapes"
    "|siguiente paso|próximos pasos|próximo passo|próximos passos|prossimo passo|prossimi passi"
    "|следующий шаг|следующие шаги|次のステップ|下一步|待办|다음 단계".split("|"),
    OPEN: "open question|open questions|offene frage|offene fragen|question ouverte|questions ouvertes"
    "|preguntas abiertas|questões abertas|domande aperte|открытые вопросы|未解決|待确认|미해결".split("|"),
}
"""Labels that people and agents put before a line, by the heading that they name."""
_LABEL: Final = later(
    r"(?:[\W_]|\d{1,2}[.)]\s)*(?P<name>[^\W\d_][\w -]{1,30}?)\s{0,8}(?:\([^()]{1,40}\)\s{0,8})?"
    r"(?:\*\*|__)?(?:[:：]|\s[-–—]\s|\s*\Z)(?:\*\*|__)?(?P<rest>.*)"
)
_NAMES_NEXT: Final = later(rf"(?<![a-z])(?:{'|'.join(LABELS[NEXT])})")
_WORD: Final = later(r"[^\W_]+(?:[-'’][^\W_]+)*")
_QUESTION_END: Final = later(
    r"(?:(?<![(,] )(?<![(,])[?？؟\u037e՞](?:\s\([^()]{1,40}\)|\s?（[^（）]{1,40}）)?"
    r"|要不要[^。！？?]{0,80}。?)[\"'”’»」』)\]*_`\s]*$"
)
"""A question mark, which a remark in brackets may follow ("Apply it? (y/n)"), or the words "whether to" in Chinese,
which need none. Behind a comma or a bracket it stands for a value: `VALUES (?, ?)`."""
_LIST_ITEM: Final = later(r"\s*(?:[-*+•–]|\(?\d{1,2}[.):]|\(?[A-Za-z][.)])\s+\S")


def only_replies(text: str) -> bool:
    """Whether a prompt consists only of short replies ("yes, go ahead") or punctuation."""
    folded = text.casefold()
    if "let" in folded:
        folded = _BEGINS.sub("", folded)
    return all(word[0] in REPLIES for word in _WORD.finditer(folded))


def only_consents(text: str) -> bool:
    """Whether a prompt consists only of short replies, none of which negates."""
    words = [word[0] for word in _WORD.finditer(text.casefold())]
    return bool(words) and REPLIES.issuperset(words) and NEGATIONS.isdisjoint(words)


def begins_with_reply(text: str) -> bool:
    """Whether a text is at most a short reply with a few more words, such as "yes to all"."""
    first = _WORD.search(text.casefold())
    return len(text) <= _SHORT_REPLY_CHARS and first is not None and first[0] in REPLIES


def replies_first(text: str) -> bool:
    """Whether a text begins with a short reply and goes on, as in "no, take the other one"."""
    first = _CLAUSE.match(text)
    return first is not None and only_replies(first[0])


def label_of(line: str) -> tuple[str, bool]:
    """Returns the heading that a line's label names, empty if it names none, and whether text follows the label."""
    label = _LABEL.match(line)
    name = label["name"].casefold() if label is not None else ""
    heading = next((heading for heading, names in LABELS.items() if name in names), "")
    return heading, heading != "" and label is not None and label["rest"].strip() != ""


def may_list_steps(text: str) -> bool:
    """Whether a text may say what comes next: it has a word of that label, an open box or a numbered list, or ends in
    a list."""
    lines = [line for line in text.splitlines() if line.strip()]
    boxes = boxes_in(lines)
    if _NAMES_NEXT.search(text.casefold()) or (boxes is not None and boxes.open):
        return True
    return any(map(is_numbered, lines)) or any(map(is_list_item, lines[-1:]))


def is_question(line: str) -> bool:
    """Whether a line ends in a question mark of any script, or in a question that needs none. Behind other words, a
    mark between backticks is part of a name or a command: `??` is what Git prints."""
    return _QUESTION_END.search(line if line.startswith("`") else without_code(line)) is not None


def asks_to_go_on(question: str) -> bool:
    """Whether a question is short, and asks only whether to go on, or to begin as `carryover install` suggests."""
    begins = _BEGINS.search(question.casefold()) is not None
    return len(question) <= _GO_ON_CHARS and (begins or speaks_of_going_on(question))


def asks_to_commit(question: str) -> bool:
    """Whether a short question mentions a commit."""
    return len(question) <= _GO_ON_CHARS and _COMMIT in question.casefold()


def speaks_of_going_on(text: str) -> bool:
    """Whether a text has a word for going on."""
    plain = text.casefold()
    return any(word in plain for word in GO_ON)


def names_what_goes_on(text: str) -> bool:
    """Whether a text speaks of going on and says with what: "continue the till", not "continue working"."""
    return speaks_of_going_on(text) and any(word[0] not in _NAME_NOTHING for word in _WORD.finditer(text.casefold()))


def is_numbered(line: str) -> bool:
    """Whether a line is an item of a list with numbers or letters."""
    return is_list_item(line) and line.lstrip(" \t(")[:1].isalnum()


def is_list_item(line: str) -> bool:
    """Whether a line is a list item: it starts with a bullet, a number or a letter."""
    return _LIST_ITEM.match(line) is not None


def negates(word: str) -> bool:
    """Whether a word negates what comes next."""
    plain = word.casefold().strip("\"'“”‘’`*_([{.,;:!")
    return plain in NEGATIONS or plain.endswith(NEGATED_ENDS) or _NEGATED.fullmatch(plain) is not None
