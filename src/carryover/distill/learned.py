"""What makes a name worth something to the next agent, and a line beside its names. Written by `make learn`."""

from __future__ import annotations

from typing import Final

# fmt: off
NAME: Final[dict[str, float]] = {
    "any name":           -1.56,  # the same for each
    "mentions":            0.49,  # log of the number of messages, calls and results that have it
    "in words":            0.30,  # log of the number of messages
    "in calls":            0.14,  # log of the number of calls
    "age":                -0.18,  # log of the number of events since the last mention
    "age in words":       -0.08,  # the same since the last message
    "age in calls":       -0.21,  # the same since the last call
    "length of the past":  0.10,  # log of the number of all events
    "only printed":       -0.70,  # in no message and no call
    "plain word":         -0.60,  # letters alone
    "digit":              -0.58,  # has one
    "dot":                -0.51,  # has one
    "suffix":              1.02,  # ends like the name of a file
    "length":             -0.06,  # characters, in units of 20
}
LINE: Final[dict[str, float]] = {
    "any line":            0.10,  # what a line is worth beside its names
    "turns since":        -0.10,  # log of the number of turns since
}
# fmt: on
