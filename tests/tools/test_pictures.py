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


def test_first_figures(tmp_path):
    """Is each picture the first figure of its lesson?"""
    (tmp_path / "notebooks").mkdir()
    for number in pictures.PICTURES:
        book = notebook(code("1"), drawing(number.encode()), drawing(b"later"))
        nbformat.write(book, tmp_path / "notebooks" / f"{number}_lesson.ipynb")
    pictures.main(tmp_path)
    for number, name in pictures.PICTURES.items():
        assert (tmp_path / "docs" / "pictures" / f"{name}.png").read_bytes() == number.encode()


def test_no_figure(tmp_path):
    """Says a sentence which lesson stores no picture?"""
    nbformat.write(notebook(code("1")), tmp_path / "02_x.ipynb")
    with pytest.raises(ValueError, match="02_x.ipynb stores no picture: run `make execute"):
        pictures.first_figure(tmp_path / "02_x.ipynb")


def test_readme_shows_them():
    """Do README's pictures exist?"""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    shown = [name for name in pictures.PICTURES.values() if f"docs/pictures/{name}.png" in readme]
    assert shown and all((REPOSITORY / f"docs/pictures/{name}.png").exists() for name in shown)
