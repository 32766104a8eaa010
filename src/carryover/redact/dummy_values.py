"""Values in place of a secret: placeholders, references to one, and words of a language."""

from __future__ import annotations

import re

from carryover.redact.redaction_marks import MARK

_PLACEHOLDER = re.compile(
    r"""(?ix)
      <[^<>]*> | \[[^\[\]]*\] | [x*.•…_\-#?0]+              # <token>  [token]  xxxx  ****  ...
    | (?:your|replace|insert|enter|paste|example|placeholder|dummy|fake|sample)(?:[\s_\-.].*|me|)
    | .*[\s_\-](?:here|goes[\s_\-]here|placeholder)
    | redacted | hidden | secret\(\w*\) | tbd | todo
    | none | null | nil | undefined | true | false | yes | no | on | off | void | self | this | empty | unset | n/a
    """,
)
_FILLER = re.compile(r"(?i)x{6,}|\*{4,}|\.{3}|…|[-_]your[-_]|<[a-z _-]+>")
_REFERENCE = re.compile(
    r"""(?x)
      \$\w+$ | \$[({] | \#\{ | \#[0-9a-fA-F]{3,8}$ | \{\{ | \{[A-Za-z_] | % | ! | & [a-z] | @[\w.-]+$ | :[a-z_]+$
    | (?:process\.env | import\.meta | os\.(?:environ|getenv) | env\. | ENV\[ | std::env | System\. | settings\. )
    | (?:config|secrets?|self|this|args|opts|options|params|ctx|vault|keyring)[.\[] | (?:op|vault|env|file|ssm|arn):
    | [a-z+]{2,12}:// | getenv
    """,
)
_INTERPOLATED = re.compile(r"\$\{[^{}]*\}|(?<!\$)\{[A-Za-z_][\w.\[\]()'\"]*\}|#\{[^{}]*\}|\{\{")
_PATH = re.compile(
    r"(?:~|\.{1,2})?(?:/[\w.@~-]{0,24}){1,20}|[\w.@-]{1,40}(?:/[\w.@-]{1,40}){1,20}\.[a-z]{1,5}"
    r"|[a-z_.-]{1,40}(?:/[a-z_.-]{1,40}){1,20}|[A-Za-z]:\\.*|[\w-]{1,60}\.(?:txt|json|ya?ml|pem|key|env|toml|py|[jt]sx?|md)"
)
_TYPE = re.compile(
    r"(?i)(?:str(?:ing)?|bytes?|int(?:eger)?|bool(?:ean)?|number|float|double|char|object|any|unknown|never|dict|list"
    r"|varchar|text|uuid|optional|required|missing|invalid|incorrect|expired|wrong|valid|ok)\b.{0,12}"
)


def is_dummy(value: str) -> bool:
    """Whether `value` says nothing itself: `<token>`, `xxxx`, `${TOKEN}`, `process.env.TOKEN`, `None`, a redaction."""
    return (
        not value
        or value.startswith(MARK)
        or _PLACEHOLDER.fullmatch(value) is not None
        or _REFERENCE.match(value) is not None
        or (len(value) < 4096 and _INTERPOLATED.search(value) is not None)
    )


def is_filler(token: str) -> bool:
    """Whether a token with a known prefix is only an example of its form, such as `ghp_xxxxxxxxxxxx`."""
    return _FILLER.search(token, 0, 512) is not None


def is_path(value: str) -> bool:
    """Whether `value` looks like a path of files: `/run/secrets/db`, `./token.txt`, `certs/server.pem`."""
    return len(value) < 1024 and _PATH.fullmatch(value) is not None


def is_type_or_state(value: str) -> bool:
    """Whether `value` is what declarations and messages put after a name: `str`, `required`."""
    return len(value) < 32 and _TYPE.fullmatch(value) is not None


def is_random(value: str, at_least: int) -> bool:
    """Whether `value` is long enough and mixes letters with digits or symbols, as words and names do not."""
    if len(value) < at_least:
        return False
    head = value[:256]
    letter = any(c.isalpha() for c in head)
    return letter and any(c.isdigit() or c in "!@#$%^&*+=/~?" for c in head)
