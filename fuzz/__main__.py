"""`python3 run.py fuzz TARGET ...`: the table of targets."""

import sys
from collections.abc import Callable

from . import verdicts

TARGETS: dict[str, Callable[[list[str]], int]] = {"verdicts": verdicts.main}


def main() -> int:
    """Run the target that the first argument names."""
    name, *rest = sys.argv[1:] or [""]
    if name not in TARGETS:
        print(f"usage: run.py fuzz {{{','.join(TARGETS)}}} [--help]", file=sys.stderr)
        return 2
    try:
        return TARGETS[name](rest)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
