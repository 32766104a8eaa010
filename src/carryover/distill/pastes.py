"""Tells the pasted parts of a prompt from the typed ones, by the marks of a client or else by form alone: position,
length, layout of lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Final

from carryover.distill.closed_classes import is_list_item, is_question
from carryover.distill.quotes import clip, clip_middle, excerpt, quoted, sentences
from carryover.text.harmless import one_line, without_stacks
from carryover.text.markdown import LEFT_OUT
from carryover.text.pasted import as_pasted, marked_parts
from carryover.text.pattern import later

MOST_TYPED: Final = 1200
_MOST_TYPED_LINES: Final = 16
_SHOWN_OF_PASTE: Final = 0.45
"""Share of a prompt's space that its pastes may take."""

_MOST_OF_PASTE: Final = 220
_TAIL_OF_PASTE: Final = 0.55
"""Share of its excerpt that the end of a paste gets: the error stands there, or what the user asks on the same line."""
_TAIL_OF_PROMPT: Final = 0.3
_LEAST_PART: Final = 60
"""Characters that are kept of each part of a prompt, however many there are."""
_LEAD_CHARS: Final = 160
_SHORT_QUESTION: Final = 2
COLONS: Final = (":", "：")

_MARGIN: Final = 2
_FENCE: Final = "```"
_BLOCK_END: Final = later(r"\n[ \t]*\n+")
_AT_PROMPT: Final = (
    r"(?:\([\w.-]{1,40}\) )?(?:[\w.-]{1,40}@[\w.-]{1,80}(?::[^\s$#%>]{0,200}[#$]| [^\s$#%>]{1,100} %)(?!\S)"
    r"|(?:[\w.-]{1,40} ➜ {1,2}/\S{0,100}|(?:[\w.-]{1,40} )?➜ {1,2}(?:~\S{0,100}|/(?!\S)|\S{1,80}(?= (?:git:|on |✗))))"
    r"(?: (?:git:)?\([^)\s]{1,80}\))?(?: [✗$])?(?!\S)|\[[\w.-]{1,40}@[\w.-]{1,80} [^\]\n]{1,100}\][#$](?!\S)"
    r"|(?:PS )?[A-Z]:\\[^\n<>|*?\":]{0,200}(?<![ =-])>)"
)
"""What a shell prints before a command is typed: the user, the machine and the folder; on Windows the folder."""
_SAID: Final = r"(?:.*\b(?:[^\W\d_]{1,20},? ){7}|.*[?？؟]\s*$)"
"""More words in a row than commands have, or a question."""
_SHELL_LINE: Final = later(rf"^{_AT_PROMPT}(?P<words>[^\n]*)", re.M)
# Laid out by a machine: indentation, a time, a level, a frame, brackets, quotation marks, `key: value`, a diff, markup,
# code, a command over several lines, unless words lead to it on its first one. People indent the items of a list too,
# and in many languages end them with ";": behind "*" or a number they are typed, and behind "-" unless as in YAML.
_MACHINE_LINE: Final = later(
    r"\s*(?:[\[{}\](),;]+\s*$|@@|[\[{\"'<|│╭╰⎿>$❯+]|\d{2,4}[-/.:]\d\d"
    r"|\w{3} \d\d? \d\d:\d\d|at \S+[(:]|File \"|-{3,}|={3,}"
    r"|Traceback \(|(?:TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|FAIL(?:ED)?|PASS(?:ED)?)\b"
    r"|[A-Za-z][\w.-]{1,40}(?:Error|Exception)\b|[\w./\\-]+:\d+[:\s]"
    r"|(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S{0,400} \d{3}(?=\s*$| in \d| \d)"
    rf"|{_AT_PROMPT}(?!{_SAID})"
    r"|~\S{0,80} ✗ )"
    r"|\s{2,}(?!(?:[*•]|\d{1,2}[.)]) [^@\s]|[-–] [^\s:]+ \S)\S|.*\{\s*$"
    r"|\w+;\s*$|(?!.*\b(?:[^\W\d_]{1,20},? ){5}|(?:[^\W\d_]{1,20},? ){1,6}[^\W\d_]{1,20}: ).*\s\\$"
    r"|(?![-*•–]\s|\d)(?=.*;\s*$).*(?:[=()\[\]{}<>\"']|\w\.\w)|\w+ = \S"
)
_SENTENCE: Final = later(r".*\b(?:[^\W\d_]{1,20},? ){5}")
_LOG_ERROR: Final = "Error: "
"""How a line of a log begins, unless it is the first: people begin a prompt so."""
_HEADER: Final = later(r"[^\W\d_][\w-]{0,20}(?: [\w-]{1,20})?\s?(?:: |：\s?)\S")
_CLOSE_ITEM: Final = later(r"\s*(?:\d{1,2}[.、．)）]|[-*•])[^\W\d_]")
"""A list item without a space after its mark, as in Chinese."""
_HEADING: Final = later(r"(?:[A-Za-z][\w-]{0,20}|[^\W\d_][\w-]{0,9})(?: [\w-]{1,20})?\s?[:：]\s*$")
_PASSED: Final = later(
    r"\s*(?:\d{4}-\d\d-\d\dT[\d:.]{8,18}Z?\s{1,40})?"
    r"(?:[✓✔√]\s[^\n]*\d ?m?s\)?\s*$|ok \d|--- PASS|PASS(?:ED)?\s|test \S{1,200} \.\.\. ok\s*$|\S{1,300} PASSED(?!\w))"
)
"""A test that passed, as runs list it, perhaps behind the time of a CI log."""
_FEW_PASSED: Final = 2


@lru_cache(maxsize=512)  # every handoff examines the same prompts again
def parts(prompt: str) -> tuple[tuple[bool, str], ...]:
    """Returns the blocks of a prompt, each with whether it was pasted. Neighbours of the same kind are merged."""
    prompt = without_stacks(prompt)
    if by_client := marked_parts(prompt):
        return by_client
    marked = _parts(prompt)
    bare = _without_margin(prompt)
    return marked if bare == prompt else max(marked, _parts(bare), key=_chars_typed)


def _parts(prompt: str) -> tuple[tuple[bool, str], ...]:
    """Returns the blocks of a prompt without marks. From the first line at which a shell waited for a command to the
    last one, it is what a terminal showed, but for a sentence that follows on that line."""
    by_form = _parts_by_form(prompt)
    shown = [*_SHELL_LINE.finditer(prompt)]
    if len(shown) < 2:
        return by_form
    first, last = shown[0].start(), shown[-1]
    end = last.start("words") if re.match(_SAID, last["words"]) else last.end()
    found = (*_parts_by_form(prompt[:first].rstrip()), (True, prompt[first:end]), *_parts_by_form(prompt[end:].strip()))
    merged = groupby(found, lambda part: part[0])
    by_shell = tuple((was, "\n\n".join(text for _, text in run)) for was, run in merged)
    return min(by_form, by_shell, key=_chars_typed)


def _parts_by_form(prompt: str) -> tuple[tuple[bool, str], ...]:
    blocks = _blocks(prompt)
    lines = prompt.splitlines()
    if len(lines) == 2 and _has_headers(lines) and not has_machine_line(prompt):
        return ((False, prompt),)  # headers without a body
    below_item = _below_items(blocks)
    pasted = [at for at in range(len(blocks)) if _is_pasted(blocks, at, in_item=below_item[at])]
    if not pasted:
        return ((False, prompt),) if blocks else ()
    first = pasted[0]
    last = pasted[-1]
    is_led_to = first > 0 and blocks[first - 1].rstrip().endswith(COLONS)
    # People write a single line such as "API errors must be red" themselves, and dictate long ones.
    is_line = first == last and not is_led_to and "\n" not in blocks[first]
    is_told = len(blocks) == 1 and not _is_laid_out(prompt)
    if is_line and len(blocks[first]) <= (1 + is_told) * MOST_TYPED:
        return ((False, prompt),)
    if (is_led_to and not _is_laid_out(blocks[first])) or _has_headers(blocks[first].splitlines()):
        # Prose that a colon introduces extends to the end, except for a short question about it.
        asks = is_question(blocks[-1]) and _BLOCK_END.split(prompt.strip())[-1].strip() == blocks[-1]
        asks = asks and len(sentences(blocks[-1])) <= _SHORT_QUESTION
        last = max(last, len(blocks) - (2 if asks else 1))
    joined = ((False, blocks[:first]), (True, blocks[first : last + 1]), (False, blocks[last + 1 :]))
    return tuple((was, "\n\n".join(texts)) for was, texts in joined if texts)


def _chars_typed(marked: tuple[tuple[bool, str], ...]) -> int:
    return sum(len(text) for pasted, text in marked if not pasted)


def _without_margin(prompt: str) -> str:
    """Returns the prompt without the margin that all of its lines but the first have if it was typed into a terminal's
    box and copied from there (Claude Code 1.0.115, Codex 0.58 to 0.118)."""
    first, *others = prompt.strip().split("\n")
    # In an excerpt, a gap and the line behind it have none.
    whole = (line for before, line in pairwise([first, *others]) if line.strip("… ") and before.strip() != "…")
    margin = min((len(line) - len(line.lstrip()) for line in whole), default=0)
    if margin != _MARGIN:
        return prompt
    return "\n".join([first, *(line.removeprefix(_MARGIN * " ") for line in others)])


def _is_pasted(blocks: list[str], at: int, *, in_item: bool = False) -> bool:
    return _is_long(blocks[at]) or _is_laid_out(blocks[at], in_item=in_item) or _is_led_to(blocks, at)


def _below_items(blocks: list[str]) -> list[bool]:
    """Returns of each block whether it begins below a list's item, of which its indented lines are part."""
    found = [False]
    for block in blocks:
        in_item = found[-1]
        for line in block.splitlines():
            in_item = _is_of_item(line, in_item)
        found.append(in_item)
    return found


def _is_of_item(line: str, in_item: bool) -> bool:
    # Codex begins its answers with "•".
    return (is_list_item(line) and line[:1] != "•") or (in_item and (not line.strip() or line[:1].isspace()))


def _is_led_to(blocks: list[str], at: int) -> bool:
    """Whether a short line with a colon introduces several lines of prose, most likely somebody else's words. A short
    prompt with several such headings is the user's own."""
    if at != 1 or not blocks[0].rstrip().endswith(COLONS) or len(blocks[0]) > _LEAD_CHARS:
        return False
    is_short = sum(map(len, blocks)) <= MOST_TYPED
    below = (block.split("\n", 1)[0] for block in blocks[1:])
    if is_short and _HEADING.match(blocks[0]) and any(map(_HEADING.match, below)):
        return False
    lines = [line for line in "\n".join(blocks[1:]).splitlines() if line.strip()]
    return len(lines) > 2 and not is_list_item(lines[0]) and not _CLOSE_ITEM.match(lines[0])


def _blocks(prompt: str) -> list[str]:
    """Splits a prompt into paragraphs. A typed line beside machine lines is a separate block."""
    blocks: list[str] = []
    for block in _BLOCK_END.split(prompt.strip()):
        lines = [line for line in block.splitlines() if line.strip()]
        has_more = len(lines) > 1
        leads = not blocks and has_more and lines[0].rstrip().endswith(COLONS) and not is_machine_line(lines[0])
        head = lines[:1] if leads or (has_more and _is_typed_beside(lines[0], lines[1:])) else []
        rest = lines[len(head) :]
        # A command's last line, or the end of a line whose middle was left out.
        goes_on = len(rest) > 1 and (rest[-2].endswith((" \\", "\t\\")) or _ends_cut_line(lines))
        tail = rest[-1:] if len(rest) > 1 and not goes_on and _is_typed_beside(rest[-1], rest[:-1]) else []
        rest = rest[: len(rest) - len(tail)]
        blocks += ["\n".join(some) for some in (head, rest, tail) if some]
    return blocks


def _ends_cut_line(lines: list[str]) -> bool:
    """Whether the last line is the end of the one before the gap. Of a line that was cut, more is kept before the gap
    than behind it; behind a paste of many lines, it is a long line that was typed below."""
    return len(lines) > 2 and lines[-2] == LEFT_OUT and len(lines[-3]) >= len(lines[-1])


def is_machine_line(line: str) -> bool:
    """Whether a line is laid out as programs do."""
    return _MACHINE_LINE.match(line) is not None


def has_machine_line(text: str) -> bool:
    """Whether any line of a text is."""
    return any(_by_machine(text.splitlines()))


def _by_machine(lines: Iterable[str], *, in_item: bool = False) -> Iterator[bool]:
    """Yields of each line whether it is a machine's. Of a list's item, a sentence below it counts as not indented:
    elsewhere it may be a commit's message or an agent's answer, copied from a terminal."""
    for at, line in enumerate(lines):
        in_item = _is_of_item(line, in_item)
        shown = line.lstrip() if in_item and _SENTENCE.match(line) else line
        yield is_machine_line(shown) or (at > 0 and shown.startswith(_LOG_ERROR))


def _is_typed_beside(line: str, others: list[str]) -> bool:
    """Whether a line is laid out differently from those beside it; in a long paste of prose only a question is."""
    block = "\n".join(others)
    is_of_log = is_machine_line(line) or line.startswith(_LOG_ERROR)
    return not is_of_log and (_is_laid_out(block) or (_is_long(block) and is_question(line)))


def _is_long(block: str) -> bool:
    lines = [line for line in block.splitlines() if line.strip()]
    times = 2 if sum(map(is_list_item, lines)) * 2 > len(lines) else 1  # people list more than they tell in one go
    return len(block) > times * MOST_TYPED or len(lines) > times * _MOST_TYPED_LINES


def _is_laid_out(block: str, *, in_item: bool = False) -> bool:
    lines = [line for line in block.splitlines() if line.strip()]
    if block.lstrip().startswith((_FENCE, "~~~")):
        return True
    # Behind a gap may stand the end of the line before it.
    lines = [line for before, line in pairwise(["", *lines]) if LEFT_OUT not in (before, line)]
    return sum(_by_machine(lines, in_item=in_item)) * 2 >= len(lines) > 0 or _has_headers(lines)


def _has_headers(lines: list[str]) -> bool:
    """Whether a text begins like a mail or a form: two lines of a name, a colon and a value."""
    return len(lines) > 1 and all(_HEADER.match(line) for line in lines[:2])


def without_passed(paste: str) -> str:
    """Returns a paste without tests that passed, of which a log may list hundreds: `…` stands for several in a row."""
    rows = groupby(paste.split("\n"), key=lambda line: _PASSED.match(line) is not None)
    kept: list[str] = []
    for passed, run in rows:
        lines = [*run]
        kept += [LEFT_OUT] if passed and len(lines) > _FEW_PASSED else lines
    return "\n".join(kept) if kept != [LEFT_OUT] else paste


def typed_words(prompt: str) -> str:
    """Returns the prompt without its pasted parts."""
    return "\n\n".join(text for pasted, text in parts(prompt) if not pasted)


def clip_prompt(prompt: str, *, chars: int) -> str:
    """Returns the beginning and the end of a prompt. One with marked pastes keeps those of each part, and what is too
    long is taken from the pastes first."""
    marked = marked_parts(prompt)
    if not marked or len(prompt) <= chars:
        return clip_middle(prompt, chars=chars, tail_share=_TAIL_OF_PROMPT)
    typed = _chars_typed(marked)
    pasted = sum(len(text) for _, text in marked) - typed
    for_pastes = max(chars - typed, int(chars * _SHOWN_OF_PASTE))
    for_typed = chars - min(for_pastes, pasted)
    shown = []
    for is_pasted, text in marked:
        share = for_pastes / pasted if is_pasted else for_typed / typed
        kept = clip_middle(text, chars=max(_LEAST_PART, int(len(text) * share)), tail_share=_TAIL_OF_PROMPT)
        shown.append(as_pasted(kept) if is_pasted else kept)
    return "\n\n".join(shown)


def on_one_line(prompt: str, *, chars: int) -> str:
    """Returns the beginning of a prompt on one line, on which what is marked as pasted says so."""
    text = quoted_prompt(prompt, chars, most=chars // 2) if marked_parts(prompt) else prompt
    return clip(one_line(text), chars=chars)


def quoted_prompt(prompt: str, room: int, *, chars: int = 0, mark: str = "pasted", most: int = _MOST_OF_PASTE) -> str:
    """Returns the prompt in at most about `room` characters, with each paste on its own line, below `mark` and its
    length, in at most `most`. `chars` is the length of the whole prompt if `prompt` is an excerpt of it."""
    left_out = max(0, chars - len(prompt))
    marked = parts(prompt)
    if not any(pasted for pasted, _ in marked):
        return excerpt(prompt, room)
    typed = sum(len(text) for pasted, text in marked if not pasted)
    of_paste = max(int(room * _SHOWN_OF_PASTE), room - typed - 40)
    shown = []
    for pasted, text in marked:
        if pasted:
            if kept := excerpt(text, max(40, min(of_paste, most) - 32), tail=_TAIL_OF_PASTE):
                kept = quoted(kept) if ")" in kept else kept  # what would end the brackets
                shown.append(f"({mark}, {len(text) + left_out:,} characters: {kept})")
        else:
            of_typed = room - min(of_paste, room // 2)
            shown.append(excerpt(text, max(60, of_typed * len(text) // max(1, typed))))
    return "\n".join(shown)
