"""One function per command: folders in, folder out. Plain arguments and results; progress by logging only."""
