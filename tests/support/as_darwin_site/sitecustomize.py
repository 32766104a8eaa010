"""Has a program that a test starts take this machine for a Mac; see `support.as_darwin`."""

from support.as_darwin import become

become()
