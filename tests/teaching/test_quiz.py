import pytest

from course_utils.teaching import progress
from course_utils.teaching.quiz import ask

QUESTION = {
    "lesson": "02",
    "number": 1,
    "question": "What does a heavier smoothing do to the steepest point?",
    "options": {"A": "nothing", "B": "it moves to the right"},
    "correct": "B",
    "why": "The average lags behind the losses.",
}


def test_unanswered(capsys):
    """Does an open question show its options and what to do, but neither answer nor reason?"""
    assert ask(**QUESTION) is None
    assert capsys.readouterr().out == (
        "Question 1. What does a heavier smoothing do to the steepest point?\n"
        "  A  nothing\n"
        "  B  it moves to the right\n"
        "No answer yet: replace None by a letter (A, B) and run this cell again.\n"
    )
    assert progress.load() == {}


@pytest.mark.parametrize(
    "answer, right, words",
    [
        ("B", True, "B is right. The average lags"),
        (" b ", True, "B is right. The average lags"),
        ("A", False, "A is not right: B is. The average lags"),
    ],
)
def test_answered(answer, right, words, capsys):
    """Is an answer judged, explained and recorded?"""
    assert ask(**QUESTION, answer=answer) is right
    assert words in capsys.readouterr().out
    letter = answer.strip().upper()
    assert progress.load()["02"]["quiz"]["1"] == {"answer": letter, "right": right}


@pytest.mark.parametrize("answer", ["C", "", 2])
def test_no_such_option(answer, capsys):
    """Is an answer that is no option refused with a sentence, and not recorded?"""
    assert ask(**QUESTION, answer=answer) is None
    output = capsys.readouterr().out
    assert f"{answer!r} is none of A, B" in output and "lags" not in output
    assert progress.load() == {}


def test_long_lines_are_wrapped(capsys):
    """Are long options wrapped and indented, as GitHub does not wrap outputs?"""
    ask(**{**QUESTION, "options": {"A": "word " * 30, "B": "short"}})
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 88
    assert lines[2].startswith("     word")
