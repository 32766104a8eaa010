"""What people and agents say in the dialogues, by kind. Each language has a TOML file of its own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """A question of the agent with the replies that answer it."""

    question: str
    answers: Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """In each text, `{x}` is the place of the invented word that identifies it, `{t}` that of the goal's word."""

    # The user.
    goal: Texts
    switch: Texts
    """Openings of a prompt that sets a new goal."""
    rule: Texts
    correction: Texts
    bug: Texts
    substep: Texts
    redirect: Texts
    go_ahead: Texts
    commit: Texts
    run_tests: Texts
    side_question: Texts
    thanks: Texts
    hello: Texts
    resume: Texts
    confirm: Texts
    """Replies to the question of the resume protocol."""
    output_lead: Texts
    mail_lead: Texts
    report_lead: Texts
    look_at_it: Texts
    """Last lines below something that was pasted."""

    # The agent.
    done: Texts
    looked: Texts
    """Opening of a report on a turn in which nothing was changed."""
    aside: Texts
    """Sentences of a report that nobody needs to remember."""
    acknowledged: Texts
    announce: Texts
    found: Texts
    dead_end: Texts
    doing: Texts
    """What it says right before it is cut off."""
    asks: tuple[Ask, ...]
    side_answer: Texts
    committed: Texts
    tested: Texts
    welcome: Texts
    standing: Texts
    continue_question: Texts

    # Other people and other agents.
    mail: str
    report: str


def _read(language: str) -> Phrases:
    text = Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Phrases)


PHRASES: Final = {language: _read(language) for language in ("en", "de", "fr", "es", "ru", "ja", "zh", "ko")}
