"""The commands of this repository; `python3 run.py` lists them.

Keeps one virtual environment, .venv, in step with pyproject.toml, then gives way to the tool. Needs the
standard library only. Must parse on every Python 3 from 3.6 on, or too old a one would answer with a
SyntaxError instead of a sentence.
"""

import contextlib
import hashlib
import importlib.util
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Generator, Iterator, NamedTuple, NoReturn, TextIO

if sys.version_info < (3, 11):
    sys.exit(
        f"run.py: Python 3.11 or newer is needed, and this is {sys.version_info[0]}.{sys.version_info[1]} "
        f"({sys.executable}); use a newer one, for example `python3.11 run.py`."
    )

import tomllib

ROOT = Path(__file__).resolve().parent
PYPROJECT = ROOT / "pyproject.toml"
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
STAMP = ENVIRONMENT / "stamp"
LOCK = ROOT / ".venv.lock"  # beside the environment, because building afresh empties that folder

# -I: whatever PYTHONPATH shows must not count as installed.
PIP = [str(PYTHON), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries=2"]

EXTRAS = ["websockets", "trio", "testing"]
TOOLS = "dev"


class Failure(Exception):
    """What is wrong and what to do about it, in a sentence for whoever typed the command."""


class Stamp(NamedTuple):
    """What .venv was made from. Written last, so an interrupted installation leaves none."""

    base: str  # if this differs, build afresh
    recipe: str  # if only this differs, install on top


class Command(NamedTuple):
    """A line of the table at the end of this file."""

    summary: str
    run: Callable[[list[str]], int]
    tools: bool = True  # whether it needs those that only developers do


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        say(f"run.py: there is no command {name!r}.\n\n{usage()}")
        return 2
    try:
        prepare_environment()
        if COMMANDS[name].tools:
            add(TOOLS, "installing the tools failed, as pip tells above; connect to a network and try again.")
        return COMMANDS[name].run(rest)
    except (Failure, OSError) as failure:
        say(f"run.py: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130  # as a shell reports an interrupted command


def usage() -> str:
    """Return the list of commands."""
    lines = [f"  {name:<6} {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: python3 run.py COMMAND [ARGUMENT ...]", "", *lines])


def say(text: str) -> None:
    """Speak on stderr: stdout belongs to the tool."""
    print(text, file=sys.stderr, flush=True)


def prepare_environment() -> None:
    """Make .venv what pyproject.toml asks for; return at once when it is."""
    wanted = wanted_stamp()
    if found_stamp() == wanted:
        return
    with exclusive():
        found = found_stamp()
        if found == wanted:
            return  # the run.py that we waited for has done it
        if found is not None and found.base == wanted.base:
            say("Refreshing .venv, because pyproject.toml has changed ...")
            STAMP.unlink()
        else:
            say("Preparing .venv (once) ...")
            create_environment()
        install()
        STAMP.write_text("\n".join(wanted), encoding="ascii")


def wanted_stamp() -> Stamp:
    """Return the stamp of an environment that fits this Python, this folder and this pyproject.toml."""
    return Stamp(
        # Scripts and editable installs hold absolute paths: in a copied tree they would run the original.
        base=digest(sys.version, sys.base_prefix, str(ROOT)),
        recipe=digest(PYPROJECT.read_text(encoding="utf-8"), *installation()),
    )


def found_stamp() -> Stamp | None:
    """Return the stamp of .venv as it is; `None` when it is not whole."""
    try:
        base, recipe = STAMP.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return Stamp(base, recipe)


def digest(*parts: str) -> str:
    """Return a fingerprint of these texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def create_environment() -> None:
    """Make an empty .venv, whatever was there before."""
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise Failure(
                f"this Python ({sys.executable}) comes without the module {module} and cannot make a virtual "
                "environment; install it (on Debian and Ubuntu: `apt install python3-venv`) and try again."
            )
    quietly(
        [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
        "making .venv failed, as shown above; put that right, delete .venv and try again.",
    )


def install() -> None:
    """Install this package into .venv."""
    quietly(
        [*PIP, "install", *installation()],
        "installing into .venv failed, as pip tells above; if there is no network, connect "
        "(or let PIP_INDEX_URL name an index within reach) and try again.",
    )


def installation() -> list[str]:
    """Return what pip is to install for everybody."""
    return ["--editable", f".[{','.join(EXTRAS)}]"]


def requirements(groups: dict[str, Any], name: str, within: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the requirements of a dependency group, those of an included group in its place (PEP 735).

    The pip of Python 3.11 has no --group.
    """
    if name not in groups:
        raise Failure(f"pyproject.toml has no dependency group {name!r}; add it or mend what includes it.")
    if name in within:
        raise Failure(f"the dependency group {name!r} in pyproject.toml includes itself; break the circle.")
    for item in groups[name]:
        if isinstance(item, str):
            yield item
        else:
            yield from requirements(groups, item["include-group"], (*within, name))


def add(group: str, sentence: str) -> None:
    """Install a dependency group that not every command needs; do nothing when it is there."""
    groups = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    wanted = [*dict.fromkeys(requirements(groups, group))]
    stamp = ENVIRONMENT / f"stamp-{group}"
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest(*wanted):
        return
    with exclusive():
        say(f"Installing the group {group} (once) ...")
        # Wheels only: compilers are nothing that a machine must have.
        quietly([*PIP, "install", "--only-binary=:all:", *wanted], sentence)
        stamp.write_text(digest(*wanted), encoding="ascii")


def quietly(command: list[str], sentence: str) -> None:
    """Run a command; show what it wrote only if it fails, and then fail with the sentence."""
    status, output = captured(command)
    if status != 0:
        say(output)
        raise Failure(sentence)


def captured(command: list[str]) -> tuple[int, str]:
    """Run a command in the root; return its exit status and all that it wrote."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout.rstrip()


@contextlib.contextmanager
def exclusive() -> Generator[None, None, None]:
    """Let one run.py at a time change .venv. The lock is the operating system's and dies with its holder."""
    with LOCK.open("a", encoding="ascii") as file:
        if not locked(file):
            say("Waiting for another run.py, which is preparing .venv ...")
            while not locked(file):
                time.sleep(0.2)
        yield


if sys.platform == "win32":
    import msvcrt

    def locked(file: TextIO) -> bool:
        """Lock the file unless somebody else has; never wait."""
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def become(command: list[str]) -> int:
        """Run a command to its end; return its exit status."""
        process = subprocess.Popen(command)
        while process.poll() is None:
            # The console tells the tool of a Ctrl-C as well, and the tool ends in its own way.
            with contextlib.suppress(KeyboardInterrupt):
                process.wait()
        return process.returncode

else:
    import fcntl

    def locked(file: TextIO) -> bool:
        """Lock the file unless somebody else has; never wait."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def become(command: list[str]) -> NoReturn:
        """Let a command take the place of this process: its signals, its terminal, its exit status."""
        os.execv(command[0], command)


def give_way(arguments: list[str]) -> int:
    """Say and run `python ARGUMENTS` from the root, in the environment; its exit status becomes ours."""
    say(f"$ {shlex.join(['python', *arguments])}")
    os.chdir(ROOT)
    return become([str(PYTHON), *arguments])


def module(name: str) -> Callable[[list[str]], int]:
    """Return a command that is a module and hands all arguments to it."""
    return lambda arguments: give_way(["-m", name, *arguments])


def test(arguments: list[str]) -> int:
    """Run pytest; only the whole suite is worth all cores, and only it can answer for the coverage."""
    whole = (
        []
        if arguments
        else ["-n", "auto", "--dist", "worksteal", "--cov", "--cov-report=term-missing:skip-covered"]
    )
    return give_way(["-m", "pytest", *whole, *arguments])


def bench(arguments: list[str]) -> int:
    """Measure. Without uvloop, which not every system has, all but its rows is there."""
    try:
        add("bench", "uvloop cannot be installed here, as pip tells above; it is left out.")
    except Failure as failure:
        say(f"run.py: {failure}")
    return give_way(["-m", "benchmarks", *arguments])


def fuzz(arguments: list[str]) -> int:
    """Run a search. Those that coverage guides need Atheris, of which not every Python has a wheel."""
    try:
        add("fuzz", "Atheris cannot be installed here, as pip tells above; targets that need it are skipped.")
    except Failure as failure:
        say(f"run.py: {failure}")
    return give_way(["-m", "fuzz", *arguments])


def mutate(arguments: list[str]) -> int:
    """Run the mutants of these modules of the core, or of all of them; go on where the last run ended."""
    add("mutation", "installing mutmut failed, as pip tells above; connect to a network and try again.")
    return give_way(["tools/mutate.py", *arguments])


CHECKS = {
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "ruff check": ["-m", "ruff", "check", "."],
    "mypy": ["-m", "mypy"],
    "pyright": ["-m", "pyright", "--warnings", "--pythonpath", str(PYTHON)],
    "generated files": ["tools/generate.py", "--check"],
    "wire rules": ["tools/rules.py", "--check"],
    "doors": ["tools/doors.py", "--check"],
    "reference": ["-m", "tools.reference", "--check"],
    # -E: from scratch, or what was warned of before would not be warned of again.
    "documentation": shlex.split("-m sphinx -W --keep-going -E -q -j auto -b html docs .docs-build"),
}

# Generated files first: they are then formatted like all others.
FIXES = {
    "generated files": ["tools/generate.py"],
    "wire rules": ["tools/rules.py"],
    "doors": ["tools/doors.py"],
    "reference": ["-m", "tools.reference"],
    "ruff check": ["-m", "ruff", "check", "--fix", "."],
    "ruff format": ["-m", "ruff", "format", "."],
}


def check(arguments: list[str]) -> int:
    """Run every check, also those after a failed one."""
    if arguments not in ([], ["--fix"]):
        raise Failure("check takes no argument but --fix, which repairs what can be repaired by machine.")
    os.environ["PYRIGHT_PYTHON_IGNORE_WARNINGS"] = "1"  # or it asks the package index for news of itself
    steps = FIXES if arguments else CHECKS
    began = time.monotonic()
    failed = [name for name, step in steps.items() if not passes(name, step)]
    verdict = f"failed: {', '.join(failed)}" if failed else "all passed"
    print(f"{verdict} ({time.monotonic() - began:.1f} s)")
    return 1 if failed else 0


def passes(name: str, step: list[str]) -> bool:
    """Run one step and print a line on it, followed by what the tool wrote if it failed."""
    print(f"{name:<16} ", end="", flush=True)
    began = time.monotonic()
    status, output = captured([str(PYTHON), *step])
    print(f"{'FAILED' if status else 'ok':<7} {time.monotonic() - began:5.1f} s")
    if status:
        print(output)
    return status == 0


COMMANDS = {
    "demo": Command(
        "A CSMS and charging stations talk over real WebSockets on loopback.",
        module("ocpp_sansio_adapters.cli.demo"),
        tools=False,
    ),
    "test": Command("Run the tests with coverage; with arguments for pytest, a selection without it.", test),
    "check": Command(
        "Check format, lint, types, generated files and docs; with --fix, repair what can be.", check
    ),
    "bench": Command("Measure the time per message, beside mobilityhouse's ocpp.", bench),
    "fuzz": Command("Search for inputs that break the core, until told to stop: fuzz TARGET [--help].", fuzz),
    "mutate": Command(
        "Break the core on purpose, line by line, and see whether the unit tests notice.", mutate
    ),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
