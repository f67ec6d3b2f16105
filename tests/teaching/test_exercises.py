import io
import random
import sys
import threading
import time

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from tiny_notebooks import REPOSITORY

from course_utils.teaching import progress
from course_utils.teaching.exercises import Case, Exercise, check, own_or_reference


def smooth(values, *, beta):
    average, result = 0.0, []
    for step, value in enumerate(values, start=1):
        average = beta * average + (1 - beta) * value
        result.append(average / (1 - beta**step))
    return result


def smooth_uncorrected(values, *, beta):
    average, result = 0.0, []
    for value in values:
        average = beta * average + (1 - beta) * value
        result.append(average)
    return result


def smooth_off_by_one(values, *, beta):
    return [values[step + 1] for step in range(len(values))]


EXERCISE = Exercise(
    lesson="02",
    name="The smoothing",
    reference=smooth,
    cases=(
        Case("no smoothing", ([3.0, 1.0],), {"beta": 0.0}),
        Case("a constant loss", ([2.0, 2.0, 2.0],), {"beta": 0.9}, hint="Try it by hand."),
        Case("a tensor of losses", (torch.arange(5.0),), {"beta": 0.98}),
    ),
    mistakes=(
        (smooth_off_by_one, "The last loss has no next one."),
        (smooth_uncorrected, "The average starts at zero: divide it by 1 - beta**step."),
    ),
    seconds=0.2,
)


def stub(values, *, beta):
    """Smooth the values."""
    raise NotImplementedError


def empty_stub(values, *, beta):
    """Smooth the values."""


@pytest.mark.parametrize(
    "untouched, words",
    [
        (stub, "not attempted yet."),
        (None, "not attempted yet."),
        (..., "not attempted yet."),
        (empty_stub, "not attempted yet, or without `return`: the function returns None."),
        (lambda values, *, beta: NotImplemented, "not attempted yet, or without `return`"),
    ],
)
def test_untouched_stub(untouched, words, capsys):
    """Says the check of an untouched stub just that, and records nothing?"""
    outcome = check(untouched, EXERCISE)
    assert (outcome.passed, outcome.attempted) == (False, False)
    assert outcome.message.startswith(f"The smoothing: {words}")
    assert capsys.readouterr().out == outcome.message + "\n"
    assert progress.load() == {}


def test_right_solution(capsys):
    """Is a right solution told so, and recorded as passed?"""
    outcome = check(lambda values, *, beta: np.array(smooth(values, beta=beta)), EXERCISE)
    assert (outcome.passed, outcome.attempted) == (True, True)
    assert capsys.readouterr().out == "The smoothing: passed, 3 of 3 cases.\n"
    assert progress.load() == {"02": {"exercises": {"The smoothing": True}}}


def test_known_mistake():
    """Does a known mistake get its case, what was expected, what came, its words, and an entry?"""
    outcome = check(smooth_uncorrected, EXERCISE)
    assert (outcome.passed, outcome.attempted) == (False, True)
    assert outcome.message == (
        "The smoothing: not right yet, in case 2 of 3 (a constant loss).\n"
        "Expected [2, 2, 2], got [0.2, 0.38, 0.542].\n"
        "The average starts at zero: divide it by 1 - beta**step."
    )
    words = "The smoothing: The average starts at zero: divide it by 1 - beta**step."
    assert progress.load() == {"02": {"mistakes": {words: True}}}


def test_unknown_mistake():
    """Does a wrong answer that nobody foresaw get the hint of its case, where there is one?"""
    outcome = check(lambda values, *, beta: [(1 - beta) * 3 * v for v in values], EXERCISE)
    assert outcome.message.endswith("case 1 of 3 (no smoothing).\nExpected [3, 1], got [9, 3].")
    outcome = check(lambda values, *, beta: [v + beta for v in values], EXERCISE)
    assert outcome.message.endswith("got [2.9, 2.9, 2.9].\nTry it by hand.")


def test_error_of_the_learner():
    """Is an error told by type, message and line, without traceback, with the known mistake?"""

    def broken(values, *, beta):
        return [values[step + 1] for step in range(len(values))]

    message = check(broken, EXERCISE).message
    line = broken.__code__.co_firstlineno + 1
    assert message == (
        "The smoothing: not right yet, in case 1 of 3 (no smoothing).\n"
        f"IndexError: list index out of range, in line {line} of your cell: "
        "return [values[step + 1] for step in range(len(values))]\n"
        "The last loss has no next one."
    )


def test_other_error_of_the_same_type():
    """Is an error of a mistake's type, but with other words, left without the mistake's?"""

    def broken(values, *, beta):
        raise IndexError("index 3 is out of bounds")

    message = check(broken, EXERCISE).message
    assert "IndexError: index 3" in message and "no next one" not in message


def test_error_inside_a_library():
    """Is the line the learner's own where a library raised, and a long message cut?"""

    def broken(values, *, beta):
        return torch.ones(2) @ torch.ones(3)

    message = check(broken, EXERCISE).message
    assert f"in line {broken.__code__.co_firstlineno + 1} of your cell: return torch" in message
    assert len(message.splitlines()) == 2


def test_other_arguments():
    """Does a function with another first line learn that it is the reason?"""
    message = check(lambda values: values, EXERCISE).message
    assert "TypeError" in message and "first line still that of the stub?" in message


def test_exit():
    """Is even an exit of the learner's code told in a sentence?"""
    assert "SystemExit: 3" in check(lambda values, *, beta: sys.exit(3), EXERCISE).message


def test_ctrl_c():
    """Does Ctrl-C end the check itself, with the generators as before?"""

    def interrupted(values, *, beta):
        raise KeyboardInterrupt

    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        check(interrupted, EXERCISE)
    assert torch.equal(torch.get_rng_state(), state)


def test_error_without_a_line():
    """Is an error told where the function is no plain function and so has no line?"""

    class Broken:
        def __call__(self, values, *, beta):
            raise ValueError("wrong.")

    assert check(Broken(), EXERCISE).message.endswith("ValueError: wrong.")


def test_nothing_in_a_later_case():
    """Is a path without `return` named, where the first case has one?"""
    message = check(lambda v, *, beta: None if beta else list(v), EXERCISE).message
    assert message.endswith(
        "Expected [2, 2, 2], got None.\nDoes every path through the function end in `return`?"
    )


def test_result_in_place_of_the_function():
    """Is a learner who calls the function in the check told to give its name?"""
    message = check([1.0, 2.0], EXERCISE).message
    assert "needs your function, but got [1, 2]" in message and "without parentheses" in message


def test_endless_loop():
    """Ends a loop without end in a sentence?"""

    def endless(values, *, beta):
        while True:
            pass

    message = check(endless, EXERCISE).message
    assert "The function did not end within 0.2 seconds. Does its loop" in message


class Locked(io.StringIO):
    """A stream as a kernel's: who is stopped in `write` takes its lock along."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def write(self, text):
        if not self.lock.acquire(timeout=5):
            raise RuntimeError("the kernel hangs")
        time.sleep(0.001)
        super().write(text)
        self.lock.release()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_endless_print(stream, monkeypatch):
    """Ends an endless print in a sentence too, under a page of it, and works the stream after?"""
    streams = {name: Locked() for name in ("stdout", "stderr")}
    for name, locked in streams.items():
        monkeypatch.setattr(sys, name, locked)

    def endless(values, *, beta):
        while True:
            print("step", file=getattr(sys, stream))

    message = check(endless, EXERCISE).message
    assert "did not end within 0.2 seconds. Does" in message
    assert streams["stdout"].getvalue().endswith(message + "\n")
    page = streams[stream].getvalue().removesuffix(message + "\n")
    assert page == "step\n" * 800 + "\n(The rest of it is cut.)\n"


def test_changed_arguments_do_no_harm():
    """Are the case's own arguments, and the reference, safe from a function that changes them?"""

    def greedy(values, *, beta):
        result = smooth(values, beta=beta)
        values *= 0
        return result

    losses = torch.arange(5.0)
    case = Case("a tensor", (losses,), {"beta": 0.9})
    assert check(greedy, Exercise("02", "copies", reference=smooth, cases=[case])).passed
    assert torch.equal(losses, torch.arange(5.0))


def test_function_that_changes_its_argument():
    """Can an exercise ask for a change of the argument instead of a returned value?"""

    def call(function, parameter):
        function(parameter)
        return parameter

    def right(parameter):
        parameter.mul_(0.5)

    def wrong(parameter):
        parameter = parameter * 0.5  # noqa: F841

    def broken(parameter):
        parameter.no_such_method()

    exercise = Exercise(
        "03",
        "A step in place",
        reference=right,
        cases=[Case("one parameter", (torch.ones(2),))],
        mistakes=[(wrong, "A new tensor was made; the parameter is still the old one.")],
        call=call,
    )
    assert check(right, exercise).passed
    assert check(wrong, exercise).message.endswith(
        "Expected [0.5, 0.5], got [1, 1].\n"
        "A new tensor was made; the parameter is still the old one."
    )
    assert "AttributeError" in check(broken, exercise).message
    assert not check(stub, exercise).passed


def test_random_generators():
    """Are random results repeatable in a check, and the generators as before after it?"""

    def draw(count):
        return [random.random(), np.random.rand(), *torch.rand(count).tolist()]

    exercise = Exercise("01", "Drawing", reference=draw, cases=[Case("two", (2,))])
    torch.manual_seed(1)
    expected = draw(2)[2:]
    torch.manual_seed(1)
    assert check(draw, exercise).passed
    assert draw(2)[2:] == expected


def test_messages_repeat():
    """Is the message the same each time, so that nbval can compare it?"""
    messages = {check(lambda v, *, beta: torch.rand(2), EXERCISE).message for _ in range(3)}
    assert len(messages) == 1


@pytest.mark.parametrize("function", [smooth_uncorrected, stub, None])
def test_grading_raises(function, monkeypatch):
    """Raises a failed or unattempted check, when graded, the sentence that the learner saw?"""
    message = check(function, EXERCISE).message
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(AssertionError) as caught:
        check(function, EXERCISE)
    assert str(caught.value) == message


def test_grading_of_a_pass(monkeypatch):
    """Passes a right solution when graded, without an entry in the grader's own progress?"""
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert check(smooth, EXERCISE).passed
    assert not progress.progress_path().exists()


@pytest.mark.parametrize("grading, stream", [("autograde", "out"), (None, "err")])
def test_warnings_when_graded(grading, stream, monkeypatch, capsys):
    """Go a right answer's warnings to stdout when graded? nbgrader fails a cell with any stderr."""

    def warning(values, *, beta):
        print("a warning", file=sys.stderr)
        return smooth(values, beta=beta)

    if grading:
        monkeypatch.setenv("NBGRADER_EXECUTION", grading)
    assert check(warning, EXERCISE).passed
    captured = capsys.readouterr()._asdict()
    assert "a warning" in captured.pop(stream)
    assert all("a warning" not in text for text in captured.values())


def test_own_function_goes_on(capsys):
    """Does a lesson go on with a function that passes, silently judged and said to be one's own?"""

    def own(values, *, beta):
        print("smoothing")
        return smooth(values, beta=beta)

    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert own_or_reference(own, EXERCISE) is own
    assert torch.equal(torch.get_rng_state(), state)
    assert capsys.readouterr() == ("The smoothing: your own is used.\n", "")
    assert progress.load() == {}


@pytest.mark.parametrize("function", [stub, None, smooth_uncorrected, 3])
@pytest.mark.parametrize("grading", [True, False])
def test_reference_goes_on(function, grading, monkeypatch, capsys):
    """Does it go on with the course's where the own is missing or wrong, graded or not?"""
    if grading:
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert own_or_reference(function, EXERCISE) is smooth
    assert "the course's is used" in capsys.readouterr().out


def test_broken_reference():
    """Is an error of the reference named as one of the course?"""
    exercise = Exercise("02", "core", reference=smooth_off_by_one, cases=EXERCISE.cases)
    with pytest.raises(RuntimeError, match="error of the course"):
        check(smooth, exercise)


CELL = """from course_utils.teaching.exercises import check
from course_utils.teaching.exercises import Case, Exercise

def double(value):
    print("value is", value)
    return value / 0

check(double, Exercise("02", "Doubling", lambda value: 2 * value, [Case("three", (3,))]))
"""


ENDLESS_CELLS = (
    """
def double(value):
    while True:
        pass
""",
    """
def double(value):
    while True:
        try:
            sum(range(100_000))
        except:
            pass
""",
    """
def double(value):
    while True:
        print("value is", value)
""",
    """
import time
def double(value):
    time.sleep(3600)
""",
)
CHECK_ENDLESS = """
check(double, Exercise("02", "Doubling", abs, [Case("three", (3,))], seconds=0.2))
"""


def run_cells(*sources):
    """Run cells in a kernel of their own, on past errors; return the text that each printed."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    root = str(REPOSITORY)
    client = NotebookClient(
        notebook, timeout=500, allow_errors=True, resources={"metadata": {"path": root}}
    )
    client.execute()
    return ["".join(o.get("text", "") for o in cell.outputs) for cell in notebook.cells]


@pytest.mark.slow
def test_endless_code_in_a_notebook():
    """Ends endless code in a sentence in a kernel too, so that the next cells run?"""
    imports = "".join(CELL.splitlines(keepends=True)[:2])
    checks = [cell + CHECK_ENDLESS for cell in ENDLESS_CELLS]
    _, *printed, after = run_cells(imports, *checks, "print(1 + 1)")
    for text in printed:
        assert "The function did not end within 0.2 seconds" in text
    assert after == "2\n"
    # A sleep waits in C code, where nothing of Python reaches it: its thread is left behind.
    assert ["restart the kernel" in text for text in printed] == [False, False, False, True]


@pytest.mark.slow
def test_in_a_notebook():
    """Shows a cell the learner's own print and the message once, with the line in the cell?"""
    (printed,) = run_cells(CELL)
    assert printed == (
        "value is 3\n"
        "Doubling: not right yet, in case 1 of 1 (three).\n"
        "ZeroDivisionError: division by zero, in line 6 of your cell: return value / 0\n"
    )


STUB = "def double(value):\n    raise NotImplementedError"
RIGHT = "def double(value):\n    return 2 * value"
NO_COLON = "def double(value)\n    return 2 * value"
NAME_ERROR = "no_such_name\n" + RIGHT
MAGIC = "%%time\n" + RIGHT
JUDGE = 'check(double, Exercise("02", "Doubling", lambda value: 2 * value, [Case("three", (3,))]));'
USE = JUDGE.replace("check(", "own_or_reference(")


@pytest.mark.slow
def test_older_version_than_the_cell_shows():
    """Is a function left from before a cell that failed not judged, and the reason told?"""
    imports = CELL.splitlines()[0] + ", own_or_reference\n" + CELL.splitlines()[1]
    cells = [imports, STUB, NO_COLON, JUDGE, RIGHT, JUDGE, NO_COLON, JUDGE, USE, NAME_ERROR, JUDGE]
    cells += [RIGHT, JUDGE, MAGIC, JUDGE]
    printed = run_cells(*cells)
    first, passed, second, used, third, again, timed = (
        text for cell, text in zip(cells, printed, strict=True) if cell in (JUDGE, USE)
    )
    assert first == second and first.startswith(
        "Doubling: your newest version did not run (SyntaxError: expected ':', in line 1 of its"
    )
    assert "the course's is used" in used
    assert "an error ended its cell before the function was defined" in third
    assert {passed, again, timed} == {"Doubling: passed, 1 of 1 cases.\n"}
