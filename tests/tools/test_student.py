import json

import nbformat
import pytest
from editions import EditionError
from editions.committed import read_lessons
from editions.student import ClearWidgetStates, main, student_editions
from nbformat import v4
from notebook_cells import tags
from notebook_exercises import find_exercises
from tiny_notebooks import REPOSITORY, code, notebook

PATHS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def editions():
    """Make the student edition of all lessons."""
    return {name: nbformat.reads(text, 4) for name, text in student_editions(PATHS).items()}


def lesson(name, *, source="def double_solution(x):\n    return 2 * x", tag="solution"):
    """Make the notebook of a lesson with one exercise."""
    stub = code("def double(x):\n    raise NotImplementedError", "exercise")
    hint = v4.new_markdown_cell("<details><summary>Hint</summary>Think.</details>")
    cells = [stub, hint, code("check(double)", "check"), code(source, tag)]
    return notebook(v4.new_markdown_cell(f"# {name}"), *cells, code("1 + 1", prints="2"))


def write(folder, **notebooks):
    for name, book in notebooks.items():
        nbformat.write(book, folder / f"{name}.ipynb")
    return [folder / f"{name}.ipynb" for name in notebooks]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_cells(path, editions):
    """Are all cells but the solutions there, as in the lesson, hints and checks included?"""
    original, edition = read_lessons([path])[path.name], editions[path.name]
    kept = [cell for cell in original.cells if "solution" not in tags(cell)]
    assert [cell.source for cell in edition.cells] == [cell.source for cell in kept]
    assert [cell.metadata for cell in edition.cells] == [cell.metadata for cell in kept]
    for before, after in zip(find_exercises(original), find_exercises(edition), strict=True):
        assert before.solution and not after.solution
        assert (before.name, before.hints) == (after.name, after.hints)
        assert before.check[1].source == after.check[1].source


def test_no_stored_outputs(editions):
    """Are outputs, counts and widgets' states gone?"""
    for book in editions.values():
        cells = [cell for cell in book.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
        assert "widgets" not in book.metadata


def test_no_line_of_a_solution(editions):
    """Is no line of any solution anywhere in the files, two-word lines of everyday code aside?"""
    text = "\n".join(json.dumps(book, ensure_ascii=False) for book in editions.values())
    lines = {
        line.strip()
        for path in PATHS
        for cell in nbformat.read(path, 4).cells
        if "solution" in tags(cell)
        for line in cell.source.splitlines()
    }
    found = {line for line in lines if line and json.dumps(line, ensure_ascii=False)[1:-1] in text}
    assert len(lines) > 5 * len(PATHS)
    assert all(len(line.split()) == 1 for line in found), found


def test_command(tmp_path, capsys):
    """Writes the command one readable file a lesson, and says how many and where?"""
    paths = write(tmp_path, one=lesson("01 · One"), two=lesson("02 · Two"))
    folder = tmp_path / "build" / "student"
    assert main(["--to", str(folder), *map(str, paths)]) == 0
    assert capsys.readouterr().out == f"2 lessons without solutions and outputs: {folder}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["one.ipynb", "two.ipynb"]
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o644
        assert len(nbformat.read(path, 4).cells) == 5


# What is wrong with the second lesson -> the sentence that says so.
REFUSED = {
    "mistyped tag": (
        lesson("02 · Two", tag="soluton"),
        "two.ipynb: Cell 4 has the tag 'soluton', which marks no solution: write 'solution' or",
    ),
    "solution of another lesson": (
        lesson("02 · See `return 2 * x`", source="def double_solution(x):\n    return x + x + 0"),
        "two.ipynb: Cell 0 (source) still holds 'return 2 * x' of a solution: write it otherwise",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(name, tmp_path, capsys):
    """Is nothing at all written where one lesson is refused, and said which one and why?"""
    book, sentence = REFUSED[name]
    paths = write(tmp_path, one=lesson("01 · One"), two=book)
    assert main(["--to", str(tmp_path / "build"), *map(str, paths)]) == 1
    assert capsys.readouterr().err.startswith(sentence)
    assert not (tmp_path / "build").exists()


def test_missing_notebook(tmp_path, capsys):
    """Is a notebook that is not there named, and nothing written?"""
    (path,) = write(tmp_path, one=lesson("01 · One"))
    assert main(["--to", str(tmp_path / "build"), str(path), "nowhere.ipynb"]) == 1
    assert "No such file or directory: 'nowhere.ipynb'" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


def test_all_refusals_at_once(tmp_path):
    """Are the sentences of all refused lessons told in one go?"""
    books = {name: lesson(name, tag="Solution") for name in ("one", "two")}
    with pytest.raises(EditionError) as caught:
        student_editions(write(tmp_path, **books))
    assert [line[:9] for line in str(caught.value).splitlines()] == ["one.ipynb"] * 2 + [
        "two.ipynb"
    ] * 2


def test_clearing():
    """Go the stored states of widgets, and does other metadata stay, also where there are none?"""
    book = notebook(code("1 + 1"))
    expected = dict(book.metadata)
    book.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    for _ in range(2):
        book, _ = ClearWidgetStates()(book, {})
        assert book.metadata == expected
