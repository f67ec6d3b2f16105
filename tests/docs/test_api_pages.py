import re

from tiny_notebooks import REPOSITORY

PACKAGE, PAGES = REPOSITORY / "course_utils", REPOSITORY / "docs" / "api"


def test_each_module_stands_on_one_page():
    """Is each module but those of single lessons on one page, and no other one named?"""
    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES.glob("*.md"))
    named = re.findall(r"automodule:: course_utils\.([\w.]+)$", text, flags=re.MULTILINE)
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    parts = [path.parts for path in paths if path.name != "__init__"]
    assert sorted(named) == sorted(".".join(names) for names in parts if names[0] != "lessons")


def test_index_leads_to_each_page():
    """Has the reference's index every page in its table of contents?"""
    index = (PAGES / "index.md").read_text(encoding="utf-8").splitlines()
    assert [path.stem for path in PAGES.glob("*.md") if path.stem not in index] == ["index"]
