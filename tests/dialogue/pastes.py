"""What people paste into a prompt: program output, mail, another agent's report."""

from __future__ import annotations

import random
from typing import Final

from dialogue.phrases.bank import Phrases
from dialogue.words import Inventor, Word

_LOG: Final = """\
2031-03-04 11:02:17,431 INFO  worker: starting job {x}
2031-03-04 11:02:18,007 ERROR worker: job {x} failed after 3 attempts
Traceback (most recent call last):
  File "/srv/app/worker.py", line 88, in run
    job.execute()
TimeoutError: {x} did not answer within 30 s"""
_JSON: Final = """\
{
  "id": 4711,
  "name": "{x}",
  "retries": 3,
  "state": "failed"
}"""


def log(words: Inventor) -> tuple[str, Word]:
    """A log with a traceback, and the word in it."""
    word = words.identifier()
    return word.into(_LOG), word


def pasted_prompt(chance: random.Random, say: Phrases, words: Inventor) -> tuple[str, Word]:
    """A prompt that is pasted in whole or in large part, and the word in the pasted part."""
    match chance.choice(("log", "json", "mail", "report")):
        case "log":
            body, word = log(words)
            leads = say.output_lead
        case "json":
            word = words.identifier()
            body, leads = word.into(_JSON), say.output_lead
        case "mail":
            word = words.word()
            body, leads = word.into(say.mail), say.mail_lead
        case _:
            word = words.word()
            body, leads = word.into(say.report), say.report_lead
    lead = f"{chance.choice(leads)}{chance.choice((chr(10), chr(10) * 2))}" if chance.random() < 0.75 else ""
    tail = f"\n\n{chance.choice(say.look_at_it)}" if chance.random() < 0.4 else ""
    return f"{lead}{body}{tail}", word
