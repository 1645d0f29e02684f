"""How Sphinx makes the documentation: `python -m sphinx -W --keep-going -E -q -b html docs .docs-build`.

The pages are Markdown that a code host shows as well, so what only Sphinx can do stays out of them, but for
tables of contents and what is drawn from docstrings.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

project = "ocpp-sansio"
author = "The ocpp-sansio authors"
html_title = project

extensions = ["myst_parser", "sphinx.ext.autodoc", "outside", "docstrings", "headings"]
exclude_patterns = ["_*"]

# The address that a path of a file in the repository is added to, once there is a public one. Until then a link
# to a test, an example or a source leads to a copy of it, which is built into the documentation.
outside_address = ""

# Slugs as code hosts make them, so that a link with an anchor leads to the same heading in both places.
myst_heading_anchors = 4

# Docstrings are plain text, in which `this` is code; see the extension.
default_role = "name-or-code"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"  # the order in the sources is that of reading
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

# What is found in the index by the headings of these pages, and the version that they are about.
versions_indexed = {"reference/v16": "1.6", "reference/v201": "2.0.1", "reference/v21": "2.1"}

html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["house.css"]
pygments_dark_style = "github-dark"  # furo's own underlines every import
