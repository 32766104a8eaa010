"""Lines that no person typed: logs, stack frames, code, tables, screens, mail headers. One pattern per kind."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, Literal

from carryover.distill.language.prose import word_count
from carryover.text import lazy_re as re
from carryover.text.markdown import is_bullet, line_forms

LineKind = Literal["blank", "machine", "prose"]

_HEADER_NAMES: Final = (
    "From|To|Cc|Subject|Date|Sent|Von|An|Betreff|Gesendet|De|À|Objet|Para|Asunto|От|Кому|Тема"
    "|差出人|宛先|件名|发件人|收件人|主题|보낸 ?사람|받는 ?사람|제목"
)
_KEYWORDS: Final = (
    "def|class|import|from|const|let|var|function|public|private|static|return|export|package|using|#include|async def"
    "|fn|func|struct|type|SELECT|INSERT|UPDATE|CREATE|select|insert into|create table"
)
_VERBS: Final = "GET|POST|PUT|PATCH|DELETE|HEAD"
# Case matters: "DELETE /x" is a machine's, "Delete the old page" a person's.
_KINDS: Final = {
    "a shell's prompt": r"\s*(?:\$|>>>|\.\.\.|❯)\s+\S|\s*(?:PS [A-Z]:\\[^>]*>"
    r"|(?:\([\w.-]{1,40}\) ?){0,3}[\w.-]+@[\w.-]+[:\s][^$#%\n]{0,60}[$#%]|\([\w.-]+\) [\w@.-]*\$)\s*\S",
    "a quotation or a step of a build": r"\s*(?:>|=>)\s+\S",
    "a terminal's screen": r".*[│┃╭╮╰╯┌┐└┘├┤┬┴┼═║⎿⏺✻✽⏵]",
    "the time of a log": r"\W{0,3}\d{4}[-/.]\d\d[-/.]\d\d[T\s,|]\W*\d|\W{0,3}\d\d:\d\d:\d\d\b"
    r"|\[?\w{3} \w{3}\s+\d+ \d\d:\d\d",
    "the level of a log": r"\W{0,3}(?:ERROR|WARN(?:ING)?|INFO|DEBUG|TRACE|FATAL|CRITICAL|NOTICE|PANIC)\b\W"
    r"|\W{0,3}\[(?i:error|warn(?:ing)?|info|debug|trace|fatal|notice)\]"
    r"|(?:[Ee]rror|[Ww]arn(?:ing)?|info|debug|trace): |(?:fail|crit|dbug|trce): [\w.]+\[",
    "a package manager": r"\s*(?:npm|yarn|pnpm) (?:ERR!|(?:WARN|warn|error|notice)\b)",
    "a compiler": r"\s*(?:[Ee]rror|[Ww]arning|[Ff]atal|[Pp]anic|note|help)(?:\[\w+\])?:\s"
    r"|\s*-->\s\S+:\d+|\s*\d+\s*[|│]\s"
    r"|\s*\S.{0,300}\(\d+(?:,\d+)?\): (?:warning|error|info)\b"
    r"|\s*\|\s*[\^~-]*\s*$|[\s^~|]+$|\S+\.\w{1,5}:\d+(?::\d+)?(?::|\s-\s|\s*$)",
    "a browser's console": r"\s*(?:\(\w{1,20}\)|[\w.-]+\.(?:m?js|tsx?|jsx|vue|html?|css|php)(?:\?\S*)?)"
    r":\d+(?::\d+)?\s+\S",
    "a stack": r"\s*Traceback \(most recent|\s*File \".*\", line \d+|\s+at \S+.*[:)]\d*"
    r"|\s*(?:[\w.$]+\.)?\w*(?:Error|Exception|Warning)\b\s*[:(]|\s*Caused by: ",
    "PowerShell": r"\s*\+ (?:CategoryInfo|FullyQualifiedErrorId|~)|\s*\+\s+~+"
    r"|(?:In|At|Dans) \S+:\d+ (?:Zeichen|char|carattere|caractère):\d+",
    "an end": r"\s*(?:[Ee]xit (?:code|status):? \d|Process exited\b|Killed\W*$|Segmentation fault\b)",
    "JSON": r"\s*[\[{(\]})],?;?\s*$|\s*\"[^\"\n]{1,80}\"\s*:\s*\S|\s*[{\[].*[}\]]\s*[,;]?\s*$"
    r"|\s*'[^'\n]{1,80}'\s*:\s*\S",
    "markup": r"\s*</?[A-Za-z!][^>\n]*>.*$|\s*<\?xml",
    "a diff": r"diff --git |@@ -\d|(?:\+\+\+|---) [ab/]|index [0-9a-f]{7,}\.\.",
    "a table": r"\s*\|.*\|\s*$",
    "a mail's header": rf"(?:{_HEADER_NAMES})\s?[:：] \S",
    "HTTP": rf"HTTP/\d\S* \S|(?:{_VERBS}) \S*/|[A-Z]\w*-[\w-]+: [\w/;=.*-]+$|\s*(?:curl|wget) +(?:-\S|\S*[:/]\S)",
    "code": rf"\s*(?:{_KEYWORDS})\s[^.!?]*(?:\w[(<\[]|[{{}}=*])[^.!?]*$|\s*class \w+:\s*$|.*[{{}}]\s*$"
    r"|(?!\s*(?:[-*•–]|\d{1,2}[.)])\s).*;\s*$"
    r"|[\w.]+ = [\w'\"(\[{.].{0,200}$|\S+=\S+\s+\S*[=/]\S*",
    "pytest": r"E\s{3,}\S|.{0,60}[=*_-]{8,}",
}
_SURE_KINDS: Final = ("a shell's prompt", "the time of a log", "the level of a log", "a stack", "PowerShell")
_SURE: Final = re.compile("|".join(f"(?:{_KINDS[kind]})" for kind in _SURE_KINDS))
"""No person begins a sentence like that, whatever comes after."""
_LEVEL: Final = re.compile(_KINDS["the level of a log"])
_CODE_WORD: Final = re.compile(rf"\s*(?:{_KEYWORDS})\s")
_CODE_SIGN: Final = re.compile(r"[=<>{}\[\]]|\w\(")
_CODE_LINE: Final = re.compile(
    rf"(?:{_KINDS['code']})|(?:{_KINDS['markup']})|\s*(?://|/\*)|\s*(?:raise|assert|throw|print|echo|console\.log)\b\s?[(\"'\w]"
    r"|\s*[\w.]+\(.*\)\s*$|.*\$\{"
)
_MACHINE: Final = re.compile("|".join(f"(?:{pattern})" for pattern in _KINDS.values()))
_HEADER: Final = re.compile(_KINDS["a mail's header"])
_DRAWN_TABLE: Final = re.compile(r"\s*[│┃|║┌├└╭╰]")
_OUTPUT_LANGUAGES: Final = frozenset(
    ["", *"text txt plaintext console terminal log logs output shell sh bash powershell".split()]
)
_STRUCTURE: Final = re.compile(r"\s{0,3}#{1,6}\s|\s*(?:[-*+•]|\(?\d{1,2}[.)])\s+\S|\s*\*\*[^*\n]{1,80}\*\*:?\s*$")
_LETTERS: Final = re.compile(r"[^\W\d_]")
_SEPARATORS: Final = re.compile(r"[;\t|]|,(?=\S)")
_FEW_LETTERS: Final = 0.5
_LONG_ENOUGH: Final = 24
_SENTENCE_WORDS: Final = 5
_ITEM_WORDS: Final = 3
_SENTENCE_LETTERS: Final = 0.7
_ROWS: Final = 3
_COLUMNS: Final = 3


def kinds_of(lines: list[str]) -> list[LineKind]:
    """The kind of each line. What is in a code fence is a machine's, and so are three rows with the same columns."""
    forms = line_forms(lines)
    kinds = [_kind(line) if form == "text" else "machine" for line, form in zip(lines, forms, strict=True)]
    for index, (line, below) in enumerate(pairwise(lines)):
        # "CRITICAL - sizes:" above a list is a person's heading, though a log's line begins so.
        if forms[index] == "text" and _LEVEL.match(line) and line.rstrip().endswith(":") and is_bullet(below):
            kinds[index] = "prose"
    return _with_tables(lines, kinds)


def printed_part(text: str) -> str:
    """What of a pasted text may be a program's output: no headings, items of lists, and code in a named language."""
    lines = text.splitlines()
    kept = []
    in_code = False
    for line, form in zip(lines, line_forms(lines), strict=True):
        if form == "fence":
            in_code = not in_code and line.strip(" \t`~").casefold() not in _OUTPUT_LANGUAGES
        elif not (in_code or (not is_surely_printed(line) and (_STRUCTURE.match(line) or _CODE_LINE.match(line)))):
            kept.append(line)
    return "\n".join(kept)


def is_header(line: str) -> bool:
    """A line of a mail's head: "From: ...", "Betreff: ..."."""
    return _HEADER.match(line) is not None


def is_surely_printed(line: str) -> bool:
    """A line that no person begins a sentence like: a shell's prompt, a log's time or level, a stack."""
    return _SURE.match(line) is not None


def is_code(line: str) -> bool:
    """A line of a program, a comment of one, or markup, though it stands outside of a fence."""
    return _CODE_LINE.match(line) is not None and not _is_sentence(line.strip())


def is_drawn(line: str) -> bool:
    """A row or border of a table drawn with lines."""
    return _DRAWN_TABLE.match(line) is not None


def _kind(line: str) -> LineKind:
    bare = line.strip()
    if not bare:
        return "blank"
    if _SURE.match(line) or (_MACHINE.match(line) and not _is_sentence(bare)):
        return "machine"
    if len(bare) < _LONG_ENOUGH or (is_bullet(line) and word_count(bare) > _ITEM_WORDS):
        return "prose"  # an item of a list holds figures and formulas
    return "machine" if len(_LETTERS.findall(bare)) < len(bare.replace(" ", "")) * _FEW_LETTERS else "prose"


def _is_sentence(bare: str) -> bool:
    """A person's sentence, though a bracket, a quotation mark or a semicolon in it looks like a machine's."""
    ends = bare.endswith((".", "!", "?", "。", "！", "？")) and bare[0].isalpha() and "://" not in bare[:12]
    if bare.endswith(";") and bare[0].isalpha():
        ends = not (_CODE_WORD.match(bare) or _CODE_SIGN.search(bare))
    letters = len(_LETTERS.findall(bare))
    return ends and letters > _SENTENCE_LETTERS * len(bare.replace(" ", "")) and word_count(bare) >= _SENTENCE_WORDS


def _with_tables(lines: list[str], kinds: list[LineKind]) -> list[LineKind]:
    counts = [len(_SEPARATORS.findall(line)) if kind != "blank" else 0 for line, kind in zip(lines, kinds, strict=True)]
    changes = [index for index, (one, next_one) in enumerate(pairwise(counts), 1) if one != next_one]
    for start, end in pairwise([0, *changes, len(lines)]):
        if end - start >= _ROWS and counts[start] >= _COLUMNS - 1:
            kinds[start:end] = ["machine"] * (end - start)
    return kinds
