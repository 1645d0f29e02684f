"""Every page of the documentation, and the README: its blocks run, and its links lead somewhere."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs import pages
from tests.docs.pages import ROOT

PAGES = pages.pages()


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_blocks_do_what_the_page_says(page: Path, tmp_path: Path) -> None:
    pages.run(page, tmp_path)


@cache
def anchors(page: Path) -> set[str]:
    """What a link into a page may name, as code hosts and MyST make it from the headings."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    headings = re.findall(r"(?m)^#+ (.*)", text)
    return {re.sub(r"[^\w -]", "", heading).lower().strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?", text):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), (target, anchor)
