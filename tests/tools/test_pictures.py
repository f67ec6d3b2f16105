import base64

import nbformat
import pictures
import pytest
from nbformat import v4
from tiny_notebooks import REPOSITORY, code, notebook


def drawing(data):
    cell = code("draw()")
    png = {"image/png": base64.b64encode(data).decode()}
    cell.outputs = [v4.new_output("display_data", data=png)]
    return cell


def test_chosen_figures(tmp_path):
    """Is each picture the one of its lesson's figures that was chosen?"""
    (tmp_path / "notebooks").mkdir()
    for number in pictures.PICTURES:
        cells = [code("1"), *(drawing(f"{number}, {index}".encode()) for index in range(4))]
        nbformat.write(notebook(*cells), tmp_path / "notebooks" / f"{number}_lesson.ipynb")
    pictures.main(tmp_path)
    for number, (name, index) in pictures.PICTURES.items():
        written = (tmp_path / "docs" / "pictures" / f"{name}.png").read_bytes()
        assert written == f"{number}, {index}".encode()


def test_too_few_figures(tmp_path):
    """Says a sentence which lesson stores too few pictures?"""
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook(code("1")), tmp_path / "notebooks" / "02_x.ipynb")
    with pytest.raises(ValueError, match="02_x.ipynb stores 0 pictures.*run `make execute"):
        pictures.main(tmp_path)


def test_readme_shows_them():
    """Do README's pictures exist?"""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    names = [name for name, _ in pictures.PICTURES.values()]
    shown = [name for name in names if f"docs/pictures/{name}.png" in readme]
    assert shown and all((REPOSITORY / f"docs/pictures/{name}.png").exists() for name in shown)
