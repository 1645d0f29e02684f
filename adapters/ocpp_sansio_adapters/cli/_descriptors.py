"""File descriptors: a station and its counterpart in the CSMS need one each, and many systems allow 256 or 1024."""

import sys

from ._command import Problem

__all__ = ["ensure_descriptors"]

RESERVE = 64  # for the interpreter, the event loop, the terminal and the trace

if sys.platform == "win32":

    def ensure_descriptors(stations: int) -> None:
        """Windows does not count sockets."""

else:
    import resource

    def ensure_descriptors(stations: int) -> None:
        """Raise the soft limit if this many stations need it. Raises Problem if the system does not allow it."""
        needed = 2 * stations + RESERVE
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or soft >= needed:
            return
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        except (ValueError, OSError):
            # The system may have a limit of its own below a hard limit of infinity.
            allowed = soft if hard == resource.RLIM_INFINITY else hard
            raise Problem(
                f"{stations} stations need {needed} open files, and {allowed} are allowed here: "
                "ask for fewer stations, or raise the hard limit (`ulimit -Hn`)."
            ) from None
