"""Chat histories written by hand, for what no recording holds."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from agents.aider.contract_case import HISTORY, INPUTS, WRITTEN_S
from carryover.agents.aider.adapter import AGENT
from carryover.transcript.sources import sources_of
from contract.case import Reading, read_on
from support.aged import there_for_a_while

START = "\n# aider chat started at 2026-11-20 06:16:57\n\n"
COMMAND = "> /home/dev/.local/bin/aider --model openai/gpt-4o pricing.py  \n"
HEAD = f"{START}{COMMAND}> Aider v0.86.2  \n> Main model: openai/gpt-4o with diff edit format  \n"
TOKENS = "> Tokens: 2.7k sent, 14 received. Cost: $0.0070 message, $0.0070 session.  \n"


def prompt(text: str) -> str:
    return "\n" + "".join(f"#### {line}  \n" for line in text.split("\n"))


def answer(text: str) -> str:
    return f"\n{text}\n\n{TOKENS}"


def typed(*texts: str, first: int = 0) -> str:
    """An input history, one input a minute from 06:17 on."""
    stamps = (f"\n# 2026-11-20 06:{17 + first + number}:00.500000\n" for number in range(len(texts)))
    return "".join(
        stamp + "".join(f"+{line}\n" for line in text.split("\n")) for stamp, text in zip(stamps, texts, strict=True)
    )


def type_now(folder: Path, text: str) -> None:
    """The user types it at this moment: as the client keeps it, before it writes it into its chat history."""
    with (folder / INPUTS).open("a") as file:
        file.write(f"\n# {datetime.now(UTC).astimezone():%Y-%m-%d %H:%M:%S.%f}\n+{text}\n")


def begun_now(*prompts: str) -> str:
    """The chat of a session that begins at this moment."""
    head = HEAD.replace("2026-11-20 06:16:57", f"{datetime.now(UTC).astimezone():%Y-%m-%d %H:%M:%S}")
    return head + "".join(f"{prompt(text)}{answer('I will do it in cart.py.')}" for text in prompts)


def use_aider(folder: Path, *prompts: str, history: str = HISTORY) -> None:
    """The user's own Aider runs in a project."""
    chat = begun_now(*prompts)
    for text in prompts:
        type_now(folder, text)
    there_for_a_while(folder / history)
    with (folder / history).open("a") as file:
        file.write(chat)


def reading(folder: Path, chat: str | bytes, inputs: str | None = None) -> Reading:
    """What comes of a history that was written long ago."""
    path = folder / HISTORY
    path.write_bytes(chat.encode() if isinstance(chat, str) else chat)
    os.utime(path, (WRITTEN_S, WRITTEN_S))
    if inputs is not None:
        (folder / INPUTS).write_text(inputs)
    [source] = sources_of(AGENT, folder)
    return read_on(AGENT, source)
