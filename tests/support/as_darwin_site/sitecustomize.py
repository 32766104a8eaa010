"""Has a program that a test starts take this machine for a Mac; see `support.as_darwin`."""

import os

from support.as_darwin import NAME, become

if NAME in os.environ:
    become()
