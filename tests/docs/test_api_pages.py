import re

import pytest
from api_pages import ALL_NAMED, module_sections, modules_without_page
from tiny_notebooks import REPOSITORY

PAGES = REPOSITORY / "docs" / "api"


@pytest.fixture
def package(tmp_path):
    """Make a package of three modules, one of them in a subpackage, and a page for one."""
    files = ("__init__", "_private", "sampling", "plots", "editions/colab", "lessons/lesson_00")
    for name in files:
        path = tmp_path / "tools" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "pages").mkdir()
    page = "## plots\n\n```{eval-rst}\n.. automodule:: tools.plots\n```\n"
    (tmp_path / "pages" / "plots.md").write_text(page, encoding="utf-8")
    return tmp_path / "tools"


def test_modules_without_page(package):
    """Are the modules named that no page has, but none that is private or a lesson's?"""
    found = modules_without_page(package, package.parent / "pages")
    assert found == ["editions.colab", "sampling"]


def test_sections():
    """Does each module get a section, and a page without one say so?"""
    text = module_sections("tools", ["editions.colab", "sampling"])
    assert re.findall(r"automodule:: (.+)", text) == ["tools.editions.colab", "tools.sampling"]
    assert module_sections("tools", []) == ALL_NAMED


def test_pages_name_modules_once():
    """Does each module that a page names exist, and stand on one page only?"""
    pages = [path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")]
    names = re.findall(r"automodule:: course_utils\.([\w.]+)$", "\n".join(pages), flags=re.M)
    assert len(names) == len(set(names))
    missing = [n for n in names if not (REPOSITORY / "course_utils" / f"{n.replace('.', '/')}.py")]
    assert missing == []
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    assert [path.stem for path in PAGES.glob("*.md") if path.stem not in index] == ["index"]
