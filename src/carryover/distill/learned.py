"""What makes a name worth something to the next agent, and a line beside its names. Written by `make learn`."""

from __future__ import annotations

from typing import Final

# fmt: off
NAME: Final[dict[str, float]] = {
    "any name":           -1.72,  # the same for each
    "mentions":            0.45,  # log of the number of messages, calls and results that have it
    "in words":            0.30,  # log of the number of messages
    "in calls":            0.18,  # log of the number of calls
    "age":                -0.20,  # log of the number of events since the last mention
    "age in words":       -0.06,  # the same since the last message
    "age in calls":       -0.19,  # the same since the last call
    "length of the past":  0.11,  # log of the number of all events
    "only printed":       -0.71,  # in no message and no call
    "plain word":         -0.53,  # letters alone
    "digit":              -0.65,  # has one
    "dot":                -0.56,  # has one
    "suffix":              1.14,  # ends like the name of a file
    "length":             -0.12,  # characters, in units of 20
}
LINE: Final[dict[str, float]] = {
    "any line":            0.10,  # what a line is worth beside its names
    "turns since":        -0.05,  # log of the number of turns since
}
# fmt: on
