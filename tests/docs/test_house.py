"""docs/_extensions: what they make of links out of the documentation, of headings and of docstrings."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

SOURCE = '''\
"""A module."""

from enum import Enum

import attrs


@attrs.define
class Cup:
    """What `Colour` is in it; `nothing` is not."""

    size: int = 3  # in decilitres
    _secret: str = attrs.field(default="x", alias="_secret")


class Colour(Enum):
    """A colour."""

    RED = 1  # as roses are
'''

PAGE = """\
# A page

## Links

[file](../notes.txt) [page](../notes.md) [folder](../folder) [here](#links)

## Things

### Saucer

```{eval-rst}
.. py:currentmodule:: shelf

.. autoclass:: Cup
.. autoclass:: Colour
```
"""

CONF = """\
extensions = ["myst_parser", "sphinx.ext.autodoc", "outside", "headings", "docstrings"]
myst_heading_anchors = 3
default_role = "name-or-code"
versions_indexed = {"index": "9"}
"""


def built(folder: Path, page: str = PAGE, **settings: str) -> tuple[int, str, str]:
    """Exit status, what was said, and the HTML of a page, built as `check` builds the documentation."""
    docs = folder / "docs"
    (folder / "folder").mkdir(parents=True)
    docs.mkdir()
    (docs / "conf.py").write_text(CONF, encoding="utf-8")
    (docs / "index.md").write_text(page, encoding="utf-8")
    (folder / "shelf.py").write_text(SOURCE, encoding="utf-8")
    (folder / "notes.txt").write_text("notes", encoding="utf-8")
    (folder / "notes.md").write_text("# Notes", encoding="utf-8")
    options = [f"-D{name}={value}" for name, value in settings.items()]
    paths = [str(ROOT / "docs" / "_extensions"), str(folder)]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-W",
            "--keep-going",
            "-E",
            "-q",
            "-b",
            "html",
            *options,
            docs,
            folder / "out",
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    html = folder / "out" / "index.html"
    return done.returncode, done.stderr, html.read_text(encoding="utf-8") if html.exists() else ""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("house")
    status, said, html = built(folder)
    assert (status, said) == (0, "")
    return folder, html


def test_a_link_to_a_file_leads_to_a_copy_of_it(house: tuple[Path, str]) -> None:
    folder, html = house
    copies = re.findall(r'href="(_downloads/\w+/notes\.\w+)"', html)
    assert [Path(copy).suffix for copy in copies] == [".txt", ".md"]
    assert all((folder / "out" / copy).exists() for copy in copies)
    assert not re.search(r"<a [^>]*>(<span[^>]*>)?folder", html)


def test_where_the_repository_has_an_address_links_lead_there(tmp_path: Path) -> None:
    status, said, html = built(tmp_path, outside_address="https://example.com/blob/main/")
    assert (status, said) == (0, "")
    found = re.findall(r'href="https://example\.com/blob/main/([^"]*)"', html)
    assert found == ["notes.txt", "notes.md", "folder"]
    assert not (tmp_path / "out" / "_downloads").exists()


@pytest.mark.parametrize("target", ["../nowhere.txt", "nowhere.md", "#nowhere", "../../outside.txt"])
def test_a_link_that_leads_nowhere_fails(target: str, tmp_path: Path) -> None:
    status, said, _ = built(tmp_path, f"# A page\n\n[link]({target})\n")
    assert status == 1
    assert "nowhere" in said or "outside" in said


def test_headings_of_the_third_level_are_in_the_index(house: tuple[Path, str]) -> None:
    index = (house[0] / "out" / "genindex.html").read_text(encoding="utf-8")
    assert 'href="index.html#saucer">Saucer (OCPP 9)' in index
    assert "Things (OCPP 9)" not in index


def test_docstrings_link_to_what_there_is_and_show_comments(house: tuple[Path, str]) -> None:
    html = house[1]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))
    assert re.search(r'href="#shelf\.Colour"[^>]*><code[^>]*><span class="pre">Colour', html)
    assert '<span class="pre">nothing</span>' in html
    assert "size = 3: in decilitres" in text
    assert "RED = 1: as roses are" in text
    assert "secret" not in text
