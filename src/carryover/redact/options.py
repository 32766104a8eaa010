"""Patterns for the passwords that programs are given in options of their own, by program."""

from __future__ import annotations

from typing import Final

VALUE: Final = r"(?P<value>'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|[^\s'\"`;&|<>()]{1,400})"
GLUED: Final = r"(?P<value>'[^'\n]{1,200}'|[^\s'\"]{1,200})"
OPTIONS: Final = r"[ \t](?:[^\n;&|]|(?<=\\)\n){0,200}?(?<=[ \t\n])"
"""What may come between a program and its option: words and other options, on the same line or on lines that a
backslash joins, in bounded length. Only one part of it repeats, since a long row of blanks could be divided among
several in many ways."""
USER: Final = r"['\"]?[^\s:'\"]{1,80}:(?!//)"
_BEHIND_USER: Final = r"(?P<value>[^\s'\"]{1,200})"


def _after(program: str, option: str, value: str = VALUE, *, more: str = "") -> str:
    """Returns a pattern for the value of a program's option. `more`: what may follow the program's name. The end of a
    file's name is no program: `wget .../data.zip -P models`; the `n` of a literal `\\n` is no part of a name."""
    begins = rf"(?:(?<![\w.-]{program})|(?<=\\[nrt]{program}))"
    return rf"{program}{begins}{more}(?![\w-]){OPTIONS}{option}{value}"


_OF_KEYCHAINS: Final = (
    rf"(?:(?:unlock|create)-keychain{OPTIONS}-p|set-key-partition-list{OPTIONS}-k|add-\w{{1,16}}-password{OPTIONS}-w"
    rf"|import{OPTIONS}-P)"
)
_SWITCHES: Final = r"(?:[ \t]+-\w{1,8}(?:[ \t]+\d{1,2})?){1,4}"
OF_PROGRAMS: Final = (
    ("curl", _after("curl", rf"(?:-\w{{0,8}}[uU][ \t]*|--(?:proxy-)?user[ \t=]){USER}", _BEHIND_USER)),
    (  # as a list of words
        "curl",
        r"[\"'](?:-u|--user)[\"'],[ \t]?[\"'][^\s:\"']{1,80}:(?P<value>[^\s\"'{}$]{1,200})(?=[\"'])",
    ),
    ("wget", _after("wget", r"--(?:http-|ftp-|proxy-)?password[ \t=]")),
    ("mysql", _after("mysql", "-p", GLUED, more="(?:dump|admin|import|sh)?")),
    ("mariadb", _after("mariadb", "-p", GLUED, more=r"(?:-\w+)?")),
    ("sshpass", _after("sshpass", r"-p[ \t]*")),
    *(
        (f"{program} login", _after(f"{program} login", r"(?:-p|--password)[ \t=]+"))
        for program in ("docker", "podman", "nerdctl", "helm registry", "crane auth", "oras", "buildah", "az")
    ),
    ("xh ", _after("xh", rf"(?:-a[ \t]*|--auth[ \t=]){USER}", GLUED)),
    ("gh secret", _after("gh secret set", r"(?:-b[ \t=]*|--body[ \t=]+)")),
    ("openssl", _after("openssl", r"-k[ \t]+")),
    ("keyvault secret set", _after("keyvault secret set", r"--value[ \t=]+")),
    ("altool", _after("altool", r"(?:-p|--password)[ \t=]+(?!['\"]?@)")),
    *(
        (f"{client}-cli", _after(f"{client}-cli", option))
        for client in ("redis", "valkey")
        for option in (r"(?:-a|--pass)[ \t]+", r"['\"]?(?:AUTH|auth)[ \t]+(?:[\w.-]{1,64}[ \t]+(?=\S))?")
    ),
    (  # `htpasswd -c -b file user …`; with `-n` there is no file
        "htpasswd",
        rf"htpasswd(?=[^\n]{{0,40}}[ \t]-\w{{0,8}}b){_SWITCHES}(?:[ \t]+\S{{1,200}})?[ \t]+[^\s-]\S{{0,80}}[ \t]+"
        rf"{VALUE}",
    ),
    ("smbclient", _after("smbclient", r"(?:-U|--user)[ \t=]*['\"]?[^\s%'\"]{1,80}%", _BEHIND_USER)),
    ("signtool", _after("signtool", r"[/-]p[ \t]+", more=r"(?:\.exe)?[\"']?")),
    ("sqlcmd", _after("sqlcmd", r"-P[ \t]*")),
    ("bcp", _after("bcp", r"-P[ \t]*")),
    ("etcdctl", _after("etcdctl", rf"--user[ \t=]{USER}", _BEHIND_USER)),
    ("xfreerdp", _after("xfreerdp", "/p:", GLUED)),
    ("lftp", _after("lftp", r"-u[ \t]+[^\s,]{1,80},")),
    ("snmp", _after("snmp", r"-[AX][ \t]*(?!['\"]?\[redacted:)", more=r"\w{1,12}")),
    ("influx", _after("influx", r"-t[ \t]*")),
    ("jenkins-cli", _after("jenkins-cli", rf"-auth[ \t]+{USER}", _BEHIND_USER, more=r"(?:\.jar)?")),
    ("ldap", _after("ldap", r"-w[ \t]*", more=r"(?:search|add|modify|modrdn|delete|compare|passwd|whoami)")),
    ("mosquitto_", _after("mosquitto_", r"-P[ \t]+", more="(?:pub|sub|rr)")),
    ("mosquitto_passwd", rf"mosquitto_passwd[ \t]+(?:-c[ \t]+)?-b[ \t]+\S{{1,200}}[ \t]+\S{{1,80}}[ \t]+{VALUE}"),
    *((program, _after(program, r"-P[ \t]*")) for program in ("zip", "unzip", "ipmitool")),
    ("7z", _after("7z", "-p", GLUED, more=r"[arz]?(?:\.exe)?")),
    *(("rar ", _after(program, "-h?p", GLUED)) for program in ("rar", "unrar")),
    *(("ssh-keygen", _after("ssh-keygen", rf"-{option}[ \t]*")) for option in "NP"),
    ("security", rf"security[ \t]+{_OF_KEYCHAINS}[ \t]+{VALUE}"),
    (  # the key of a vault, which `bw unlock` and `op signin` print to be set in the shell
        "_SESSION",
        r"_SESSION(?<=[BO][WP]_SESSION)(?:_\w{1,40})?[\"']?[ \t]{0,2}[=:,][ \t]{0,2}[\"']?"
        r"(?P<value>[\w+/-]{40,200}={0,2})",
    ),
    ("--session", r"--session[ =][\"']?(?P<value>[A-Za-z0-9+/]{86}==)"),
    ("bw unlock ", _after("bw unlock", "")),
    ("bw login ", _after("bw login", r"\S{1,80}@\S{1,80}[ \t]+")),
    ("nuget push", _after("nuget push", r"-k[ \t]+")),
    ("pypi-token.", rf"pypi-token\.\S{{1,64}}[ \t]+{VALUE}"),  # `poetry config`
    (
        "vault encrypt_string",
        rf"vault encrypt_string[ \t]+(?:--(?:vault|encrypt)-\S{{1,80}}[ \t]+\S{{1,80}}[ \t]+){{0,3}}(?!-){VALUE}",
    ),
    ("oathtool", _after("oathtool", "", r"(?P<value>[A-Za-z2-7]{16,128})(?![\w/.-])")),
)
"""Hints and patterns, as in `places.py`."""
PRINTING: Final = (
    ("pass show ", "pass show "),
    ("op://", "op read "),
    ("output -raw ", r"terraform output -raw [\w-]{0,40}(?:pass|secret|token)"),
    ("jsonpath", r"kubectl get secret[^\n]{1,80}jsonpath[^\n]{1,4}\.data"),
)
"""Hints, and patterns for the commands that print nothing but a password, on the next line."""
