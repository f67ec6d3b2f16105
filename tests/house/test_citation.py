import pytest
import yaml
from editions.colab import read_project
from tiny_notebooks import REPOSITORY

CITATION = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
PROJECT = read_project(REPOSITORY / "pyproject.toml")
# What version 1.2.0 of the Citation File Format requires, and what of the rest is used here.
REQUIRED = {"cff-version", "message", "title", "authors"}
USED = {"abstract", "type", "version", "license", "keywords"}


def test_form():
    """Is all there that the format requires, and no key that is mistyped?"""
    assert CITATION["cff-version"] == "1.2.0"
    assert REQUIRED <= set(CITATION) <= REQUIRED | USED
    assert CITATION["type"] in ("software", "dataset")
    assert all(author.keys() == {"name"} for author in CITATION["authors"])


@pytest.mark.parametrize(
    "key, value",
    [
        ("version", PROJECT["version"]),
        ("license", PROJECT["license"].split(" AND ")),
    ],
)
def test_agrees_with_the_project(key, value):
    """Does it name the version and the licences that pyproject.toml names?"""
    assert CITATION[key] == value


def test_title_is_the_readmes():
    """Is the title that of README.md?"""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert f"# {CITATION['title']}\n" in readme
