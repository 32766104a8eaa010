"""The user's own words in a prompt that a slash command made of its template.

Some agents write down only what the command became: pages of instructions by somebody else, with what the user typed in
one place of them. Seen in Codex 0.48 to 0.87, which expands custom prompts before it records them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.language.prose import sentences, word_count
from carryover.text import lazy_re as re

_NAMES: Final = r"user(?:'s)? (?:input|request|prompt|query|message)"
_SECTION: Final = re.compile(
    rf"^[ \t]*#{{1,6}}[ \t]+(?:{_NAMES}|(?:command )?arguments)[ \t]*:?[ \t]*\n\s{{0,9}}(```+|~~~+)[^\n]*\n",
    re.I | re.M,
)
_TAG: Final = re.compile(
    r"^[ \t]*<(user[-_ ]?(?:input|request|prompt|query|message)|(?:command[-_])?arguments)>", re.I | re.M
)
_LABEL: Final = re.compile(rf"^[ \t]*(?:{_NAMES})[ \t]*:[ \t]*\n\s{{0,9}}(?=\S)", re.I | re.M)
_PARAGRAPH_END: Final = re.compile(r"\n[ \t]*\n")
_LAST_LINE: Final = "\nARGUMENTS:"
_SKILL: Final = "Base directory for this skill"
# The user's document may have such a place too; but it does not instruct the agent what to do with what is there.
_INSTRUCTS: Final = re.compile(
    r"\bconsider (?:the |this )?(?:user(?:'s)? )?input\b|\bconsider it before proceeding\b|\$ARGUMENTS\b|\{ARGS\}"
    r"|\buser (?:typed|passed|invoked|ran)\b.{0,60}(?:after|command|/)"
    r"|\bthe (?:user(?:'s)? )?(?:input|request|arguments?) (?:above|below)\b"
    r"|\byour (?:job|task|goal|role) is\b|^you are (?:an?|the|updating|creating|going)\b",
    re.I | re.M,
)
_ABOUT_THE_WORDS: Final = re.compile(r"\b(?:user|input|arguments?)\b", re.I)
_PLACEHOLDER: Final = re.compile(r"\s*(?:\$ARGUMENTS|\{\{?args\}\}?|\$\{?\d\}?)?\s*", re.I)
"""A place in which the agent put nothing."""
_NOTHING_TYPED: Final = "(a command's template, nothing typed) "
_MOST_PLACES: Final = 3
_SHORTEST: Final = 400
"""Characters of what is not the user's: a note of a few lines is no template."""
_LONGEST: Final = 200_000


def typed_in(prompt: str) -> str:
    """What the user typed, where `prompt` is an expanded template, else all of it.

    Where nothing was typed it says so and quotes how the template begins: it was still the user who ran it.
    """
    if not _SHORTEST <= len(prompt) <= _LONGEST:
        return prompt
    for begin, words, end in _places(prompt):
        rest = f"{prompt[:begin]}\n{prompt[end:]}"
        if len(rest) >= _SHORTEST and (_INSTRUCTS.search(rest) or rest.lstrip().startswith(_SKILL)):
            return _how_it_begins(rest) if _PLACEHOLDER.fullmatch(words) else words.strip()
    return prompt


def is_bare(words: str) -> bool:
    """Whether nothing was typed: the `words` are those in which `typed_in` says so."""
    return words.startswith(_NOTHING_TYPED)


def _places(prompt: str) -> Iterator[tuple[int, str, int]]:
    """Where the user's text may be, the surest form first: beginning and end of the place, and what is in it."""
    for section in islice(_SECTION.finditer(prompt), _MOST_PLACES):
        closing = re.compile(rf"^[ \t]*{section[1]}[ \t]*$", re.M).search(prompt, section.end())
        if closing is not None:
            yield section.start(), prompt[section.end() : closing.start()], closing.end()
    for tag in islice(_TAG.finditer(prompt), _MOST_PLACES):
        end = prompt.find(f"</{tag[1]}>", tag.end())
        if end >= 0:
            yield tag.start(), prompt[tag.end() : end], end + len(tag[1]) + 3
    for label in islice(_LABEL.finditer(prompt), _MOST_PLACES):
        blank = _PARAGRAPH_END.search(prompt, label.end())
        end = blank.start() if blank is not None else len(prompt)
        yield label.start(), prompt[label.end() : end], end
    last = prompt.rfind(_LAST_LINE)
    if last >= 0:
        yield last, prompt[last + len(_LAST_LINE) :], len(prompt)


def _how_it_begins(template: str) -> str:
    beginnings = (
        sentence
        for sentence in sentences(template)
        if word_count(sentence) > 2 and not _ABOUT_THE_WORDS.search(sentence) and not sentence.startswith(_SKILL)
    )
    return f"{_NOTHING_TYPED}{clip(next(beginnings, ''), chars=200)}".strip()
