"""The demo's exit statuses."""

__all__ = ["CANNOT_START", "FINE", "INTERRUPTED", "NOT_FINE"]

FINE = 0
NOT_FINE = 1  # a call stayed unanswered, a station did not finish, or the output was lost
CANNOT_START = 2  # as argparse reports wrong arguments
INTERRUPTED = 130  # as a shell reports a command that Ctrl-C has ended
