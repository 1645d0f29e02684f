"""`python3 run.py mutate [MODULE ...]`: does a unit test notice each small change of the core?

mutmut makes the changes and runs the tests, and goes on where its last run ended. What survives is compared
with docs/explanation/mutants.md, where each survivor has the reason why no test can see it. With `--survivors`,
those that survived the last run are tried again, after a test was written for them.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mutmut.mutation.data import SourceFileMutationData  # pyright: ignore[reportMissingImports]
from mutmut.mutation.diff_apply import get_diff_for_mutant  # pyright: ignore[reportMissingImports]
from mutmut.stats import status_by_exit_code  # pyright: ignore[reportMissingImports]
from mutmut.utils.format_utils import orig_function_and_class_names_from_key  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).resolve().parent.parent
EXPLAINED = ROOT / "docs" / "explanation" / "mutants.md"
PACKAGE = "ocpp_sansio"

#: What a mutant may end as and count as noticed.
NOTICED = {"killed", "timeout", "caught by type check", "segfault"}


class Survivor(NamedTuple):
    """A change that no test noticed: `was` and `became` are the lines that differ, joined."""

    module: str
    function: str
    was: str
    became: str

    def __str__(self) -> str:
        """The beginning of its line in docs/explanation/mutants.md."""
        return f"- `{self.module}.{self.function}`: `{self.was}` → `{self.became}`"


def main() -> int:
    """Run what was asked for, then report it."""
    parser = argparse.ArgumentParser(prog="run.py mutate", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as connection; all by default")
    parser.add_argument("--survivors", action="store_true", help="only those that survived the last run")
    parser.add_argument("--report", action="store_true", help="run nothing, report what is known")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    modules = arguments.modules or everything()
    unknown = set(modules) - set(everything())
    if unknown:
        parser.error(
            f"there are no mutants of {', '.join(sorted(unknown))}; choose from {', '.join(everything())}"
        )
    if not arguments.report:
        names = [name for module in modules for name in survivors(module)] if arguments.survivors else []
        patterns = names or [f"{PACKAGE}.{module}.*" for module in modules]
        run = ["-m", "mutmut", "run", "--max-children", str(arguments.processes), *patterns]
        status = subprocess.run([sys.executable, *run], cwd=ROOT, check=False).returncode
        if status != 0:
            return status
    return report(modules)


def everything() -> list[str]:
    """The modules whose mutants are made."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    return [Path(path).stem for path in settings["only_mutate"]]


def path_of(module: str) -> Path:
    """Where a module stands, seen from the root."""
    return Path("src") / PACKAGE / f"{module}.py"


def outcomes(module: str) -> dict[str, str]:
    """What became of each mutant of a module in the last run that tried it."""
    data = SourceFileMutationData(path=path_of(module))
    data.load()
    return {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}


def survivors(module: str) -> list[str]:
    """Names of the mutants that no test noticed."""
    return [name for name, status in outcomes(module).items() if status not in {*NOTICED, "not checked"}]


def described(module: str) -> Iterator[Survivor]:
    """The survivors of a module in the words of EXPLAINED: mutmut's numbers shift with each edit."""
    for name in survivors(module):
        function, cls = orig_function_and_class_names_from_key(name)
        diff = get_diff_for_mutant(name, path=path_of(module)).splitlines()[2:]
        was, became = (" ".join(line[1:].strip() for line in diff if line[0] == sign) for sign in "-+")
        yield Survivor(module, f"{cls}.{function}" if cls else function, was, became)


def explained() -> set[str]:
    """The survivors that have a reason in docs/explanation/mutants.md."""
    text = EXPLAINED.read_text(encoding="utf-8") if EXPLAINED.exists() else ""
    return {line.partition(" — ")[0] for line in re.findall(r"^- `.*", text, re.MULTILINE) if " — " in line}


def report(modules: list[str]) -> int:
    """Print a table, and each survivor that has no reason yet; 1 if there are any."""
    print(f"{'module':<12} {'made':>5} {'noticed':>8} {'survived':>9} {'not tried':>10}")
    for module in modules:
        states = list(outcomes(module).values())
        noticed, waiting = sum(state in NOTICED for state in states), states.count("not checked")
        survived = len(states) - noticed - waiting
        print(f"{module:<12} {len(states):>5} {noticed:>8} {survived:>9} {waiting:>10}")
    reasons = explained()
    new = [
        str(survivor) for module in modules for survivor in described(module) if str(survivor) not in reasons
    ]
    if new:
        print(f"\n{len(new)} without a reason in {EXPLAINED.relative_to(ROOT)}:")
        print("\n".join(new))
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
