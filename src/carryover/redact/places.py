"""Hides secrets that only their position reveals: headers with logins, passwords on command lines and in login
files."""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from carryover.redact.browsers import OF_BROWSERS
from carryover.redact.databases import A_TEXT, OF_DATABASES
from carryover.redact.files import ENCODING, OF_FILES
from carryover.redact.hints import Looked
from carryover.redact.options import GLUED, OF_PROGRAMS, OPTIONS, PRINTING, USER, VALUE
from carryover.redact.values import (
    LINE_NUMBER,
    MARK,
    Span,
    end_of,
    insert_marks,
    is_dummy,
    is_filler,
    is_mixed,
    is_name_of_a_password,
    is_path,
    is_said_password,
    is_scrambled,
    is_strong,
    is_type_or_state,
)
from carryover.text.pattern import later

_SCHEMES = frozenset("bearer basic token apikey api-key negotiate ntlm key splunk geniekey bot ssws".split())
_SCHEMES_WITH_FIELDS = frozenset("digest oauth hawk signature aws4-hmac-sha256 mac".split())
_FIELD = later(r"[a-z_]{2,20}=\\{0,7}\"(?=[^\s\"\\])")
_WORDS_OF_PROSE = {"token", "auth", "authentication", "authorization", "header", "scheme", "required", "string"}

# Between a name and its value: `Name: v`, `"Name": "v"`, `["Name"] = 'v'`, `("Name", "v")`, `"Name", "value": "v"`.
_SEPARATOR = (
    r"\\{0,7}[\"'`\]]{0,2}[ \t]{0,4}(?::(?!:)|=(?![=>])|,(?:\s|\\n){0,40}\\{0,7}\"value\\{0,7}\"[ \t]?:|,|=>)[ \t]{0,4}"
)
_OPEN = r"(?:[fbr]{0,2}\\{0,7}[\"'`])?"
_QUOTED_LOGIN = r"[ \t]{1,4}(?=[\"'](?:basic|bearer)[ \t])"  # of nginx: `proxy_set_header Authorization "Basic ..."`
_AUTHORIZATION = later(
    rf"authorization(?:{_SEPARATOR}|{_QUOTED_LOGIN}){_OPEN}(?:([a-z][a-z0-9-]{{1,20}})[ \t]{{1,2}}"
    r"(?:[\"'`] ?[+.,&] ?[\"'`])?)?"
)
_BEARER = later(r"bearer[ \t]{1,2}(?:[\"'`] ?[+.,&] ?[\"'`])?(?=[a-z0-9])")
_NO_COOKIE = r"\W{0,4}samesite=(?:lax|strict|none)\b(?![ \t]*;)"  # prose on its attribute; no cookie follows it
_COOKIE = later(rf"cookie2?{_SEPARATOR}{_OPEN}(?!{_NO_COOKIE})(?=[^\s=;,\"'`\\(){{}}\[\]]{{1,128}}=)")
_ONE_WORD = later(r"[^\s\"'`\\,;<>(){}]*")
_TO_QUOTE = {quote: later(rf"(?:[^\n\r\\{quote}]|\\(?![nrt{quote}]))*") for quote in "\"'`"}
_TO_LINE_END = later(r"(?:[^\n\r\\]|\\(?![nrt]))*")
_MORE_PROSE = later(r"[ \t]+[A-Za-z]{2}")

_Value = tuple[int, int, bool]
"""Start and end of a header's value, and whether to hide it."""


def hide_headers(looked: Looked, counts: dict[str, int]) -> str:
    """Replaces the values of headers that carry logins, such as `Authorization` and `Cookie`; the scheme stays."""
    text, lower, hints = looked
    spans = [
        span
        for hint, pattern, value_of in _HEADERS
        if hint in hints
        for span in _spans(pattern.finditer(lower), text, value_of, "cookie" if hint == "cookie" else "authorization")
    ]
    return insert_marks(text, spans, counts)


def _spans(
    headers: Iterable[re.Match[str]], text: str, value_of: Callable[[str, re.Match[str]], _Value], kind: str
) -> Iterator[Span]:
    done = 0
    for header in headers:
        if header.start() >= done:  # nothing is examined twice: linear on any input
            start, end, hide = value_of(text, header)
            if hide and start < end:
                yield start, end, kind
            done = end


_LEAST_RANDOM: Final = 6
_LEAST_AFTER_SCHEME: Final = 4
"""Characters of a value that is hidden: of one that must look random, and of one that a known scheme announces."""


def _credentials(text: str, header: re.Match[str]) -> _Value:
    """Returns the value after the scheme or, without a known one, after the name; hidden if it looks like a login."""
    scheme = header[1]
    is_known = scheme in _SCHEMES
    start = header.end()
    if is_known and (field := _FIELD.match(text, start)):  # `Token token="abc"`
        start = field.end()
    if scheme in _SCHEMES_WITH_FIELDS:
        end = _end_of_line(text, header, start)
        return start, end, not _is_dummy_at(text, start, end)
    if scheme is not None and not is_known:  # `Authorization: <token>` without a scheme, or a sentence
        start = header.start(1)
    end = end_of(_ONE_WORD, text, start)
    value = text[start:end]
    is_secret = is_mixed(value, _LEAST_RANDOM)
    if is_known and len(value) >= _LEAST_AFTER_SCHEME:
        # A token is not followed by further words, as a sentence is.
        is_prose = value.lower().strip(".:") in _WORDS_OF_PROSE or _MORE_PROSE.match(text, end) is not None
        is_secret = is_secret or not is_prose
    return start, end, is_secret and not _is_dummy_at(text, start, end)


def _bearer(text: str, header: re.Match[str]) -> _Value:
    start = header.end()
    end = end_of(_ONE_WORD, text, start)
    return start, end, is_mixed(text[start:end], 16) and not _is_dummy_at(text, start, end)


def _cookies(text: str, header: re.Match[str]) -> _Value:
    """Returns the whole value of a cookie header: it holds many cookies, and any of them may be the login."""
    start = header.end()
    end = _end_of_line(text, header, start)
    return start, end, not _is_dummy_at(text, text.index("=", start) + 1, end)


_HEADERS = (
    ("authorization", _AUTHORIZATION, _credentials),
    ("bearer", _BEARER, _bearer),
    ("cookie", _COOKIE, _cookies),
)


def _end_of_line(text: str, header: re.Match[str], start: int) -> int:
    """Returns the end of the line, or of the string that began at the value or before the header's name."""
    name = header.start()
    while name > max(0, header.start() - 8) and (text[name - 1].isalpha() or text[name - 1] == "-"):
        name -= 1
    value = header.start(1) if header.re.groups and header[1] else start
    for opener in (text[value - 1 : value], text[name - 1 : name]):
        if opener and opener in _TO_QUOTE:
            return end_of(_TO_QUOTE[opener], text, start)
    return end_of(_TO_LINE_END, text, start)


def _is_dummy_at(text: str, start: int, end: int) -> bool:
    return text.startswith(("{", "<", "$", MARK), start) or is_dummy(text[start:end].strip())


_VALUE_AND_USER: Final = (
    r"(?P<quote>\\?['\"])?(?:[a-z_][\w-]{0,31}:)?"
    r"(?P<value>(?(quote)[^\s'\"`\\]|[^\s'\"`;&|<>()\\]){1,400})(?(quote)(?P=quote))"
)
_NOT_IN_URL: Final = r"(?<![\w./-]http)(?<![\w./-]https)"
_PRINTED: Final = r"[Vv]alue\\{0,7}\"?:[ \t]?\\{0,7}\"?(?P<value>[^\"\\\n]{1,4096})"
_TWO_TEXTS: Final = rf"[ \t]*\\{{0,7}}[\"'][^\"'\n]{{1,100}}[\"'],[ \t]*{A_TEXT}"
_CONNECTING: Final = ("onnect(", "PDO(", "mysqli(", "Credential(", "BasicAuth(")
"""Calls that take a user and a password, perhaps behind a host: `new PDO($dsn, "app", "...")`."""
_READING: Final = r"(?:sudo -S|\w-stdin|passwd --stdin|chpasswd|secrets?[ :]\w|env add|pass insert|--with-token)"
"""Programs that read a secret from their input."""
_ASKING: Final = r"(?<![\w.-])(?:kinit|cryptsetup)(?![\w.-])"
"""Others that do. Their names are also common in searches and as packages to install."""
_PIPED: Final = (
    rf"(?:[ \t]*su[ \t]|[^\n|]{{0,200}}{_READING}|(?![ \t]*(?:[ef]?grep|rg|tee)[ \t])"
    rf"(?:[^\n|;&]{{0,200}}|[^\n|;&(]{{0,200}}(?:\(|sh -c )[^\n|]{{0,200}}){_ASKING})"
)
"""In brackets, or in a text for a shell, all commands read what is piped there."""
_FOUR_BY_FOUR: Final = r"(?P<value>(?:[a-z]{4} ){3}[a-z]{4})(?=[\"']?\s*(?:[,;}#\n]|\Z))"
"""Google's app passwords, as its page shows them."""
_USER_OF_DOMAIN: Final = r"(?:[\w.-]{1,64}/)?[\w.$-]{1,64}:"
_UP_TO_HOST: Final = r"(?P<value>'[^'\n]{1,200}'|[^\s'\"@/]{1,200})(?=@[\w.-])"
_BREAK: Final = r"(?:\s|\\n){1,24}"
_YAML_LINE: Final = rf"\n(?:[ \t]{{0,8}}{LINE_NUMBER})?[+ \t]{{1,40}}"
_SHOWN: Final = ("assword: <", "assword:</")
_PATTERNS: Final = (
    *OF_PROGRAMS,
    *OF_DATABASES,
    *OF_BROWSERS,
    *OF_FILES,
    (  # `fly secrets set -a shop NAME=... NAME=...`, also Supabase's
        "secrets set",
        r"secrets set[ \t]+(?:-{1,2}[\w-]{1,30}[ \t=]\S{1,40}[ \t]+|[A-Z_][A-Z0-9_]{1,64}=\S{1,200}[ \t]+){0,8}?"
        rf"[A-Z_][A-Z0-9_]{{1,64}}=(?!['\"]?\[redacted:){VALUE}",
    ),
    ("from-literal", rf"from-literal[= ]['\"]?[\w.-]{{1,64}}={GLUED}"),
    ("pass:", rf"-pass(?<=[ \t]-pass)(?:in|out)?[ \t]+pass:{VALUE}"),
    ("-hashes", r"-hashes[ \t]+(?P<value>(?:[0-9a-fA-F]{32})?:[0-9a-fA-F]{32})"),  # impacket's
    (" -H", r" -H[ \t]+['\"]?(?P<value>(?:[0-9a-fA-F]{32}:)?[0-9a-fA-F]{32})(?![\w:])"),  # NetExec's
    ("put-parameter", rf"put-parameter(?=(?:(?!&&)[^;|]){{0,400}}SecureString)[^;&|]{{0,300}}?--value[ \t=]+{VALUE}"),
    ("nseal", r"(?:operator unseal|Unseal Key \d{1,2}:)[ \t]+(?P<value>[A-Za-z0-9+/]{40,}={0,2})"),
    ("rclone obscure", rf"rclone obscure[ \t]+{VALUE}"),
    (
        "rabbitmqctl",
        rf"rabbitmqctl[ \t][^\n;&|]{{0,80}}?(?:add_user|change_password)[ \t]+[^\s-]\S{{0,63}}[ \t]+{VALUE}",
    ),
    (  # kaggle.json
        "username",
        r"\"username\\{0,3}\"[ \t]?:[ \t]?\\{0,3}\"[\w.@-]{1,64}\\{0,3}\",\s{0,8}\\{0,3}\"key\\{0,3}\"[ \t]?:[ \t]?"
        r"\\{0,3}\"(?P<value>[0-9a-f]{32})(?!\w)",
    ),
    (  # of any program: mongosh, cqlsh, twine, unzip, 7z, ssh-keygen, ldapsearch, ...
        "-",
        r"-(?<=[ \t`]-)[pPwN](?![A-Za-z]{2,40}=)[ \t]*"
        r"(?P<value>'[^'\n]{8,200}'|\"[^\"\n]{8,200}\"|[\w!@#$%^&*+=~][\w!@#$%^&*+=~.-]{7,199}+)(?![\w/:])",
    ),
    (  # right behind a user's name: `mongosh -u admin -p …`, but no port of `docker run -u node -p 8080:80`, and no
        # database of `mysqldump -u root -p shop`, which asks for the password
        " -p ",
        r"(?P<asks>(?:mysql|mariadb)(?:-?[a-z]{2,8})?[ \t]{1,8}"
        r"(?:-\S{1,80}[ \t]{1,8}(?:[^\s-]\S{0,80}[ \t]{1,8})?){0,4})?"
        r"-u[ \t]{1,8}['\"]?[A-Za-z][\w@-]{0,63}['\"]?[ \t]{1,8}-p[ \t]{1,8}(?P<value>(?(asks)\S|"
        r"(?=\D{1,32}\d)(?=[^A-Za-z\s]{0,32}[A-Za-z])[\w!@#$%^&*+=~-]{6,64}))(?(asks)|(?![\w./:]))",
    ),
    ("http", rf"https?{_NOT_IN_URL}{OPTIONS}(?:-a[ \t]*|--auth[ \t=]){USER}{GLUED}"),
    ("login ", rf"login[ \t]+{VALUE}"),
    ("SecureString", rf"SecureString\\{{0,7}}\"?,?(?:\s|\\n){{1,80}}\\{{0,7}}\"?{_PRINTED}"),  # `aws ssm get-parameter`
    ("vault.azure.net/secrets/", rf"vault\.azure\.net/secrets/[\s\S]{{1,600}}?\"{_PRINTED}"),  # `az keyvault`
    ("New value: ", r"successfully reset\.\s{1,4}New value: (?P<value>\S{4,64})"),  # Elasticsearch's
    (  # .NET's appsettings.json
        '"Jwt',
        r"\"Jwt\w{0,16}\\{0,7}\"[ \t]?:\s{0,8}\{[^{}]{0,400}?\"(?:Signing|Security)?Key\\{0,7}\"[ \t]?:[ \t]?"
        r"\\{0,7}\"(?P<value>[^\s\"\\]{8,200})",
    ),
    *(
        (f"jwt.{does}(", rf"jwt\.{does}\([^()\n]{{1,120}},[ \t]?{A_TEXT}")
        for does in ("sign", "verify", "encode", "decode")
    ),
    # Of SMTP and IMAP; a NUL begins it, and it is no name of another way.
    ("AUTH PLAIN", r"AUTH PLAIN[ \t]+(?P<value>A[A-P](?=[A-Z+/]{0,64}[a-z\d])[A-Za-z0-9+/]{6,}={0,2})"),
    # `pass` alone has many meanings, and so has a call of two texts: what they name is a password if it looks random.
    (
        "ass",
        r"ass(?<=[Pp]ass)(?<![\w.-][Pp]ass)[\"']?[ \t]{0,4}[:=][ \t]{0,4}"
        r"[\"']?(?P<value>[^\s\"'`&;,<>(){}\[\]]{8,200})",
    ),
    *((call, rf"{re.escape(call)}{_TWO_TEXTS}") for call in ("login(", "auth=(", "auth = (")),
    *(  # in JSON, also in JSON inside JSON
        (
            f'"pass{end}',
            r"(?:user(?:name)?|e-?mail|login)\\{0,7}\" ?: ?\\{0,7}\"[^\"\\\n]{1,80}\\{0,7}\",(?:\s|\\n){0,40}"
            r"\\{0,7}\"pass\\{0,7}\" ?: ?\\{0,7}\"(?P<value>[^\"\\\n]{4,200})",
        )
        for end in ('"', "\\")
    ),
    *((call, rf"{re.escape(call)}(?:[^()\n]{{0,80}},)?{_TWO_TEXTS}") for call in _CONNECTING),
    *((call, rf"{re.escape(call)}[ \t]*{A_TEXT}") for call in ("SecretStr(", "Hash::make(", "make_password(")),
    # ASP.NET's, whose first argument is the user.
    *(
        (call, rf"{before}{re.escape(call)}[^()\n\"']{{1,80}},[ \t]?{A_TEXT}")
        for call, before in (("HashPassword(", ""), (".CreateAsync(", "[uU]ser(?:s|[mM]anager)?"))
    ),
    *(  # of a page that says how to log in
        (shown, r"assword:(?:</\w{1,10}>)?\s{0,8}<(\w{1,10})(?:\s[^<>\n]{0,200})?>(?P<value>[^\s<>]{4,64})</\1>")
        for shown in _SHOWN
    ),
    # What tests and browsers' drivers type: `getByLabel('Password').fill('...')`.
    ("assword", rf"assword[\w -]{{0,24}}[\"'`]?[\])}}\"' ]{{0,8}}\.[A-Za-z_]{{2,20}}\([ \t]?{A_TEXT}"),
    *(
        (
            printer,
            rf"{printer}(?:[ \t]+(?:-n|['\"]?%s(?:\\{{1,2}}n)?['\"]?))?[ \t]+(?:{_VALUE_AND_USER})[ \t]*\|{_PIPED}",
        )
        for printer in ("echo", "printf")
    ),
    ("<<<", rf"(?:{_READING}|{_ASKING})[^\n|;&<]{{0,100}}<<<[ \t]*{VALUE}"),
    ("SSHPASS=", rf"SSHPASS={VALUE}"),
    ("::server:", r"::server:(?P<value>[0-9a-f]{16,})"),  # the token of a K3s cluster
    ("http-basic.", rf"http-basic\.\S{{1,64}}[ \t]+\S{{1,80}}[ \t]+{VALUE}"),  # `poetry config`
    ("wpa_passphrase", rf"wpa_passphrase[ \t]+(?:'[^'\n]{{1,64}}'|\"[^\"\n]{{1,64}}\"|\S{{1,64}})[ \t]+{VALUE}"),
    (
        "alias set",
        rf"alias set[ \t]+\S{{1,64}}[ \t]+https?://\S{{1,200}}[ \t]+\S{{1,64}}[ \t]+{VALUE}",
    ),  # MinIO's `mc`
    (  # in a plan, a state and what `terraform state show` prints
        "random_password",
        r"random_password\\{0,7}\"[^{}]{0,400}\{[^{}]{0,900}(?:\{[^{}]{0,900})?\bresult\\{0,7}\"?\s{0,12}[:=]\s{0,4}"
        r"\\{0,7}\"(?P<value>[^\s\"\\]{4,200})",
    ),
    *(  # seeds of one-time passwords
        (hint, rf"{pattern}(?P<value>(?=[A-Za-z]{{0,127}}[2-7])[A-Za-z2-7]{{16,128}})(?![A-Za-z0-9])")
        for hint, pattern in (
            ("OTP(", r"OTP\([ \t]*(?:s=)?[\"']"),
            ("otpauth%3A", r"otpauth%3A[^\s&]{1,300}?secret%3D"),
            ("seed", r"seed(?<=(?i:otp|2fa|mfa)[ _-]seed)[\"']?[ \t]?[:=][ \t]?[\"']?"),
        )
    ),
    ("rootpw", rf"rootpw[ \t]+(?:--plaintext[ \t]+)?{VALUE}"),
    ("password to proceed", r"password to proceed to installation:\s{1,8}(?P<value>[0-9a-f]{32})"),  # Jenkins'
    ("_SALT", rf"(?:AUTH|LOGGED_IN|NONCE)_SALT[\"'][ \t]{{0,8}},[ \t]{{0,8}}{A_TEXT}"),  # WordPress'
    (
        "net use",
        r"net use[ \t]+(?:\S{1,3}[ \t]+)?['\"]?\\\\[^\s'\"]{3,120}['\"]?[ \t]+(?:/\S{1,80}[ \t]+){0,3}"
        r"(?P<value>[^\s/'\"*|&<>;-][^\s'\"|&<>;]{1,200})",
    ),
    (
        "net use",
        r"net user(?<![\w.-]net user)[ \t]+[\w.-]{1,40}[ \t]+['\"]?"
        r"(?P<value>(?=\S{0,64}\d)(?=\S{0,64}[A-Za-z])[^\s/'\"*|&<>;]{6,64})"
        r"(?=[ \t]*(?:/|\n|[\"'&|;]|\Z))",
    ),
    *((tool, rf"{tool}[\w.]{{0,20}}{OPTIONS}{_USER_OF_DOMAIN}{_UP_TO_HOST}") for tool in ("impacket-", "secretsdump")),
    ("exec.py", rf"exec\.py{OPTIONS}{_USER_OF_DOMAIN}{_UP_TO_HOST}"),
    (
        "vault kv p",
        r"vault kv p(?:ut|atch)[ \t]+(?:-[^\s=]{1,20}[= ]\S{1,80}[ \t]+){0,3}(?:[^\s=]{1,200}[ \t]+)?"
        r"(?:[\w.-]{1,64}=\S{1,200}[ \t]+){0,8}?"
        rf"(?!\w{{0,40}}(?:user|name|host|port|url|id|email)=)\w[\w.-]{{0,63}}=(?!['\"]?\[redacted:){VALUE}",
    ),
    ("/t/", r"conda\.(?:org|com|cloud)(?:/[a-z]{1,16})?/t/(?P<value>[\w-]{8,200})/"),
    (  # Expect's and pexpect's answer to a prompt
        "send",
        r"assword[^\"'\n\\]{0,24}[:?*] ?\\{0,7}[\"'](?:[\s(){};]|\\{1,7}[nrt]){0,24}"
        r"(?:\w{1,20}\.)?(?:exp_)?send(?:line)?[ \t(]{1,4}(?:--?[ \t]+)?"
        r"\\{0,7}[\"'](?P<value>(?:[^\s\"'\\$]|\\{1,7}\$){4,200})",
    ),
    (  # cloud-init's users
        "chpasswd:",
        rf"chpasswd:{_BREAK}(?:expire:[ \t]*\w{{1,8}}{_BREAK})?list:[ \t]*\|?{_BREAK}"
        rf"(?:(?:-[ \t]+)?[\w.-]{{1,32}}:[^\s\\]{{1,200}}{_BREAK}){{0,8}}?"
        r"(?:-[ \t]+)?[\w.-]{1,32}:(?!\[redacted:|R(?:ANDOM)?\b)(?P<value>[^\s\\'\"]{1,200})",
    ),
    *(  # in what is pasted from a terminal
        (hint, rf"{command}[^\n]{{1,200}}\n\s{{0,8}}(?P<value>\S{{8,200}})[ \t]*(?=\r?\n|\Z)")
        for hint, command in PRINTING
    ),
    ("reset", r"reset[\w-]{0,20}/(?:[\w-]{1,16}/)?(?P<value>(?=[\w-]{0,200}\d)[\w-]{20,200})(?![\w.-])"),
    ("login/", r"login/(?:[\w-]{1,16}/)?(?P<value>(?=[\w-]{0,200}\d)[\w-]{20,200})(?![\w.-])"),  # a link that logs in
    ("login?t=", r"login\?t=(?P<value>[\w-]{16,200})"),  # that of .NET Aspire
    *(
        (f"{name}=", rf"{name}=(?<=[?&]{name}=)(?P<value>[^\s&\"'`<>\\)]{{16,200}})")
        for name in ("code", "auth", "ticket")
    ),
    (  # of a service that Homepage shows
        "widget:",
        r"widget:[ \t\r]*"
        rf"(?:{_YAML_LINE}[\w-]{{1,30}}:[^\n]{{0,200}}){{0,6}}?{_YAML_LINE}key:[ \t]{{1,4}}[\"']?"
        r"(?P<value>[0-9a-zA-Z]{20,64})(?![\w./-])",
    ),
    ("appid=", r"appid=(?<=[?&]appid=)(?P<value>[0-9a-f]{32})(?![\w-])"),  # OpenWeather's key; WeChat's is public
    *((word, rf"{word}(?:word|WORD)?[\"']?[ \t]*[:=][ \t]*[\"']?{_FOUR_BY_FOUR}") for word in ("pass", "Pass", "PASS")),
    *(
        (library, rf"{library}\.\w{{4,20}}\([ \t]*b?(?P<open>\\{{0,7}}[\"'])(?P<value>[^\"'\\\n]{{4,200}})(?P=open)")
        for library in ("bcrypt", "argon2")
    ),
    ("Fernet(", r"Fernet\([ \t]*b?\\{0,7}[\"'](?P<value>[\w-]{43}=)"),
    (  # an attribute of HTML
        "&quot;",
        r"(?:[Pp]assw(?:or)?d|[Ss]ecret|[Tt]oken|(?:[Aa][Pp][Ii]|[Aa]ccess)[_-]?[Kk]ey)(?:&quot;)?[ \t]?[:=][ \t]?"
        r"&quot;(?P<value>(?=[^\s&]{0,200}\d)(?=[^\s&]{0,200}[A-Za-z])[^\s&<>]{6,200})&quot;",
    ),
    (
        "SecureString",
        r"ConvertTo-SecureString[ \t]+(?:-(?:String|AsPlainText|Force)[ \t]+){0,3}"
        r"(?P<value>'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|[^\s'\"$(-]\S{3,200}(?=[ \t]+-As))",
    ),
    ("SecureString", r"(?P<value>'[^'\n]{1,200}'|\"[^\"\n]{1,200}\")[ \t]*\|[ \t]*ConvertTo-SecureString"),
    *(  # Vault's
        (
            name,
            rf"{name}\\{{0,7}}[\"']?(?:[ \t]{{0,24}}[=:]|[ \t|]{{2,24}})[ \t]{{0,24}}\\{{0,7}}[\"']?"
            r"(?P<value>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
        )
        for name in ("secret_id", "SECRET_ID")
    ),
    ("password", r"password 7 (?P<value>[0-9A-F]{8,})"),
    ("SHA", r"\{S?SHA(?:\d{3})?\}(?P<value>[A-Za-z0-9+/]{27,}={0,2})"),  # LDAP's and Apache's password hashes
    *(  # Werkzeug's
        (name, rf"{name}:{more}[\d:]{{1,20}}\$\w{{8,32}}\$(?P<value>[0-9a-f]{{64,}})")
        for name, more in (("scrypt", ""), ("pbkdf2", r"\w{3,8}:"))
    ),
    (":::", r":\d{1,8}:(?P<value>[0-9a-fA-F]{32}:[0-9a-fA-F]{32}):::"),  # a dump of Windows accounts
    ('"kty', r"\"(?:d|k|p|q|dp|dq|qi)\\{0,3}\"[ \t]?:\s{0,4}\\{0,3}\"(?P<value>[\w-]{20,})"),  # a JSON web key
)
"""Hints and patterns. A text without the hint can't match the pattern, whose group `value` is the password, with or
without quotes."""
_PLACES: Final[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}
"""The same, by the hint in small letters."""
for _hint, _pattern in _PATTERNS:
    _PLACES.setdefault(_hint.lower(), []).append((_hint, later(_pattern)))
HINTS: Final = frozenset((*_PLACES, *(hint for hint, _, _ in _HEADERS)))
_NO_LOGIN: Final = later(
    r"(?<![\w.-])(?:[ef]?grep|rg|node|perl|mkdir|cp"
    r"|(?:docker-)?compose(?![^;&|`\n]{0,100}[ \t](?:exec|run)[ \t]))[ \t][^;&|`\n]{0,100}\Z"
)
"""The beginning of a command whose `-p`, `-P` and `-w` are no passwords: a pattern, a word, code, or a folder."""
_LEAST: Final = {"mysql": 5, "mariadb": 5, "-": 8, "login ": 16}
"""Length of the shortest value that counts as a password, by hint, if it is not 4."""
_VAGUE: Final = (
    *("-", "login ", "ass", "login(", "assword", "from-literal", *_CONNECTING),
    *("jwt.sign(", "jwt.verify(", "jwt.encode(", "jwt.decode("),
    *("influx", "pass show ", "op://", "output -raw ", "jsonpath", "reset", "login/", *ENCODING),
    *("bw unlock ", "bw login ", "login?t=", "code=", "auth=", "ticket=", "widget:", ".CreateAsync(", *_SHOWN),
)
"""Hints of places that prove little, where the value must also look random."""
_OF_CALLS: Final = ("login(", "BasicAuth(", "Credential(", ".CreateAsync(", *_SHOWN, *ENCODING)
"""Hints of calls, and of other places, where a word with digits is enough."""
_OF_PLAIN_WORDS: Final = frozenset(
    (
        *('"pass"', '"pass\\', "auth=(", "auth = (", "SecretStr(", "Hash::make(", "make_password(", "crypt(", "pass"),
        *("assword=", "wd=", "PWD=", "ssword", "SSWORD", '"value', '"Value'),
        *(hint for hint, _ in OF_BROWSERS),
    )
)
"""Hints of places where documents and tests put a word that says what belongs there: `auth=("user", "pass")`."""
_OF_LOGINS: Final = ("auth", "__AUTH", "AuthIdent")
"""Hints of places for a login in base64, where something else can stand too."""


def hide_on_command_lines(looked: Looked, counts: dict[str, int]) -> str:
    """Replaces passwords that are passed to programs or stored in their login files."""
    text = looked.text
    here = [place for lower in _PLACES.keys() & looked.hints for place in _PLACES[lower] if place[0] in text]
    vague, firm = (
        [span for hint, pattern in here if (hint in _VAGUE) is is_vague for span in _passwords(text, hint, pattern)]
        for is_vague in (True, False)
    )
    begun = {span[0] for span in firm}  # of the same value, a vague place may take less
    return insert_marks(text, [*firm, *(span for span in vague if span[0] not in begun)], counts)


def _passwords(text: str, hint: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    least = _LEAST.get(hint, 4)
    for match in pattern.finditer(text):
        if hint == "-" and _NO_LOGIN.search(text, max(0, match.start() - 108), match.start()):
            continue
        start, end = match.span("value")
        is_quoted = text[start] in "'\""
        if is_quoted and text[end - 1] == text[start]:
            start = start + 1
            end = end - 1
        value = text[start:end]
        is_random = is_scrambled(value, least) or (is_quoted and is_strong(value) and "/" not in value)
        is_random = is_random or (hint in _OF_CALLS and is_said_password(value))
        if hint in _OF_PLAIN_WORDS and (is_name_of_a_password(value) or is_type_or_state(value)):
            continue
        is_likely = hint not in _VAGUE or (is_random and not is_path(value))
        is_likely = is_likely if hint not in _OF_LOGINS else _is_login(value) or is_scrambled(value, 12)
        if is_likely and len(value) >= least and not is_dummy(value) and not is_filler(value) and not _is_option(value):
            yield start, end, "password"


def _is_option(value: str) -> bool:
    return value.startswith("-") and not is_scrambled(value.lstrip("-"), 12)


def _is_login(value: str) -> bool:
    """Whether `value` is a user's name, a colon and a password, in base64."""
    try:
        user, _, password = a2b_base64(value, strict_mode=True).decode().partition(":")
    except ValueError:
        return False
    return user.isprintable() and password.isprintable() and bool(user and password)
