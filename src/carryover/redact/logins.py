"""Finds what sentences give away: the password of a login, behind or before what tells of it, `credentials: admin /
Sommer2024`, `Sommer2024 is my password`; a key of an API, whatever the script that says so, `API ключ: 3f9c…`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from carryover.redact.values import (
    Span,
    is_in_use,
    is_opaque,
    is_said_password,
    is_scrambled,
    is_strong,
    is_technical,
    is_type_or_state,
    is_uuid,
)
from carryover.text.pattern import later

_WORDS: Final = (
    "creden", "creds", "login", "log in", "sign in", "test user", "passw", "mot de passe", "identifiants",
    "zugangsdaten", "anmeldung", "contraseña", "пароль", "логин",
    "密码", "账号", "パスワード", "ログイン", "비밀번호", "로그인", "계정", "비번",
)  # fmt: skip
"""What the line says before the pair; `creden` begins the word of several languages."""
_MOST_BEFORE: Final = 161
"""Characters before the slash in which one of these words is looked for."""
_SECOND: Final = later(r"/(?<=[ \t]/)[ \t][\"'`*]{0,3}(?P<value>[^\s\"'`|<>()\\]{6,32}?)[.,;:]?(?![^\s\"'`|<>()\\])")


def passwords_of_logins(text: str, lower: str) -> Iterator[Span]:
    """Yields what follows a slash between blanks, if it looks like a password and the line has spoken of a login.

    `lower` is `text` in lower case.
    """
    for second in _SECOND.finditer(text):
        said = lower[max(0, second.start() - _MOST_BEFORE) : second.start()].rpartition("\n")[2]
        value = second["value"]
        if any(word in said for word in _WORDS) and (is_said_password(value) or is_scrambled(value, 10)):
            yield *second.span("value"), "password"


_MAIL: Final = (
    r"@(?<=[\w.+-]@)(?:[\w-]{1,63}\.){1,4}(?!(?:png|jpe?g|gif|svg|webp|[cm]?[jt]sx?|json|css|md)\b)"
    r"[a-z]{2,12}(?![\w-]|\.\w)"
)
"""The end of an address. What looks like one in `icon@2x.png` and `react@18.2.0` does not count."""
_ENDED: Final = r"(?:\*{2,3})?(?![^\s\"'`|<>()\\,])"
"""The end of a word, perhaps of bold text. One asterisk may be a password's own."""
_PAIRED: Final = later(
    rf"{_MAIL}[\"'`*]{{0,3}}"
    r"(?:(?P<slash>[>)]?[ \t][/／][ \t]|(?<=[\"'`*])/(?=[\"'`*]))|(?P<cells>[ \t]{0,40}\|[ \t]{0,40})"
    r"|[:,;：，；、][ \t]?|[ \t](?:->|=>|→|\()[ \t]?|\\n|[ \t]{0,4}\r?\n"
    r"|[ \t]{1,4}(?:[:|][ \t]|(?:with|using|and|mit|und|con|y|avec|et|com|e|и|pw|pass)[ \t])?)"
    rf"(?P<quote>[\"'`*]{{0,3}})(?P<value>[^\s\"'`|<>()\\,]{{5,40}}?)[.,;:]?(?P=quote){_ENDED}"
)
_LETTER_AND_DIGIT: Final = later(r"(?=\D{0,39}\d)(?=[^A-Za-z]{0,39}[A-Za-z])(?![^@]{0,39}@[\w-]{0,39}\.)[^/]+")
"""No other address, and no name with a version."""
_SIGN_TOO: Final = later(r"[A-Za-z\d](?=[^!@#$%^&*?]{0,39}[!@#$%^&*?])[^/:={}\[\]]+")
_OTHER: Final = later(
    r"(?i:[a-z]{2}|issue|bug|fix|fixes|closes)#\d{1,6}|[A-Z][A-Z\d]{0,9}-\d{1,6}|[0-9a-f]{7}|[0-9a-f]{40}"
    r"|\d{1,2}[:.]\d\d?[a-z]{1,2}|\d{4}-\d\d-\d\dT.*|[a-z]+\d{0,4}\*(?:\.[a-z]{1,5})?|[\w-]{1,40}\.[a-z]{2,5}"
)
"""An issue (`PR#12`, `SHOP-12`), a commit, a time, a measure, files or a host."""


def passwords_of_addresses(text: str, lower: str) -> Iterator[Span]:
    """Yields what stands beside an e-mail address like the password of its login: `dev@a.com / shop-12`,
    `| dev@a.com | Tulpan12! |`, `dev@a.com:Tulpan12!`, `as dev@a.com with Tulpan12!`.

    Behind a slash a letter and a digit are enough; in a table they are if the cell is in backquotes and has no dash or
    other joint; elsewhere it takes a sign that no other word has. `lower` is `text` in lower case.
    """
    for found in _PAIRED.finditer(lower):
        start, end = found.span("value")
        value = text[start:end]
        is_named = found["slash"] is not None
        if found["cells"] is not None and "`" in found["quote"]:
            is_named = is_said_password(value) and not is_scrambled(value.lower(), 16)
        is_mixed = _LETTER_AND_DIGIT.fullmatch(value) is not None and not is_technical(value) and not is_uuid(value)
        is_mixed = is_mixed and _OTHER.fullmatch(value) is None
        if is_in_use(value) or (is_mixed and (is_named or _SIGN_TOO.fullmatch(value))):
            yield start, end, "password"


_WORD: Final = later(r"password|passwort|contraseña|passcode")
_SAID_FIRST: Final = later(
    r"(?<![\w.,:/-])(?P<quote>[\"'`]?)(?P<value>[^\s\"'`|<>()\\]{4,32})(?P=quote)[ \t](?:is|ist|es)"
    r"[ \t](?:the|my|your|our|his|her|their|das|dein|mein|unser|la|mi|tu|su)[ \t]"
    r"(?:(?!(?:wrong|invalid|incorrect|expired|one|user)\b)\w{1,12}[ \t]){0,2}\Z"
)
_MOST_SAID: Final = 90
_END_OF_SENTENCE: Final = later(r"[\"'`]?[ \t]{0,24}(?:\Z|[\n,;!?]|\.(?:\s|\Z))")


def ends_sentence(text: str, at: int) -> bool:
    """Whether a sentence or a part of one ends at this place."""
    return _END_OF_SENTENCE.match(text, at) is not None


def passwords_said_first(text: str, lower: str) -> Iterator[Span]:
    """Yields what a sentence calls a password at its end: `645866 is the computer password`."""
    for word in _WORD.finditer(lower):
        said = _SAID_FIRST.search(text, max(0, word.start() - _MOST_SAID), word.start())
        if said is not None and ends_sentence(text, word.end()) and _is_password(said["value"]):
            yield *said.span("value"), "password"


def _is_password(value: str) -> bool:
    return value.isdigit() or is_said_password(value)


_KEY: Final = later(r"api(?P<between>[^\na-z0-9]{1,24}?)(?P<value>[a-z0-9_+/=-]{20,256}+)(?![\w./(\[])")
"""Between the two are only words of another script: of the Latin one, the word for a key is known (`named.py`)."""


def keys_in_words(text: str, lower: str) -> Iterator[Span]:
    """Yields what can only be generated right behind `API` and words of another script.

    `lower` is `text` in lower case.
    """
    for found in _KEY.finditer(lower) if not text.isascii() else ():
        says = any(sign.isalpha() for sign in found["between"])
        announced = not found["between"].rstrip(" \t")[-1:].isalpha()  # else, `API` is what a commit is about
        start, end = found.span("value")
        if says and is_opaque(text[start:end], or_hash=announced):
            yield start, end, "secret"


_QUOTED: Final = later(
    r"(?:passwor[dt]|contraseña|пароль|密码|パスワード|비밀번호)`?[^\n`]{1,64}"
    r"`(?P<value>(?=[^`\d]{1,31}\d)(?=[^`]{1,31}[!%^&*])[a-z\d][a-z\d!#$%^&*+~-]{5,31})`"
)
"""Letters, digits and a sign that no name of code has, in backquotes behind the word on its line."""


def passwords_in_backquotes(text: str, lower: str) -> Iterator[Span]:
    """Yields what a sentence about a password quotes, if it can be nothing else: ``replace `tulpan12!` by yours``."""
    for found in _QUOTED.finditer(lower) if "`" in text else ():
        yield *found.span("value"), "password"


_CLAVE: Final = later(
    r"\bclave(?:[ \t](?!p[uú]blica|primaria|for[aá]nea|[uú]nica)[^\W\d]{1,16}){0,3}(?:[ \t]?[:=])?[ \t]{1,4}"
    r"[\"'`*]{0,3}(?P<value>[^\s\"'`|<>()\\]{6,64})(?![^\s\"'`|<>()\\])",
    re.IGNORECASE,
)


def passwords_behind_clave(text: str, _lower: str) -> Iterator[Span]:
    """Yields what a Spanish sentence calls a `clave`: ``la clave nueva es `Xk82mQp1` ``. The word also means other
    keys, so the value must be a default one, or look generated."""
    for found in _CLAVE.finditer(text):
        value = found["value"].rstrip(".,;:")
        if is_in_use(value) or (is_scrambled(value, 8) and not (is_uuid(value) or is_technical(value))):
            yield found.start("value"), found.start("value") + len(value), "password"


_ALONE: Final = later(r"\n[ \t]*\d{1,2}[.)][ \t]+(?P<value>[^\s\"'`|<>(){}\[\]\\/:;,]{8,32})[ \t\r]*(?=\n|\Z)")
_TWO_DIGITS: Final = later(r"\d\D{0,32}\d")
_SIGN_OF_A_PASSWORD: Final = later(r"[!#$%^&*]")


def passwords_answered(text: str) -> Iterator[Span]:
    """Yields what stands alone behind a number, and can be nothing but a password: of `1. no\\n2. Tulpan20ab1!`, the
    reply to two questions, the first text asked for it."""
    # A line break before the first line too: a pattern that begins with it is found in a quarter of the time.
    for found in _ALONE.finditer(f"\n{text}"):
        value = found["value"]
        if _SIGN_OF_A_PASSWORD.search(value) and _TWO_DIGITS.search(value) and is_strong(value):
            yield found.start("value") - 1, found.end("value") - 1, "password"


FOR_PASSWORDS: Final = ("密码", "密碼", "パスワード", "비밀번호")
# Behind a page, a button or a route for passwords is its name: `忘记密码页面：ForgotPassword2`.
_BEHIND_MORE: Final = later(
    rf"(?:{'|'.join(FOR_PASSWORDS)})[^\n:：]{{1,24}}(?<!页面|界面|画面|按钮|组件|路由|接口|화면)[:：]"
    r"[ \t]?(?P<value>[^\s\"'`]{8,64})"
    r"(?:[ \t](?:->|=>|→)[ \t](?P<other>[^\s\"'`]{8,128}))?"
)
_RIGHT_BEHIND: Final = later(
    rf"(?:{'|'.join(FOR_PASSWORDS)})(?P<value>(?=[!-~]{{1,32}}[!@#$%^&*?])[!-~]{{8,32}})(?![!-~])"
)
"""The value has a sign that no identifier has, since a name may follow the word: `忘记密码ForgotPassword2`."""
_SAID_TO_BE: Final = later(
    r"(?:密码|密碼)(?:是|为|為)[ \t]?"
    r"(?P<value>(?!(?i:[bs]crypt|argon|hash|plain|encrypt|encoded|undefined))[A-Za-z]{6,32})"
    r"(?:\Z|[\s，。；、！）)]|[.,;!](?:\s|\Z))"
)
"""Letters alone are enough here: in a sentence without spaces, they are no word that describes the password."""


def passwords_behind_words(text: str, _lower: str) -> Iterator[Span]:
    """Yields a password behind a colon that other words precede, in scripts without spaces, and what it is turned
    into: `密码需要 URL 编码：tulpan?12 -> tulpan%3F12`; and one right behind the word: `密码Tulpan@2031`,
    `密码是tulpan`."""
    for found in _BEHIND_MORE.finditer(text):
        if is_said_password(found["value"]):
            yield from ((*found.span(group), "password") for group in ("value", "other") if found[group])
    for found in _RIGHT_BEHIND.finditer(text):
        if is_said_password(found["value"]):
            yield *found.span("value"), "password"
    for found in _SAID_TO_BE.finditer(text):
        if not is_type_or_state(found["value"]):
            yield *found.span("value"), "password"


_PASS: Final = later(
    r"pass(?<![\w$-]pass)(?P<link>[ \t](?:is|ist|es)(?=[ \t])|[ \t]?[:=])?[ \t]{1,4}[\"'`]?"
    r"(?P<value>[a-z\d][^\s\"'`|]{5,31})(?![^\s\"'`|])"
)
_OF_A_LOGIN: Final = later(
    r"\b(?:login|log-?in|root|sudo|admin|ssh|s?ftp|vpn|wi-?fi|smtp|mail|email|database|db|server|account|my)[ \t]\Z"
)
_NAMED_LOGIN: Final = later(r"(?:login|user(?:name)?|e-?mail)[ \t]?[:=]|@[\w-]{1,40}\.[a-z]")
_MOST_OF_A_LOGIN: Final = 64
_SIGN: Final = later(r"[!#$%^&*?+~@](?!\Z)|[#$%^&*~@]\Z")


def passwords_behind_pass(_text: str, lower: str) -> Iterator[Span]:
    """Yields what a sentence calls a `pass`: `the login pass Tulpan12$`, `my pass is tulpan12`. The word has other
    meanings, so two of three must hold: a login is named before it, something links it to the value, or the value has a
    sign."""
    for found in _PASS.finditer(lower):
        said = lower[max(0, found.start() - _MOST_OF_A_LOGIN) : found.start()]
        of_login = _OF_A_LOGIN.search(said) is not None or _NAMED_LOGIN.search(said) is not None
        value = found["value"].rstrip(".,;:")
        has_sign = _SIGN.search(value) is not None
        if of_login + has_sign + (found["link"] is not None) >= 2 and is_said_password(value):
            yield found.start("value"), found.start("value") + len(value), "password"
