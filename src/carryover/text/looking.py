"""Decides by its words whether a shell command only looks around, and whether two commands are attempts at the same
thing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import dropwhile
from typing import Final

from carryover.text.pattern import later
from carryover.text.shell import Command, commands, is_cut, pipelines

_LOOKING: Final = frozenset(
    """
    ls ll cat nl head tail less more grep egrep findstr rg ag find fd which whereis type stat file wc du df tree pwd cd
    echo printf test [ diff cmp ps pgrep env printenv date whoami id uname sleep true false jq sort uniq sed awk cut tr
    readlink realpath basename dirname lsof ss man history journalctl strings zcat zgrep dmesg
    [[ exit do done then else fi for break continue
    """.split()
)
_SHOW_NOTHING: Final = frozenset("cd echo printf true false test [ [[ sleep set export source . exit pwd".split())
"""Programs whose output says nothing of a file: it tells apart what others print."""
_PRINTERS: Final = frozenset("cat nl bat head tail sed more less gc get-content".split())
_PASSING_ON: Final = _PRINTERS | {"select-object", "select", "out-string"}
_NO_ERRORS: Final = frozenset((("2>", "/dev/null"), ("2>&1", "")))
_MADE_UP: Final = later(r"[$`*?{<>]|^(?:~|-i)")
"""What the shell makes a name of, and `sed -i`."""
_NO_FILE: Final = later(r"-.*|\+?\d+", re.S)
"""Options, and their numbers."""
_CMDLET_LOOKING: Final = later(
    r"^(?:get-(?:childitem|content|item|itemproperty|location|command|date|process)|gci|gc|dir|select-string|sls"
    r"|test-path|resolve-path)\b",
    re.I,
)
_FILTER: Final = later(
    r"(?:[%?]\s*\{|(?:where|select|sort|group|measure|foreach)(?:-object)?\b|(?:format|convert(?:to|from))-\w+|f[lt]\b"
    r"|out-(?:string|host|null)\b|(?:python3?|py|node|ruby|perl) -\w*[cemnp]\b|(?:read|while|col|column"
    r"|rev|tac|base64|xxd|od|hexdump|md5sum|sha\d*sum|iconv|fold|fmt|paste|comm|join|bc|yq|gunzip)\b)",
    re.I,
)
"""What comes through a pipe is only read or passed on by these. Other programs may run, send or store it."""
_XARGS: Final = later(r"xargs\b(?:\s+-(?:[InLPsdE]\s*\S+|\S+))*\s*")
_IN_QUOTES: Final = later(r"'[^']*'|(?<!\\)\"(?:\\.|[^\"\\])*\"", re.S)
_SETS_UP: Final = later(r"(?:cd|pushd|source|\.|export|set)\s|[A-Z_][A-Z0-9_]*=\S*\Z")
"""Steps that say where and with which settings others look."""
_FINDS_NOTHING: Final = later(
    r"(?:[ef]?grep|findstr|rg|ag|diff|cmp|test|\[\[?|which|p(?:grep|kill)|killall|command -v|git grep"
    r"|git config (?:--(?:global|local|system|get(?:-all)?) )*[\w.-]{1,80}$"
    r"|git diff \S*(?:--quiet|--exit-code))(?:\s|$)"
)
"""Programs that end with 1 to say that there is none, or that there is a difference."""
_MAY_FAIL: Final = later(r"\s-(?:ErrorAction|EA)[ :](?:SilentlyContinue|Ignore|0)\b", re.I)
"""A PowerShell command that is to say nothing if it fails: what it removes may not be there."""
_OWN_EXIT: Final = later(r"exit \d+$")
_CHANGES: Final = later(
    r"tee\b|sed\s(?:\S+\s)*-i|find\s.*\s-(?:delete\b|exec(?:dir)?\s+(?:rm|rmdir|mv|cp|chmod|chown)\b)", re.S
)
"""Programs that only look, with the words that have them change something."""
_INTO_FILE: Final = frozenset((">", ">>", ">|", "1>", "1>>", "&>", "&>>", ">&"))
_NO_FILES: Final = frozenset(("/dev/null", "$null"))
_GIT_LOOKING: Final = later(
    r"^git (?:-C \S+ |-(?!C )\S+ )*(?:status|log|diff|show|rev-parse|ls-files|blame|grep|stash list"
    r"|branch(?!.*\s(?:-[A-Za-z]{0,4}[mMdDcCuf][A-Za-z]{0,4}(?![A-Za-z])|--(?:move|delete|copy|force|(?:un)?set-upstream)))(?!\s+[^-\s])"
    r"|remote(?!\s+(?:add|set-\w+|remove|rm|rename|prune|update)\b))\b"
)
"""`git branch` and `git remote` only list, unless they get a name or are told to change one."""
_NPM_LOOKING: Final = later(r"^p?npm (?:audit(?! (?:fix|-\S+ fix))|outdated|ls|view)\b")
"""They end with 1 if they have something to report."""
_SETTING: Final = (
    r"(?:cd|pushd|source|\.|export|set)\s[^&|;]*(?:&&|;)(?:\\?\s)*"
    r"|[A-Z_][A-Z0-9_]*="
    r"(?:\"(?:\\.|[^\"$`\\]|\$(?!\())*\"|'[^']*'|\\.|\$(?!\()|[^\s\"'$`;&|()\\])+(?:\s*(?:&&|;)\s*|\s+)"
    r"|(?:time|env)\s+"
)
"""An assignment whose value a command gives is a separate step."""
_SETTINGS: Final = later(rf"^\s*(?:{_SETTING})+")
_PREFIX: Final = later(
    rf"^\s*(?:{_SETTING}"
    r"|(?:sudo(?:\s+(?:-\w*[CDRTgpruU]\s+[^-\s]\S*|-[\w-]+(?:=\S+)?))*|timeout \S+)\s+)+"
)
"""Some of sudo's options have a value: a user, say."""
_BY_SHELL: Final = later(r"\A(?:bash|sh|zsh) (?!-n )")
"""Before a script that may also be run by its name alone; with `-n` it is only read."""
_CUT_SHORT: Final = later(r"(?: 2>&1)? ?(?<!\|)\| ?(?:tail|head)\b[^|;&]*\Z")
_REDIRECTED: Final = later(r"\s[\d&]?>{1,2}\s?(?:&\d|\S+)")
_CHANGES_NOTHING: Final = later(
    r"\s--(?:dry-run|just-print|recon|help)(?![\w-])|\s--version(?=\s*(?:\Z|[;&|)]|\d?>))"
    r"|\b(?:make|rsync) (?:(?:(?!\b(?:make|rsync) )[^|;&])* )?-[a-z]{0,3}n\b"
)
"""A command that only shows what it would do. `add NAME --version 2.1` adds that version."""


_FORMS_LOOKING: Final = (_GIT_LOOKING, _CMDLET_LOOKING, _NPM_LOOKING)


@lru_cache(maxsize=16)  # several ask it of one call
def is_looking(command: str) -> bool:
    """Whether every step of a shell command only looks around, so that finding nothing is not a failure; not if its end
    is not certain, where it may do anything."""
    *before, last = pipelines(command) or [[]]
    steps = (*dropwhile(lambda step: _SETS_UP.match(_line(step[0])), before), last)
    return last != [] and not is_cut(command) and all(map(_step_looks, steps))


def _step_looks(step: Sequence[Command]) -> bool:
    lines = [without_prefix(_line(command)) for command in step]
    redirects = (redirect for command in step for redirect in command.redirects)
    if any(map(_CHANGES.match, lines)) or any(by in _INTO_FILE and to not in _NO_FILES for by, to in redirects):
        return False
    piped = (_XARGS.sub("", line) for line in lines[1:])
    return _program_looks(lines[0]) and all(_FILTER.match(line) or _program_looks(line) for line in piped)


def _program_looks(line: str) -> bool:
    name, *_ = line.split(maxsplit=1) or ["true"]  # `xargs` alone prints what it gets
    return name in _LOOKING or any(form.match(line) for form in _FORMS_LOOKING)


def _line(command: Command) -> str:
    """Returns the words of a command without what stands in quotes."""
    return _IN_QUOTES.sub("''", " ".join(command.written))


@lru_cache(maxsize=1024)  # every handoff asks it of the same calls again
def printed_files(command: str) -> tuple[str, ...]:
    """Returns the files that a shell command prints, whole or in parts, if that is all that it shows.

    >>> printed_files("cd src && sed -n '1,80p' a.py; nl -ba b.py 2>/dev/null | head -20")
    ('a.py', 'b.py')
    >>> printed_files("cat a.py && git status")
    ()
    """
    each = [_files_of(part) for part in _showing(command)]
    return tuple(file for files in each for file in files) if all(each) else ()


def _files_of(part: Sequence[Command]) -> list[str]:
    """Returns the files that a part of a command prints; empty if it does anything else, too."""
    programs = [command.words[0].lower() if command.words else "" for command in part]
    words = [[word.strip("'\"") for word in command.written] for command in part]  # a path of Windows has backslashes
    is_plain = not any(_MADE_UP.search(word) for each in words for word in each)
    is_plain = is_plain and _NO_ERRORS.issuperset(each for command in part for each in command.redirects)
    if not is_plain or not _PASSING_ON.issuperset(programs) or programs[0] not in _PRINTERS:
        return []
    files = [word for word in words[0][1:] if not _NO_FILE.fullmatch(word)]
    return files[1:] if programs[0] == "sed" else files


def showing_parts(command: str) -> list[str]:
    """Returns the parts of a shell command that print something of their own, each with what it is piped to: the whole
    command if it has a loop or a condition, in which a part may print what another one names.

    >>> showing_parts("cd src && cat a.py | head; echo ---; ls")
    ['cat a.py | head', 'ls']
    """
    shown = [" | ".join(each.text for each in part) for part in _showing(command)]
    return shown if len(shown) > 1 else [command]


def _showing(command: str) -> list[list[Command]]:
    """Returns the parts that print something of their own; none if there is a group, a loop or a condition."""
    parts = pipelines(command)
    is_nested = any(each.before or each.depth for part in parts for each in part)
    return [] if is_nested else [part for part in parts if part[0].words and part[0].words[0] not in _SHOW_NOTHING]


def without_prefix(command: str) -> str:
    """Returns the command without leading `cd`, variable assignments and the like."""
    return _PREFIX.sub("", command).strip()


def without_settings(command: str) -> str:
    """Returns the command without leading `cd`, variable assignments and the like, but as whom and how long it was to
    run."""
    return _SETTINGS.sub("", command).strip()


def found_nothing(command: str, code: int | None) -> bool:
    """Whether a command that ended in an error merely found nothing: it only looks around, or its last step sets the
    exit code, by finding nothing, by what it was allowed to fail in, or explicitly."""
    if is_looking(command):
        return True
    steps = commands(command)
    last = _line(steps[-1]) if steps else ""
    before = steps[-2].then if len(steps) > 1 else ""
    if "pipefail" in command or before in ("&&", "||") or is_cut(command):
        return False
    if _FINDS_NOTHING.match(last) or _MAY_FAIL.search(last):
        return code in (1, None)
    return before in (";", "\n") and _OWN_EXIT.match(last) is not None


def is_retry(failed: str, succeeded: str) -> bool:
    """Whether two commands are the same with other options or another launcher. A success behind a pipe doesn't count,
    as the exit code is not the command's, unless the failed one was cut short by the same; nor one that only looks at
    what that was to leave, or only shows what the failed one would do."""
    if (whole := uncut(failed)) != failed:
        failed, succeeded = whole, uncut(succeeded)
    if _CHANGES_NOTHING.search(succeeded) and not _CHANGES_NOTHING.search(failed):
        return False
    words = _core(failed)
    others = _core(succeeded)
    shorter = min(len(words), len(others))
    has_same_end = shorter > 1 and words[-shorter:] == others[-shorter:]
    return words == others or (has_same_end and is_looking(failed) >= is_looking(succeeded))


def uncut(command: str) -> str:
    """Returns the command on one line without the `tail` or `head` that cuts its output short."""
    return _CUT_SHORT.sub("", command) if "|" in command else command


def _core(command: str) -> list[str]:
    alone = _BY_SHELL.sub("", _REDIRECTED.sub("", command))
    words = [word.strip("'\"") for word in alone.split() if word[:1] != "-"]
    return [words[0].rpartition("/")[2], *words[1:]] if words else [command]
