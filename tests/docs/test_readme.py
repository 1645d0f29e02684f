"""The README has what a new user looks for; that it runs is the business of `test_pages`."""

from tests.docs.pages import ROOT, blocks

README = ROOT / "README.md"


def test_the_readme_has_programs_and_the_two_commands() -> None:
    programs = [block for block in blocks(README) if block.language == "python"]
    assert programs
    assert all(block.promised for block in programs), "a program is followed by its output"
    text = README.read_text(encoding="utf-8")
    assert "python3 run.py demo" in text
    assert "python3 run.py test" in text
