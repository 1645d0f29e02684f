"""`python3 run.py fuzz TARGET ...`: the table of targets."""

import sys
from collections.abc import Callable

from . import explore, model, verdicts

TARGETS: dict[str, Callable[[list[str]], int]] = {
    "verdicts": verdicts.main,
    "model": model.main,
    **explore.MAINS,
}


def main() -> int:
    """Run the target that the first argument names."""
    rest = sys.argv[1:]
    name = rest.pop(0) if rest and not rest[0].startswith("-") else ""  # all that `explore` knows, in turn
    if name not in TARGETS:
        print(f"usage: run.py fuzz {{{','.join(filter(None, TARGETS))}}} [--help]", file=sys.stderr)
        return 2
    try:
        return TARGETS[name](rest)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
