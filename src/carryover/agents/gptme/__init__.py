"""gptme: a terminal agent whose conversations are files of one message per line."""
