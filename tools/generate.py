"""Writes the message classes of the library from the JSON schemas: `python tools/generate.py [--check]`.

They are committed; it runs when the schemas, the overrides or the look of a class change. Its rooms:
schemas reads and checks, model decides which classes there are, naming how they are spelt, render writes
text; actions and overrides are tables of what the schemas do not say.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it runs as a script, too

from tools import render
from tools.model import Builder
from tools.overrides import DEPARTURES
from tools.schemas import Refused, installed_folder, read_folder

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src" / "ocpp_sansio"


class Version(NamedTuple):
    """What differs between the versions of OCPP, beside their schemas."""

    title: str
    request_suffix: str  # of a request's schema file


VERSIONS = {
    "v16": Version("OCPP 1.6", ""),
    "v201": Version("OCPP 2.0.1", "Request"),
    "v21": Version("OCPP 2.1", "Request"),
}


def main(arguments: list[str], target: Path = TARGET) -> int:
    """Write into the package `target`, or compare with what is there; return the exit status."""
    parser = argparse.ArgumentParser(description="Write the message classes from the JSON schemas.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 and name each file that differs"
    )
    options = parser.parse_args(arguments)
    try:
        texts = {target / name / file: text for name in VERSIONS for file, text in generate(name).items()}
    except Refused as refusal:
        print(f"generate.py: {refusal}", file=sys.stderr)
        return 1
    if options.check:
        return check(texts, target)
    write(texts)
    return 0


def generate(name: str, folder: Path | None = None) -> dict[str, str]:
    """The text of every module of a version, by file name; `folder` replaces the installed schemas."""
    version = VERSIONS[name]
    try:
        schemas = read_folder(folder or installed_folder(name), DEPARTURES[name])
        catalogue = Builder(name, schemas, version.request_suffix).build()
    except Refused as refusal:
        raise Refused(version.title, str(refusal)) from None
    return {file: formatted(text) for file, text in render.modules(version.title, catalogue).items()}


def formatted(text: str) -> str:
    """The text as `ruff format` leaves it under the repository's settings."""
    command = [sys.executable, "-m", "ruff", "format", "--config", str(ROOT / "pyproject.toml"), "-"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode:
        raise Refused("ruff format", done.stderr.decode(errors="replace").strip() or "failed")
    return done.stdout.decode().replace("\r\n", "\n")


def write(texts: dict[Path, str]) -> None:
    """Bring the folders to exactly these files."""
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for path in extra(texts):
        path.unlink()


def check(texts: dict[Path, str], target: Path) -> int:
    """Name each file that writing would change; return 1 if there is one."""
    problems = dict.fromkeys(extra(texts), "should not be there")
    for path, text in texts.items():
        if not path.exists():
            problems[path] = "is missing"
        elif path.read_bytes() != text.encode():
            problems[path] = "is out of date"
    for path, problem in sorted(problems.items()):
        shown = path.relative_to(target).as_posix()
        print(f"generate.py: {shown} {problem}; run `python tools/generate.py`", file=sys.stderr)
    return 1 if problems else 0


def extra(texts: dict[Path, str]) -> list[Path]:
    """Modules in the generated folders that are not generated."""
    return sorted(
        path
        for folder in {path.parent for path in texts}
        for path in folder.glob("*.py")
        if path not in texts
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
