import nbformat
import pytest
import slides
from site_check import faults
from slides import NOTEBOOKS, main, recipe

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    assert main(["--to", str(folder)]) == 0
    assert list(faults(folder)) == []  # nothing is fetched
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}


def test_a_slide_a_lesson(pages):
    """Has each lesson one slide, with a figure that has words and a list to remember?"""
    parts = pages["slides"].split("<section>")[1:]
    assert len(parts) == len(LESSONS)
    for part, path in zip(parts, LESSONS, strict=True):
        assert f"<h1>{path.name[:2]} · " in part
        assert part.count("<img alt=") == 1 and '<img alt=""' not in part
        assert part.count("<li>") >= 3, path.name


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_recipe_ends_before_the_quiz(path):
    """Is the recipe that of the lesson, and nothing after it?"""
    text = recipe(nbformat.read(path, 4))
    assert text.strip() and "## " not in text and "Question" not in text


def test_gallery_hides_the_names(pages):
    """Has the students' sheet a line for each letter, and a figure other than the teacher's?"""
    sheet, answers = pages["gallery"].split("<section>")[1:]
    assert sheet.count("<li>") == sheet.count("<code>") == 14
    (one, two) = (text.partition("base64,")[2].partition('"')[0] for text in (sheet, answers))
    assert one and two and one != two
    assert slides.GALLERY in {path.name for path in LESSONS}
