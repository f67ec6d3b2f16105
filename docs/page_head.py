"""A Sphinx extension for what a page says to others: its description, and where it can be run."""

from __future__ import annotations

from html import escape
from pathlib import Path

from badges import launch_addresses
from docutils import nodes
from editions.colab import is_placeholder, read_project, repository_address
from sphinx.application import Sphinx

LONGEST = 200
PROJECT = read_project(Path(__file__).resolve().parents[1] / "pyproject.toml")


def describe(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Give a page that search engines and messengers can show: its first paragraph, and a title."""
    if doctree is None:
        return
    paragraphs = [p.astext() for p in doctree.findall(nodes.paragraph)]
    text = " ".join((paragraphs or [app.config.project])[0].split())
    if len(text) > LONGEST:
        text = f"{text[:LONGEST].rpartition(' ')[0]} …"
    tags = {
        "og:title": doctree.next_node(nodes.title).astext(),
        "og:description": text,
        "og:type": "article",
        "og:site_name": app.config.html_title,
    }
    lines = [f'<meta property="{name}" content="{escape(value)}">' for name, value in tags.items()]
    lines.append(f'<meta name="description" content="{escape(text)}">')
    context["metatags"] = "\n".join([context.get("metatags", ""), *lines])


def offer_launch(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Give a lesson buttons that open it on Colab and Binder, once the course has an address."""
    address = repository_address(PROJECT)
    if not page.startswith("notebooks/") or is_placeholder(address):
        return
    launches = launch_addresses(address, f"{Path(page).name}.ipynb").items()
    group = {
        "type": "group",
        "tooltip": "Run this lesson",
        "icon": "fas fa-rocket",
        "label": "launch-buttons",
        "buttons": [{"type": "link", "text": name, "url": url} for name, url in launches],
    }
    context["header_buttons"].insert(0, group)


def setup(app: Sphinx) -> dict:
    """Register both; the launch buttons after the theme has made its list of buttons."""
    app.connect("html-page-context", describe)
    app.connect("html-page-context", offer_launch, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
