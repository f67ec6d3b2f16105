"""Sphinx' settings for the web edition of the course: `make site`.

The source folder is the repository, so that a link between lessons and pages is the same there, on
GitHub and on the site. Nothing is executed: the site shows the outputs that the lessons store.
Nothing is fetched from elsewhere when a page is read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tomllib

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
# The helpers beside this file; the package as it is here; where the badges lead.
sys.path[:0] = [str(DOCS), str(ROOT), str(ROOT / "tools")]

from run_times import run_times_table  # noqa: E402

project = "The practical tricks of training neural networks"
author = "the authors of the course"
project_copyright = "2026, the authors of the course. Code: MIT. Text and figures: CC BY 4.0"
project_table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
release = project_table["version"]

root_doc = "docs/index"
include_patterns = ["docs/**", "notebooks/*.ipynb", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "build", "**/.ipynb_checkpoints"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "docstring_names",
    "glossary_links",
    "mathml",
    "page_head",
]
html_math_renderer = "mathml"

# The lessons: as they are stored, with set-up and solutions folded.
nb_execution_mode = "off"
nb_merge_streams = True
nb_custom_formats = {".ipynb": "lesson_reader.read_lesson"}
# A slider needs a running kernel, and its scripts another host: its still picture or text is shown.
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]

# The pages.
myst_enable_extensions = ["dollarmath", "substitution"]
myst_heading_anchors = 3
myst_substitutions = {
    "run_times": run_times_table(ROOT / "build" / "run_times.json", notebooks=ROOT / "notebooks"),
}

# The package, from its docstrings.
default_role = "name"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True  # `F.cross_entropy`, as it is written, and no address in memory
maximum_signature_line_length = 60  # one argument a line, so that a phone can show it
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
# What has no page here to be linked to: other packages, the package as a whole, single lessons.
nitpick_ignore_regex = [("py:.*", r"(?!course_utils\.(?!lessons\b)).*")]
nitpick_ignore = [
    ("py:class", "course_utils.teaching.time_limit.Result")
]  # a type variable has no page

html_theme = "sphinx_book_theme"
html_title = "Training tricks"
html_logo = html_favicon = "static/logo.svg"
html_theme_options = {
    "logo": {"text": html_title},
    "use_download_button": True,
    "use_fullscreen_button": True,
    "show_toc_level": 2,
    "navbar_persistent": [],  # the search field stands in the sidebar
}
html_static_path = ["static"]
html_css_files = ["course.css"]
html_js_files = ["course.js"]
html_search_scorer = str(DOCS / "search_order.js")
templates_path = ["templates"]
# The address without a page leads to the first one.
html_additional_pages = {"index": "to_first_page.html"}
html_copy_source = True  # what the download button gives
html_show_sphinx = False
