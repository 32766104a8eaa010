"""Finds the password of a login that is written as a pair: `credentials: admin / Sommer2024`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.redact.values import Span, is_said_password
from carryover.text.pattern import later

_BETWEEN: Final = " / "
_WORDS: Final = (
    "creden", "login", "passw", "mot de passe", "identifiants", "zugangsdaten", "contraseña", "пароль", "логин",
    "密码", "账号", "パスワード", "ログイン", "비밀번호", "로그인",
)  # fmt: skip
"""What the line says before the pair; `creden` begins the word of several languages."""
_MOST_BEFORE: Final = 160
"""Characters in front of a pair in which such a word is looked for."""
_SECOND: Final = later(r"[ \t]/[ \t][\"'`*]{0,3}(?P<value>[^\s\"'`|<>()\\]{6,32}?)[.,;:]?(?![^\s\"'`|<>()\\])")


def passwords_of_logins(text: str, lower: str) -> Iterator[Span]:
    """Yields what follows a slash between blanks, if it looks like a password and the line has spoken of a login.

    `lower` is `text` in lower case.
    """
    words = [word for word in _WORDS if word in lower] if _BETWEEN in text else []
    for second in _SECOND.finditer(text) if words else ():
        said = lower[max(0, second.start() - _MOST_BEFORE) : second.start()].rpartition("\n")[2]
        if any(word in said for word in words) and is_said_password(second["value"]):
            yield *second.span("value"), "password"
