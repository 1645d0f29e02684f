"""Links out of the documentation: to a test, an example, a source, the changelog.

In the pages they are relative, as code hosts want them. Here they become links into the repository, if that has
an address, or else downloads of a copy, and plain words where a folder is meant.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from docutils import nodes
from sphinx.addnodes import download_reference, pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

Link = download_reference | pending_xref


class Outside(SphinxTransform):
    """Settles the links of a page that lead to what is no page."""

    default_priority = 400  # before Sphinx collects what is to be downloaded

    def apply(self, **kwargs: Any) -> None:
        """Replace each of them."""
        for link in [*self.document.findall(download_reference), *self.document.findall(pending_xref)]:
            path = self.path_of(link)
            if path is not None:
                link.replace_self(self.settled(link, path))

    def path_of(self, link: Link) -> Path | None:
        """Where a link of Markdown leads, if that is outside of the documentation and there."""
        if link.get("reftype") != "myst":
            return None
        page = Path(self.env.doc2path(self.env.docname))
        target = link["reftarget"].partition("#")[0]
        # MyST has taken the suffix off, because it believes that all Markdown is ours.
        path = (page.parent / (f"{target}.md" if link["refdomain"] == "doc" else target)).resolve()
        root = Path(self.app.srcdir).parent
        is_outside = path.is_relative_to(root) and not path.is_relative_to(self.app.srcdir)
        return path if is_outside and path.exists() else None

    def settled(self, link: Link, path: Path) -> nodes.Node | list[nodes.Node]:
        """What stands in its place."""
        page = Path(self.env.doc2path(self.env.docname))
        relative = os.path.relpath(path, page.parent)
        if self.config.outside_address:
            inside = path.relative_to(Path(self.app.srcdir).parent).as_posix()
            address = urljoin(self.config.outside_address, inside)
            return nodes.reference("", "", *link.children, refuri=address, internal=False)
        if path.is_dir():
            return link.children
        return download_reference("", "", *link.children, refdoc=self.env.docname, reftarget=relative)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the extension to Sphinx."""
    app.add_config_value("outside_address", "", "env", (str,))
    app.add_transform(Outside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
