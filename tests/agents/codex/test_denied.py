"""What the client says of a command that its sandbox kept from something, or that it did not run."""

from __future__ import annotations

import json

import pytest

from carryover.adapter.contract import ToolOutcome as Outcome
from carryover.agents.codex.outcomes import read_output

REJECTED = 'exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }'
_STREAM = r'text: "sh: no \"lid\"\n", truncated_after_lines: None }'
_STREAMS = f"stdout: StreamOutput {{ {_STREAM}, aggregated_output: StreamOutput {{ {_STREAM}"
_RAN = f"ExecToolCallOutput {{ exit_code: 2, {_STREAMS} }}"
DENIED = f'exec_command failed: SandboxDenied {{ message: "sh", output: {_RAN} }}'
_AS_TEXT = json.dumps(f"Codex(Sandbox(Denied {{ output: {_RAN} }}))")
IN_COLOUR = DENIED.replace("sh: no", r"\u{1b}[31msh:\u{1b}[0m no")
DENIED_FIRST = f"exec_command failed for `make`: CreateProcess {{ message: {_AS_TEXT} }}"
SANDBOX = f"failed in sandbox LinuxSeccomp with execution error: Denied {{ output: {_RAN} }}"  # 0.44
RISKY = "too risky.\nReason: It deletes.\nThe agent must not try again."
REVIEWED = REJECTED.replace("rejected by user", json.dumps(json.dumps(RISKY)[1:-1])[1:-1])


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (DENIED, Outcome("error", 'sh: no "lid"\n', exit_code=2)),
        (IN_COLOUR, Outcome("error", 'sh: no "lid"\n', exit_code=2)),
        (DENIED_FIRST, Outcome("error", 'sh: no "lid"\n', exit_code=2)),
        (SANDBOX, Outcome("error", 'sh: no "lid"\n', exit_code=2)),
        (REVIEWED, Outcome("error", "too risky.\nReason: It deletes.", never_ran=True)),
        (f"The log of a session:\n{REJECTED}", Outcome("unknown", f"The log of a session:\n{REJECTED}")),
    ],
)
def test_what_was_printed_and_why_it_did_not_run(text: str, outcome: Outcome) -> None:
    assert read_output("shell", text) == outcome
