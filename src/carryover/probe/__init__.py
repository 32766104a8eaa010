"""Facts from outside in bounded time: git, touched files."""
