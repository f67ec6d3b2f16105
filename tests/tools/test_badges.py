import pytest
from badges import badges, with_badges
from editions.colab import read_project, repository_address
from tiny_notebooks import REPOSITORY

PUBLIC = "https://github.com/ann/tricks"
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_readme_is_up_to_date():
    """Do README.md's badges lead to the repository that pyproject.toml names?"""
    address = repository_address(read_project(REPOSITORY / "pyproject.toml"))
    assert with_badges(README, address) == README


def test_new_address():
    """Does a new address reach both badges, and the sentence on the placeholder vanish?"""
    changed = with_badges(README, PUBLIC)
    assert "OWNER/REPO" not in changed
    assert "https://colab.research.google.com/github/ann/tricks/blob/colab/00" in changed
    assert "https://mybinder.org/v2/gh/ann/tricks/HEAD?urlpath=lab/tree/notebooks/00" in changed
    assert with_badges(changed, PUBLIC) == changed


def test_badges_name_a_notebook_that_is_there():
    """Is the notebook that both badges open one of the course's?"""
    name = badges(PUBLIC).rpartition("/")[2].rstrip(")\n")
    assert (REPOSITORY / "notebooks" / name).is_file()


def test_no_place():
    """Is a README without a place for badges refused?"""
    with pytest.raises(ValueError, match="0 places for badges"):
        with_badges("# A course\n", PUBLIC)
