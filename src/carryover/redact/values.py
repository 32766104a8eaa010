"""Recognises values that are not secrets (placeholders, references to a secret, words of a language), and inserts
marks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from itertools import islice
from typing import Final

from carryover.text.pattern import later

MARK = "[redacted:"
"""The beginning of every mark; a value that begins this way is already redacted."""

_HEAD_CHARS: Final = 256
"""The beginning of a value by which it is judged: long values are no harder to recognise, only slower."""

Span = tuple[int, int, str]
"""Start, end and kind of a secret."""


PASSWORDS = (
    *("pw", "psw", "psk", "pasword", "contraseña", "contrasena"),
    *("senha", "wachtwoord", "kennwort", "lösenord", "hasło", "şifre", "jelszó", "mật khẩu"),
    *("пароль", "סיסמה", "كلمة المرور", "كلمة السر", "पासवर्ड", "密码", "密碼", "パスワード", "비밀번호"),
)
"""Names of a password in many languages, beside the English one."""


LINE_NUMBER = r"(?:L?\d{1,6}(?:→|:|\t| ?[|│]|\.(?=[ \t])))"
"""What read and search tools of agents print before a line: `L12: ` Cursor, `00012| ` opencode, `12 | ` Roo Code."""


NEXT_LINE = rf"\r?\n(?:\+|[ \t]{{0,8}}{LINE_NUMBER})?"
"""The end of a line, with what a diff or such a tool puts before the next one."""


_MOST_REPEATED: Final = 8
"""So many passwords of a text are looked for again in it, so that the time stays proportional to its length."""
_TELLING: Final = later(r"(?=\D{0,63}\d)(?=[^A-Za-z]{0,63}[A-Za-z])(?=[^!@#$%^&*+?~]{0,63}[!@#$%^&*+?~])\S{8,64}")
"""Letters, digits and a sign: no other word of a text is the same by chance."""


def insert_marks(text: str, spans: Iterable[Span], counts: dict[str, int]) -> str:
    """Returns `text` with a mark in place of each span, counted by kind. The first of overlapping spans wins. What is
    certainly a password is hidden wherever else it stands, even if nothing there tells of it: `-pTulpan12!` worked."""
    parts = []
    done = 0
    spans = sorted(spans)
    for start, end, kind in spans:
        if done <= start < end:
            parts += [text[done:start], f"{MARK}{kind}]"]
            counts[kind] = counts.get(kind, 0) + 1
            done = end
    if not parts:
        return text
    parts.append(text[done:])
    said = dict.fromkeys(text[start:end] for start, end, kind in spans if kind == "password")
    repeatable = sorted(islice(filter(_TELLING.fullmatch, said), _MOST_REPEATED), key=len, reverse=True)
    if repeatable:
        repeated = re.compile("|".join(map(re.escape, repeatable)))
        for at in range(0, len(parts), 2):  # between the marks, so that a password in which another begins stays hidden
            parts[at], times = repeated.subn(f"{MARK}password]", parts[at])
            counts["password"] = counts.get("password", 0) + times
    return "".join(parts)


def end_of(shape: re.Pattern[str], text: str, start: int, limit: int = sys.maxsize) -> int:
    """Returns the end of the match of `shape` at `start` and before `limit`; `start` if it does not match there."""
    match = shape.match(text, start, limit)
    return match.end() if match else start


_UPPER = later("[A-Z]+")


_PLACEHOLDER = later(
    r"""(?ix)
      <[^<>]*> | \[[^\[\]]*\] | [x*.•…_\-#?0]+              # <token>  [token]  xxxx  ****  ...
    | (?:your|replace|insert|enter|paste|example|placeholder|dummy|fake|sample)(?:[\s_\-.].*|me|)
    | .*[\s_\-](?:here|goes[\s_\-]here|placeholder)
    | redacted | hidden | secret\(\w*\) | tbd | todo
    | none | null | nil | undefined | true | false | yes | no | on | off | void | self | this | empty | unset | n/a
    | name | value | set | not | present | configured | exists | found | loaded | provided  # what a check prints of it
    """,
)
_NAME_OF_A_SECRET = later(r"[a-z0-9]+(?:[-_/.][a-z0-9]+)*[-_/.](?:password|secret|token|key|credential)s?")
_VERSION_OF_LIBRARY = later(r"[a-z][\w.-]*:\d+\.\w[\w.-]*")
_UUID_OF_LOWER = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = later(f"(?i){_UUID_OF_LOWER}")
_IN_USE = later(
    r"""(?ix)
      change[_-]?(?:me|it|this)(?:[_-]?(?:now|please))?[!\d]* | (?:let|log)me[_-]?in[!\d]* | hunter2 | trustno1
    | (?:my|super|top|very)[_-]?s[e3]cr[e3]t[!\d]* | s3cr[e3]t[!\d]* | secr3t[!\d]* | (?:my)?p[a@]ss[_-]?w[o0]rd[!\d]+
    | p@ss(?:w[o0]rd)?[!\d]* | qwerty[!\d]* | welcome[!\d]+ | admin[!\d]+ | root[!\d]+ | minioadmin | abc123 | iloveyou
    """
)
_HEX = later(r"(?=.{0,255}[0-9])(?=.{0,255}[a-fA-F])[0-9a-fA-F-]+")
_SORTS = {
    code: sort
    for sort, codes in {"a": range(97, 123), "A": range(65, 91), "0": range(48, 58)}.items()
    for code in codes
}
_OTHER_SIGNS = later(r"[^aA0]+")
_SIGN_OF_CODE = later(r"[\s(){}<>\[\]]")
_RUN = later(r"a+|A+|0+")
_FILLER = later(r"(?i)x{6,}|\*{4,}|\.{3}|…|[-_]your[-_]|<[a-z _-]+>")
_REFERENCE = later(
    r"""(?x)
      \$\w+$ | <[^\W\d][\w:.-]{0,40}$ | \$\$?[({] | \#\{ | \#[0-9a-fA-F]{3,8}$ | \{\{ | \{[A-Za-z_] | & [a-z]
    | %(?!2[27][^%\s]{4})(?:[({%]|[+\-.\d]*[A-Za-z]\b|\w+%) | ![A-Za-z_.:]*$
    | @[A-Za-z_.-]+(?:/[\w.-]+)?$ | :[a-z_]+$
    | (?:process\.env | import\.meta | os\.(?:environ|getenv) | env\. | ENV\[ | std::env | System\. | settings\. )
    | (?:config|secrets?|self|this|args|opts|options|params|ctx|vault|keyring)[.\[] | (?:op|vault|env|file|ssm|arn):
    | [a-z+]{2,12}:// | getenv | \(Get-[A-Z][A-Za-z]{2,24}(?:\s|$) | \[(?:System\.)?Environment\]::
    """,
)
_INTERPOLATED = later(r"\$\{[^{}]*\}|(?<!\$)\{[A-Za-z_][\w.\[\]()'\"]*\}|#\{[^{}]*\}|\{\{(?:[^{}]*\}\}|[\s.$#/]|\Z)")
_PATH = later(
    r"(?:~|\.{1,2}|\$[A-Z_]{1,40})?(?:/[\w.@~-]{0,24}){1,20}(?::r[ow])?"
    r"|[\w.-]{1,40}@[\w.-]{1,60}:~?(?:/[\w.@~-]{0,24}){1,20}[#$]?"  # also a shell's prompt
    r"|(?:[\w.@-]{1,40}(?:/[\w.@-]{1,40}){1,20}\.[a-z]{1,5}|"
    r"[\w-]{1,60}\.(?:txt|json|ya?ml|pem|key|env|toml|py|[jt]sx?|md))(?::\d{1,6}(?:-\d{1,6})?)?"
    r"|[a-z_.-]{1,40}(?:/[a-z_.-]{1,40}){1,20}|[A-Za-z]:[\\/].*|[\w.-]{1,40}(?:\\{1,2}[\w.-]{1,40}){2,20}\.[a-z]{1,5}"
)
_TYPE = later(
    r"(?i)(?:str(?:ing)?|bytes?|int(?:eger)?|bool(?:ean)?|number|float|double|char|object|any|unknown|never|dict|list"
    r"|varchar|text|uuid|token-2022|optional|required|missing|invalid|incorrect|expired|wrong"
    r"|valid|ok)\b.{0,12}|(?:aes|rsa|sha)-?\d{3,4}(?:[-_/][a-z]{2,10}\d{0,4}){0,2}"
    r"|(?:required|nullable|string)(?:\|[a-z_]{2,24}(?::[^|]{0,100})?){1,12}"  # Laravel: `required|string|min:8`
)


def is_dummy(value: str) -> bool:
    """Whether `value` reveals nothing: `<token>`, `xxxx`, `${TOKEN}`, `process.env.TOKEN`, `None`, a redaction."""
    return (
        not value
        or value.startswith(MARK)
        or _PLACEHOLDER.fullmatch(value) is not None
        or _REFERENCE.match(value) is not None
        or (len(value) < 4096 and _INTERPOLATED.search(value) is not None)
    )


def is_filler(token: str) -> bool:
    """Whether a token with a known prefix is only an example, such as `ghp_xxxxxxxxxxxx`."""
    return _FILLER.search(token, 0, 512) is not None


def is_path(value: str) -> bool:
    """Whether `value` looks like a file path: `/run/secrets/db`, `./token.txt`, `certs/server.pem`."""
    return len(value) < 1024 and _PATH.fullmatch(value) is not None


_MAIL: Final = later(r"([\w.+-]{1,64})@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_NAMED_IN_WORDS: Final = later(rf"(?:[a-z]{{2,16}}:){{2,6}}(?:[a-z]{{1,16}}|-?\d{{1,20}}|{_UUID_OF_LOWER})")


def is_address(value: str) -> bool:
    """Whether `value` is an e-mail address whose name is not random, or names a thing in words:
    `agent:main:cron:a1b2c3d4-3333-4000-a000-aabbccddeeff`."""
    mail = _MAIL.fullmatch(value)
    return (mail is not None and not is_scrambled(mail[1], 10)) or _NAMED_IN_WORDS.fullmatch(value) is not None


_FOREIGN: Final = later(r"[^\W\d_\x00-\x7f]")
_RUN_WITH_DIGIT: Final = later(r"(?=[A-Za-z]{0,200}\d)[A-Za-z\d]{8}")


def is_foreign_word(value: str) -> bool:
    """Whether `value` has letters that no key and no token has, and no part that could be one: a sentence in a language
    without blanks may follow it directly, as in `Xk82mQp1zTa0を設定`."""
    head = value[:_HEAD_CHARS]
    is_foreign = not head.isascii() and " " not in head and _FOREIGN.search(head) is not None
    return is_foreign and _RUN_WITH_DIGIT.search(value) is None


def is_type_or_state(value: str) -> bool:
    """Whether `value` is a word that declarations and messages put after a name, such as `str`, `required` or
    Solana's `Token-2022`."""
    return _TYPE.fullmatch(value) is not None


_SAID_STATE: Final = later(r"\((?:not|none|null|nil|empty|unset|set|missing|hidden|redacted)\b.*")


def is_said_state(value: str) -> bool:
    """Whether a message puts `value` where it does not show one: `(not set)`, also its beginning `(not`."""
    return len(value) < 32 and _SAID_STATE.fullmatch(value) is not None


_DIGIT: Final = later(r"\d")
_DIGIT_OR_SYMBOL: Final = later(r"[\d!@#$%^&*+=/~?]")


def is_mixed(value: str, at_least: int) -> bool:
    """Whether `value` is long enough, and mixes letters with digits or symbols as words and names do not."""
    if len(value) < at_least:
        return False
    head = value[:_HEAD_CHARS]
    return _DIGIT_OR_SYMBOL.search(head) is not None and any(sign.isalpha() for sign in head)


def is_name_of_a_secret(value: str) -> bool:
    """Whether `value` looks like the name under which a secret is stored: `db-password`, `shop/api-key`."""
    return len(value) < 128 and _NAME_OF_A_SECRET.fullmatch(value) is not None


def is_name_of_a_variable(value: str) -> bool:
    """Whether `value` looks like the variable in which a secret is kept: `SHOP_DB_PASSWORD`."""
    return value.isupper() and "_" in value and is_name_of_a_secret(value.lower())


def is_uuid(value: str) -> bool:
    """Whether `value` is a UUID."""
    return _UUID.fullmatch(value) is not None


def is_version_of_library(value: str) -> bool:
    """Whether `value` is what Maven and Gradle put behind a group's name: `jjwt-api:0.11.5`."""
    return len(value) < 128 and _VERSION_OF_LIBRARY.fullmatch(value) is not None


_NAME_OF_A_PASSWORD = later(
    r"(?i)(?:(?:the|your|my|raw|user|new|old|wrong|current)[ _-]?)?(?:pass|passwd|passwort|password|pwd|plain-?text)"
    r"|FUZZ|FILE\d"
)


def is_name_of_a_password(value: str) -> bool:
    """Whether `value` only says that a password belongs in its place: `pass`, `YourPassword`, `FUZZ` of ffuf."""
    return _NAME_OF_A_PASSWORD.fullmatch(value) is not None


def is_in_use(value: str) -> bool:
    """Whether `value` is a common default password, such as `changeme`: only words, but still a secret."""
    return _IN_USE.fullmatch(value) is not None


_SAID_PASSWORD: Final = later(
    r"(?=\D{1,32}\d)(?=[^A-Za-z]{0,32}[A-Za-z])[^\s/_.:,;()\[\]{}<>=-]{6,32}"
    r"|\d{6,14}[A-Za-z][A-Za-z.!]{0,8}(?<![.])"  # a date and a few signs
)
_TECHNICAL: Final = later(
    r"(?i)(?:base|sha|md|utf|aes|rsa|ascii|oauth|http|ipv|pbkdf|argon|bcrypt|scrypt|pkcs|hs|rs|es|ps|x|p|v|s|k|blake|rot"
    r"|crypt|des|tls|ssl|u?int|latin|iso|user|line|step|version|python|windows|string|n?varchar|level|phase|stage|sprint"
    r")-?\d"
)


def is_technical(value: str) -> bool:
    """Whether `value` begins with the name of a technique and its number: `base64`, `SHA-256`."""
    return _TECHNICAL.match(value) is not None


def is_said_password(value: str) -> bool:
    """Whether a sentence gives `value` away: `the password is Sommer2024`, but not `the password is base64`."""
    return is_in_use(value) or (_SAID_PASSWORD.fullmatch(value) is not None and not is_technical(value))


def is_scrambled(value: str, at_least: int) -> bool:
    """Whether `value` mixes lower case, upper case and digits as randomly generated text does. Hexadecimal text and
    UUIDs count from 16 digits on; names, versions and words joined by dashes never do."""
    if len(value) < at_least or _SIGN_OF_CODE.search(value, 0, _HEAD_CHARS):
        return False
    head = value[:_HEAD_CHARS]
    if len(head) >= 16 and _HEX.fullmatch(head):
        return True
    return _DIGIT.search(head) is not None and alternations(head) >= max(4, len(head) // 8)


_FEW_SIGNS = later(r"[^\W_]+")


def is_strong(value: str) -> bool:
    """Whether `value` mixes letters of both cases and digits with signs, as password managers do, of any kind: those of
    code too."""
    head = value[:_HEAD_CHARS]
    plain = "".join(_FEW_SIGNS.findall(head))
    return len(head) - len(plain) > 0 and " " not in head and is_scrambled(plain, 6) and _UPPER.search(head) is not None


_WORD = later(r"[A-Za-z][a-z]{4,}")
_TWO_DIGITS = later(r"\d\D*\d")


def is_opaque(value: str, *, or_hash: bool) -> bool:
    """Whether `value` can only have been generated at random. A hash or a UUID counts if `or_hash`."""
    if _HEX.fullmatch(value):
        return or_hash
    if is_path(value) or is_filler(value) or not _TWO_DIGITS.search(value):
        return False
    if value in (value.lower(), value.upper()):
        return alternations(value) >= len(value) * 0.2
    in_words = sum(map(len, _WORD.findall(value)))
    return alternations(value) >= len(value) * 0.38 and in_words < len(value) * 0.4


def alternations(value: str) -> int:
    """Returns how often `value` changes between lower case, upper case and digits."""
    return len(_RUN.findall(_OTHER_SIGNS.sub("", value.translate(_SORTS)))) - 1
