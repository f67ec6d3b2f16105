from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is in the optional group `site`")

from docutils import nodes
from docutils.core import publish_doctree
from glossary_links import link_first_uses, read_terms

GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
SMALL = """
| English | 中文 | What it means | Lesson |
| --- | --- | --- | --- |
| batch, mini-batch | 批次 | Images of `one` step. | [06](../notebooks/06.ipynb) |
| batch size | 批大小 | How many. | [06](../notebooks/06.ipynb) |
| intersection over union (IoU) | 交并比 | A share. | [01](a.ipynb), [09](b.ipynb) |
| precision | 精确率 | A share. | [01](a.ipynb) |
"""
BATCH, SIZE, IOU = "term-batch-mini-batch", "term-batch-size", "term-intersection-over-union-iou"


def links(text):
    """Return the links that a page gets: words, the row's id, what is shown of it."""
    doctree = publish_doctree(text)
    before = doctree.astext()
    link_first_uses(doctree, read_terms(SMALL), "g.html")
    assert doctree.astext() == before
    found = [n for n in doctree.findall(nodes.reference) if "term" in n["classes"]]
    return [(n.astext(), n["refuri"].partition("#")[2], n["reftitle"]) for n in found]


def test_names_of_a_row():
    """Is a word known by each name that its row has, and its meaning without marks of code?"""
    assert read_terms(SMALL) == {
        "batch": (BATCH, "Images of one step."),
        "mini-batch": (BATCH, "Images of one step."),
        "batch size": (SIZE, "How many."),
        "intersection over union": (IOU, "A share."),
        "iou": (IOU, "A share."),
        "precision": ("term-precision", "A share."),
    }


@pytest.mark.parametrize(
    "text, expected",
    [
        ("A batch, then a batch.", [("batch", BATCH)]),
        ("Batches are *mini-batches*.", [("Batches", BATCH)]),
        ("The batch size, **batch** by batch.", [("batch size", SIZE), ("batch", BATCH)]),
        ("An IoU of .3.", [("IoU", IOU)]),
        ("`batch_ <a.html>`__ and ``batch``, unbatched, batch-wise, batched.", []),
        ("Mixed precision, then precision.", [("precision", "term-precision")]),
        ("Batch\n=====\n\nNothing else.\n", []),
    ],
)
def test_first_use(text, expected):
    """Is the first use in running text a link, and neither code, a link, a title nor a part?"""
    assert [(word, row) for word, row, _ in links(text)] == expected


def test_rows_of_the_glossary():
    """Is every row of the course's glossary read, each word in one row?"""
    text = GLOSSARY.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if "../notebooks/" in line]
    terms = read_terms(text)
    assert len({row for row, _ in terms.values()}) == len(rows)
    assert "test set" in terms and "training" not in terms
