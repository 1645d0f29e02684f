"""`python3 run.py fuzz TARGET`: coverage-guided search with Atheris, which runs in a process of its own.

Knows libFuzzer's options and what it prints; what is searched stands in `targets`.
"""

import argparse
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import attrs

from .corpus import in_folder, inputs, keep, worth_keeping
from .shrink import failure, shrunk
from .targets import TARGETS
from .tokens import dictionary

__all__ = ["MAINS", "main"]

ROOT = Path(__file__).parent.parent
SCRATCH = ROOT / ".fuzz"  # ignored by git: what was found, and where it goes on next time
SECONDS = 60

#: In bytes. Beyond it, an input says nothing that a shorter one could not.
LONGEST = {"text": 1024, "operations": 256, "payloads": 128, "handshake": 512}
SPEAKS = ("text", "handshake")  # those whose inputs have words in them

#: What libFuzzer says of its progress, and `under_atheris` in between.
_STATUS = re.compile(r"#(?P<done>\d+)\s+\w+(?:\s+cov: (?P<branches>\d+) .*?corp: (?P<kept>\d+))?")
_NOISE = re.compile(r'INFO: |WARNING: |#####|"|Done \d|\s*$')


@attrs.define
class Progress:
    """What is known of a running search. `words` is what it says besides, if something is wrong."""

    target: str
    done: int = 0
    branches: int = 0
    kept: int = 0
    words: list[str] = attrs.field(factory=list)
    began: float = attrs.field(factory=time.monotonic)
    shown: float = 0.0

    def take(self, line: str) -> None:
        """Take a line of the child; now and then, say how far it is."""
        found = _STATUS.match(line)
        if found is None:
            if not _NOISE.match(line):
                self.words.append(line)
            return
        self.done = max(self.done, int(found["done"]))
        if found["branches"] is not None:
            self.branches, self.kept = int(found["branches"]), int(found["kept"])
        now = time.monotonic() - self.began
        if now - self.shown > 2:
            self.shown = now
            print(self, file=sys.stderr, flush=True)

    def __str__(self) -> str:
        seconds = time.monotonic() - self.began
        return (
            f"{self.target}: {self.done:>9,} executions, {self.done / max(seconds, 0.001):,.0f}/s, "
            f"{self.branches:,} branches, {self.kept:,} inputs, {seconds:.0f} s"
        )


def explore(target: str, executions: int, seconds: int) -> int:
    """Search one target until it has run that often or that long, or until it fails; return an exit status."""
    scratch = SCRATCH / target
    found, seeds, findings = scratch / "corpus", scratch / "seeds", scratch / "findings"
    for folder in (found, seeds, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(inputs(target)):
        (seeds / f"{number:04}").write_bytes(data)
    words = scratch / "dictionary"
    words.write_text(dictionary(), encoding="ascii")
    earlier = written(findings)
    progress = Progress(target)
    options = [
        f"-runs={executions or -1}",
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST[target]}",
        f"-artifact_prefix={findings}/",
        "-timeout=10",
        *([f"-dict={words}"] if target in SPEAKS else []),
        str(found),
        str(seeds),
    ]
    try:
        status = run([sys.executable, "-m", "fuzz.under_atheris", target, *options], progress)
    finally:
        print(progress, flush=True)
    new = [path for path, _ in sorted(written(findings) - earlier)]
    for path in new:
        report(target, path)
    if status and not any(path.name.startswith("crash") for path in new):
        print("\n".join(progress.words), flush=True)
    return 1 if new or status else 0


def written(folder: Path) -> set[tuple[Path, int]]:
    """The files of a folder and when they were written: a finding that is found again has the same name."""
    return {(path, path.stat().st_mtime_ns) for path in folder.iterdir()}


def run(command: list[str], progress: Progress) -> int:
    """Run a child to its end, which is also ours; return its exit status."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                progress.take(line.rstrip())
        except BaseException:
            child.kill()
            raise
    return child.returncode


def report(target: str, path: Path) -> None:
    """Say what makes the target fail, as short as it gets and as a program to paste."""
    data = path.read_bytes()
    print(f"\n{target}: found {path.relative_to(ROOT)}")
    if path.name.startswith("crash"):
        data = shrunk(TARGETS[target], data)
    print(f"from fuzz.targets import TARGETS\nTARGETS[{target!r}]({data!r})")
    if path.name.startswith("crash"):
        error = failure(TARGETS[target], data)
        print("".join(traceback.format_exception(error)) if error else "It does not fail by itself.")
    sys.stdout.flush()


def minimise(target: str) -> int:
    """Commit the shortest inputs that go every way that any known one goes."""
    known = {*inputs(target), *in_folder(SCRATCH / target / "corpus")}
    failing = {data for data in known if failure(TARGETS[target], data) is not None}
    needed = worth_keeping(TARGETS[target], known - failing)
    keep(target, {*needed, *failing})
    size = sum(map(len, needed))
    print(f"{target}: {len(needed):,} of {len(known):,} inputs kept, {size:,} bytes, {len(failing)} fail")
    return 1 if failing else 0


def main(targets: list[str], arguments: list[str]) -> int:
    """The command line, for one target or for several in turn."""
    parser = argparse.ArgumentParser(
        prog=f"run.py fuzz {targets[0]}" if len(targets) == 1 else "run.py fuzz",
        description=__doc__,
        epilog=f"Targets are {', '.join(TARGETS)}; without one, all of them in turn.",
    )
    parser.add_argument("--executions", type=int, default=0, help="end each search after so many")
    parser.add_argument("--seconds", type=int, default=0, help="end each search after so long (default: 60)")
    parser.add_argument(
        "--minimise", action="store_true", help="do not search; commit the shortest inputs of those known"
    )
    options = parser.parse_args(arguments)
    if options.minimise:
        return max([minimise(target) for target in targets])
    try:
        import_module("atheris")
    except ImportError as error:
        print(f"run.py fuzz: Atheris cannot be imported ({error}): {_CURE}.", file=sys.stderr)
        return 2
    seconds = options.seconds or (0 if options.executions else SECONDS)
    return max([explore(target, options.executions, seconds) for target in targets])


_CURE = (
    "`python3 run.py fuzz` installs its wheel on Linux on x86-64 with Python 3.11 to 3.13, and elsewhere "
    "`.venv/bin/pip install atheris` builds it with clang"
)

#: For the table of targets: what runs each by itself; and by no name, all in turn.
MAINS: dict[str, Callable[[list[str]], int]] = {
    **{target: partial(main, [target]) for target in TARGETS},
    "": partial(main, [*TARGETS]),
}
