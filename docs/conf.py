"""How the pages of this folder become a site. May decide: how it looks; nothing is fetched, when built or when read."""  # noqa: INP001 - Sphinx reads it by its path

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Tidegate"
author = "The Tidegate project"
project_copyright = "Apache-2.0"
release = version_of("tidegate")

extensions = ["myst_parser", "states"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 3
#: Pages draw state diagrams as Mermaid, which forges show; here ``states.py`` draws the same without a script.
myst_fence_as_directive = ["mermaid"]
nitpicky = True

html_theme = "furo"
html_title = "Tidegate"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "../src/tidegate/console/static/mark.svg"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
