"""Entries in the index for headings of the generated pages: each action, datatype and enum of a version."""

from typing import Any

from docutils import nodes
from sphinx.addnodes import index
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class Headings(SphinxTransform):
    """Puts an entry into each section of the third level."""

    default_priority = 400  # once sections have their ids, before Sphinx collects entries

    def apply(self, **kwargs: Any) -> None:
        """Do so on the pages that the configuration names."""
        number = self.config.versions_indexed.get(self.env.docname)
        if number is None:
            return
        for section in list(self.document.findall(nodes.section)):
            chapter = section.parent
            if isinstance(chapter.parent, nodes.section):
                title = section.next_node(nodes.title).astext()
                section.insert(
                    1, index(entries=[("single", f"{title} (OCPP {number})", section["ids"][0], "", None)])
                )


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the extension to Sphinx."""
    app.add_config_value("versions_indexed", {}, "env", (dict,))
    app.add_transform(Headings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
