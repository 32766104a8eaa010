"""Patterns for the passwords that databases, mail servers and their clients are given: in SQL, in settings, in
connection strings, at prompts."""

from __future__ import annotations

from typing import Final

from carryover.redact.options import VALUE

A_TEXT: Final = r"\\{0,7}[\"'](?P<value>[^\"'\n]{3,199}[^\"'\n\\])\\{0,7}[\"']"
"""In quotes, whose backslashes a text inside JSON has."""
_WORD: Final = r"(?P<value>[^\s;&'\"`,<>(){}\\]{3,200})"
_OF_CONNECTION: Final = (
    r"(?!\{\[redacted:|[A-Za-z_$][\w$]{0,40}(?:\.[A-Za-z_$]|[(\[]))"
    r"(?P<value>[^\s;'\"`\\]{3,200})(?=[;'\"`\\<]|\s*\Z|\s*\n)"
)
"""Not what code puts there: `a=1;password=form.password;`, and no variable of one command: `cd /tmp; PWD=x make`."""
_IN_BRACES: Final = (
    r"\{(?![A-Za-z_][\w.\[\]()'\"]{0,199}\}(?!\}))"
    r"(?P<value>(?=(?:[^{}\n]|\}\}){0,199}[\d;])(?:[^{}\n]|\}\}){3,200})\}(?=[;'\"`\\]|\s*\Z|\s*\n)"
)
"""ODBC's, which may hold a `;`; a name in braces is what Python puts there."""
_OF_PGPASS: Final = (
    r"(?:\*|[A-Za-z_][\w.-]{0,62}):[A-Za-z_][\w.@-]{0,62}:"
    r"(?P<value>(?=\S{0,200}\d)(?=\S{0,200}[A-Za-z])(?:\\:|[^\s:\"'`,;()\\]){6,200})(?![^\s\"'`,;()\\])"
)
OF_DATABASES: Final = (
    ("jdbc:oracle", r"jdbc:oracle:\w{1,16}:[\w$#]{1,64}/(?P<value>[^\s@'\"]{1,200})@"),
    ("sqlplus", r"sqlplus[ \t]+(?:-\w+[ \t]+){0,4}[\w$#]{1,64}/(?P<value>[^\s@'\"]{1,200})"),
    (
        "IDENTIFIED",
        r"IDENTIFIED[ \t]+(?:WITH[ \t]+['\"]?\w{1,64}['\"]?[ \t]+)?(?:BY|AS)[ \t]+"
        r"(?P<value>'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|(?=[^\s\d]{1,64}\d)[^\s;'\"`]{6,64})",
    ),
    ("identified", rf"(?:create|alter) user \S{{1,120}} identified (?:with \S{{1,64}} )?by {A_TEXT}"),
    *(  # PostgreSQL's
        (
            f"{word} '",
            rf"(?i:(?:create|alter)[ \t]+(?:user|role))[ \t]+[^\s;]{{1,80}}\s(?:[^;']{{0,120}}\s)?"
            rf"{word}[ \t]+(?P<value>'[^'\n]{{1,200}}')",
        )
        for word in ("PASSWORD", "password")
    ),
    *(  # connection strings: `Uid=sa;Pwd=...;`, `?user=app&password=...`, `host=db user=app password=...`
        (f"{end}=", rf"{end}=(?<={before}{name}=)(?![/~]){value}")
        for end, name in (("assword", "[Pp]assword"), ("wd", "[Pp]wd"), ("PWD", "PWD"))
        for before, value in (("[?&]", _WORD), (";", _OF_CONNECTION), (";", _IN_BRACES))
    ),
    (
        "assword=",
        r"(?:host|user|dbname|port|sslmode)=[^\s,;()&?'\"]{1,80}[ \t]+(?:[a-z_]{2,20}=[^\s,;()]{1,80}[ \t]+){0,6}?"
        rf"password={_WORD}",
    ),
    (  # `--set auth.password=...`
        "assword=",
        r"(?:--set(?:-string)?|-e|--env|--build-arg|--extra-vars|-var)[ \t=]+['\"]?[\w.-]{0,80}?[Pp]assword="
        rf"{_WORD}",
    ),
    ("assword=", rf"vault (?:login|write)[ \t][^\n;&|]{{0,200}}?[ \t]password={_WORD}"),
    ("SET PASSWORD", r"SET PASSWORD[ \t]+FOR[ \t]+\S{1,120}[ \t]*=[ \t]*(?P<value>'[^'\n]{1,200}')"),
    ("@tcp(", r":(?P<value>[^\s:@/\"'`\[\]]{4,200})@tcp\("),  # Go's drivers
    *(  # the last on their line, or before another option: in prose, a word comes behind
        (name, rf"{name}[ \t]+{VALUE}(?=[ \t]*(?:[\"'`\\;&|)\n\r]|\Z)|[ \t]+(?:#|--))")
        for name in ("requirepass", "masterauth")
    ),
    *(  # at the prompt of redis-cli: `127.0.0.1:6379> `, `127.0.0.1:6379[1]> `, `redis> `
        (
            f"> {auth}",
            rf"> {auth}(?:(?<=(?:\d{{4}}|edis)> {auth})|(?<=\d\]> {auth}))[ \t]*(?:[\w.-]{{1,64}}[ \t]+(?=\S))?{VALUE}",
        )
        for auth in ("AUTH ", "auth ")
    ),
    ("SETUSER", r"SETUSER[ \t]+\S{1,64}[ \t](?:[^\n]{0,200}?[ \t])?['\"]?>(?P<value>[^\s'\"]{1,200})"),
    *(
        (call, rf"{call}\([ \t]*[\"'][^\"'\n]{{1,100}}[\"'],[ \t]*{A_TEXT}")
        for call in ("db.auth", "changeUserPassword")
    ),
    *(  # nodemailer's; begun with a name each, by which it is searched for at a fifth of the time
        (
            "pass",
            rf"{name}[\"']?[ \t]?[:=][ \t]?[\"'][^\"'\n]{{1,80}}[\"'],\s{{0,40}}"
            rf"[\"']?pass[\"']?[ \t]?[:=][ \t]?{A_TEXT}",
        )
        for name in ("user(?:name)?", "mail(?:(?<=email)|(?<=e-mail))", "login")
    ),
    *(  # ODBC's braces around a word with a number, which is no name that Python puts there
        (f"{name}={{", rf"{name}=\{{(?P<value>[A-Z][a-z]{{2,30}}\d{{2,8}}[!@#$%&*?.]{{0,4}})\}}")
        for name in ("PWD", "Pwd")
    ),
    *(  # SQL Server's
        (f"sp_{does}", rf"sp_{does}[ \t]+(?:N?'[^'\n]{{1,100}}'|NULL)[ \t]*,[ \t]*N?(?P<value>'[^'\n]{{1,200}}')")
        for does in ("addlogin", "password")
    ),
    ("crypt(", r"crypt\('(?P<value>[^'\n]{4,200})', ?gen_salt"),  # PostgreSQL's
    ("SHA", r"SCRAM-SHA-\d+\$\d+:[\w+/=]{12,}\$(?P<value>[\w+/]{27,}={0,2}:[\w+/]{27,}={0,2})"),
    (  # .pgpass
        ":",
        r"(?m):(?:\d{4,5}|\*):[^\s:]{1,64}:[^\s:]{1,64}:"
        r"(?P<value>(?=\S{0,200}\d)(?=\S{0,200}[A-Za-z])(?:\\:|[^\s:]){6,200})(?=\r?$)",
    ),
    # A line of it inside another one: only with a port of PostgreSQL, since logs put colons between anything.
    ("432:", rf"432:(?<=:[56]432:){_OF_PGPASS}"),
    (":*:", rf":\*:{_OF_PGPASS}"),
)
"""Hints and patterns, as in `places.py`."""
