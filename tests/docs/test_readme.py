"""Every Python program in the README runs as a new user would run it, and prints what the README says."""

import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Document
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def blocks() -> list[tuple[int, str, str]]:
    """Line, language and text of each fenced block, in order."""
    document = Document(README.read_text(encoding="utf-8"), str(README))
    found = FencedCodeBlockLexer(r"\w+")(document)
    return [
        (
            document.text.count("\n", 0, region.start) + 1,
            region.lexemes["language"],
            str(region.lexemes["source"]),
        )
        for region in found
    ]


def programs() -> list[tuple[int, str, str]]:
    """Line and text of each program, with the output that the block after it promises."""
    found = blocks()
    return [
        (line, source, following[2] if following[1] == "output" else "")
        for (line, language, source), following in zip(found, [*found[1:], (0, "", "")], strict=True)
        if language == "python"
    ]


@pytest.mark.parametrize(("line", "source", "output"), programs(), ids=lambda value: str(value)[:12])
def test_a_program_prints_what_is_promised(line: int, source: str, output: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"README.md:{line}\n{done.stderr}"
    assert output, f"README.md:{line}: a program is followed by its output"
    assert done.stdout == output


def test_the_readme_has_programs_and_the_two_commands() -> None:
    assert len(programs()) >= 2
    text = README.read_text(encoding="utf-8")
    assert "python3 run.py demo" in text
    assert "python3 run.py test" in text


def test_every_link_within_the_repository_leads_somewhere() -> None:
    import re

    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
