import copy

import pytest
from nbformat import v4
from notebook_rules import TAGS
from tiny_notebooks import code, notebook

from course_utils.editions import EditionError
from course_utils.editions.near_misses import RefuseNearMisses, is_near_miss, near_misses

SOLUTION = "def double_solution(x):\n    return 2 * x"


def exercise(*tags, source=SOLUTION, **metadata):
    """Make a notebook with an exercise and a cell for its solution, with these tags."""
    solution = code(source, *tags)
    solution.metadata.update(metadata)
    return notebook(code("def double(x):\n    raise NotImplementedError", "exercise"), solution)


def test_right_marker():
    """Passes a notebook with the right marker through as it is?"""
    book = exercise("solution", jupyter={"source_hidden": True})
    before = copy.deepcopy(book)
    assert near_misses(book) == []
    assert RefuseNearMisses()(book, {})[0] == before


@pytest.mark.parametrize(
    "tag",
    [
        *("Solution", "solutions", "soluton", "SOLUTION", "soltuion", "sollution", "solution1"),
        *("my-solution", "solution ", " solution", "the solution"),
    ],
)
def test_mistyped_tag(tag):
    """Is a tag refused that may have been meant to be `solution`, in a sentence that shows it?"""
    book = exercise("solution", tag)
    with pytest.raises(EditionError) as caught:
        RefuseNearMisses()(book, {})
    assert str(caught.value) == (
        f"Cell 1 has the tag {tag!r}, which marks no solution: write 'solution' or another word."
    )


@pytest.mark.parametrize(
    "tag", [*sorted(TAGS), "timeout-300", "hide-input", "slide", "skip", "absolute"]
)
def test_other_tags(tag):
    """Are the course's other tags, and those of other tools, left alone?"""
    assert not is_near_miss(tag)


@pytest.mark.parametrize("metadata", [{"solution": True}, {"Solution": {}}, {"solutions": []}])
def test_marker_in_the_metadata(metadata):
    """Is a solution refused that is marked beside its tags?"""
    (words,) = near_misses(exercise("solution", **metadata))
    assert words.startswith(f"Cell 1 has {next(iter(metadata))!r} in its metadata")


def test_tags_that_are_no_list():
    """Is a text in the place of the list of tags refused, which nbconvert reads as letters?"""
    book = exercise("solution")
    book.cells[1].metadata["tags"] = "solution"
    (words,) = near_misses(book)
    assert words.startswith("Cell 1 has tags that are no list")


@pytest.mark.parametrize("marker", ["### BEGIN SOLUTION", "# END SOLUTION", "# to_remove_solution"])
def test_markers_of_other_tools(marker):
    """Is the marker of another tool refused outside of a solution, and harmless in one?"""
    source = f"x = 1\n    {marker}\ny = 2"
    book = exercise("solution", source=source)
    assert near_misses(book) == []
    book.cells[0].source = source
    (words,) = near_misses(book)
    assert words.startswith(f"Cell 0 holds the marker {marker!r} of another tool")


def test_solution_without_its_tag():
    """Is an exercise refused whose solution is not marked at all, and so would stay?"""
    (words,) = near_misses(exercise())
    assert words.startswith("1 code cells are tagged 'exercise' and 0 'solution'")


def test_text_is_no_solution():
    """Does a text that is marked as a solution not stand for the code?"""
    book = exercise()
    book.cells.append(v4.new_markdown_cell("It doubles.", metadata={"tags": ["solution"]}))
    assert len(near_misses(book)) == 1
