from types import SimpleNamespace

import pytest

pytest.importorskip("sphinx", reason="Sphinx is in the optional group `site`")

import page_head
from docutils.core import publish_doctree
from page_head import LONGEST, describe, offer_launch

APP = SimpleNamespace(config=SimpleNamespace(project="A course", html_title="Tricks"))


def test_description():
    """Is a page described by its first paragraph, cut between words, with nothing unescaped?"""
    words = 'A "loss" & more. ' * 30
    tree = publish_doctree(f"=====\nTitle\n=====\n\nSection\n=======\n\n{words}\n\nMore.")
    context = {"metatags": "<meta>"}
    describe(APP, "docs/x", "page.html", context, tree)
    first, *lines = context["metatags"].splitlines()
    assert first == "<meta>" and '<meta property="og:title" content="Title">' in lines
    description = lines[-1].partition('content="')[2].removesuffix('">')
    assert description.startswith("A &quot;loss&quot; &amp; more.") and description.endswith(" …")
    assert len(description.replace("&quot;", '"').replace("&amp;", "&")) <= LONGEST + 2


@pytest.mark.parametrize(
    "address, page, count",
    [
        ("https://github.com/ann/tricks", "notebooks/02_lr_finder", 2),
        ("https://github.com/ann/tricks", "docs/index", 0),
        ("https://github.com/OWNER/REPO", "notebooks/02_lr_finder", 0),
    ],
)
def test_launch(monkeypatch, address, page, count):
    """Has a lesson, and no other page, its buttons as soon as the course has an address?"""
    monkeypatch.setattr(page_head, "PROJECT", {"urls": {"Repository": address}})
    context = {"header_buttons": []}
    offer_launch(APP, page, "page.html", context, None)
    buttons = [button for group in context["header_buttons"] for button in group["buttons"]]
    assert len(buttons) == count
    assert all("ann/tricks" in b["url"] and "02_lr_finder.ipynb" in b["url"] for b in buttons)
