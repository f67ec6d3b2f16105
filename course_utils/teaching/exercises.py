"""Exercises as tables of cases and likely mistakes, and the check that judges a solution."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from course_utils._validate import check_number, check_type
from course_utils.profiles import is_graded, rng_state, set_rng_state, set_seed
from course_utils.teaching.compare_values import describe, first_difference
from course_utils.teaching.progress import record
from course_utils.teaching.time_limit import run_with_limit

_PAGE = 4000  # characters


def _call(function: Callable, *arguments, **keywords):
    return function(*arguments, **keywords)


@dataclass(frozen=True)
class Case:
    """One call of the learner's function.

    Args:
        description: what is special about it, as "a loss that rises".
        arguments: of the call; every function that is run gets its own copy.
        keywords: further arguments by name.
        hint: said when the case fails and no known mistake explains it.
    """

    description: str
    arguments: Sequence = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""


@dataclass(frozen=True)
class Exercise:
    """An exercise of a lesson, with all that judges a solution of it.

    Args:
        lesson: the lesson's number, under which a pass is recorded.
        name: as it stands in messages and in the progress file.
        reference: a right solution; what it returns is what is expected.
        cases: from simple to hard; the first that fails ends the check.
        mistakes: pairs of a likely wrong solution and what is wrong with it in words. The words
            are said when the learner's function does in the failing case what the wrong solution
            does: returns the same value, or raises the same error, in type and in words.
        call: `call(function, *arguments, **keywords)` runs one case and returns what is compared;
            needed where the result is not the function's return value (a changed argument, say).
        rtol: relative tolerance of numbers.
        atol: absolute tolerance of numbers.
        seconds: limit for one case.

    Raises:
        TypeError: the reference is no function.
        ValueError: there is no case, so that anything would pass; or the limit is not positive.
    """

    lesson: str
    name: str
    reference: Callable
    cases: Sequence[Case]
    mistakes: Sequence[tuple[Callable, str]] = ()
    call: Callable = _call
    rtol: float = 1e-4
    atol: float = 1e-7
    seconds: float = 5.0

    def __post_init__(self):
        if not self.cases:
            raise ValueError(f"The exercise {self.name!r} has no case: give at least one.")
        check_type(f"The reference of {self.name!r}", self.reference, Callable)
        check_number("seconds", self.seconds, above=0)


@dataclass(frozen=True)
class Outcome:
    """What came out of a check: whether it was passed, whether attempted, and the message."""

    passed: bool
    attempted: bool
    message: str

    def _ipython_display_(self) -> None:
        """Show nothing as a cell's last value: `check` has printed the message."""


def check(function: Callable | None, exercise: Exercise) -> Outcome:
    """Judge the learner's function, print one short message, and record a pass.

    The global random generators are seeded before each run and put back at the end, so that the
    message is the same each time and the lesson goes on as if nothing had been checked. A function
    that a newer cell should have replaced, but for an error in it, is not judged.

    Where nbgrader runs the notebook all but a pass raises, which is how nbgrader knows it, and
    warnings are printed to stdout, as it gives no points to a cell with anything on stderr.

    What the functions print comes before the message, a page of it at most.

    Args:
        function: the learner's function; an untouched stub raises NotImplementedError, returns
            nothing, or is None or `...`.
        exercise: what to judge it by.

    Raises:
        AssertionError: nbgrader runs the notebook, and the check is failed or not attempted.
        TypeError: `exercise` is no `Exercise`.
    """
    check_type("exercise", exercise, Exercise)
    printed, warned = _Page(), _Page()
    try:
        outcome = _judge_apart(function, exercise, printed, warned)
    finally:
        print(printed.text(), end="")
        print(warned.text(), end="", file=sys.stdout if is_graded() else sys.stderr)
    if outcome.attempted and not outcome.passed:  # for the teacher's view of the class
        words = outcome.message.splitlines()[-1]
        record(exercise.lesson, "mistakes", f"{exercise.name}: {words}", True)
    if is_graded() and not outcome.passed:
        raise AssertionError(outcome.message)
    if outcome.passed:
        record(exercise.lesson, "exercises", exercise.name, True)
    print(outcome.message)
    return outcome


def own_or_reference(function: Callable | None, exercise: Exercise) -> Callable:
    """Return the learner's function where it passes the check, else the course's, and say which.

    So a lesson goes on with what the learner wrote, and runs to its end where nothing is written.

    Args:
        function: the learner's function, solved or not.
        exercise: what to judge it by.

    Raises:
        TypeError: `exercise` is no `Exercise`.
    """
    check_type("exercise", exercise, Exercise)
    if _judge_apart(function, exercise, _Page(), _Page()).passed:
        print(f"{exercise.name}: your own is used.")
        return function
    print(f"{exercise.name}: the course's is used, as yours does not pass the check yet.")
    return exercise.reference


class _Page(io.StringIO):
    """The first page of what is printed.

    A kernel's own stream has a lock; code that is stopped while it holds that hangs the kernel.
    """

    def write(self, text: str) -> int:
        super().write(text[: max(_PAGE + 1 - self.tell(), 0)])
        return len(text)

    def text(self) -> str:
        text = self.getvalue()
        return text if len(text) <= _PAGE else f"{text[:_PAGE]}\n(The rest of it is cut.)\n"


@dataclass(frozen=True)
class _Run:
    """What one run of a case did: the value compared or the error, and whether it gave nothing."""

    value: Any
    error: BaseException | None
    nothing: bool

    def difference(self, expected: _Run, exercise: Exercise) -> str | None:
        if self.error is not None or expected.error is not None:
            return None if _first_words(self) == _first_words(expected) else "an error"
        return first_difference(expected.value, self.value, rtol=exercise.rtol, atol=exercise.atol)


def _first_words(run: _Run) -> tuple[type, str]:
    """Return an error's type and the first line of its message."""
    return type(run.error), str(run.error).partition("\n")[0]


def _judge_apart(
    function: Callable | None, exercise: Exercise, printed: _Page, warned: _Page
) -> Outcome:
    """Judge on pages of its own, and leave the random generators as they were."""
    state = rng_state()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(warned):
            return _judge(function, exercise)
    finally:
        set_rng_state(state)


def _judge(function: Callable | None, exercise: Exercise) -> Outcome:
    name, count = exercise.name, len(exercise.cases)
    untouched = Outcome(False, False, f"{name}: not attempted yet.")
    if function is None or function is Ellipsis:
        return untouched
    if not callable(function):
        words = f"{name}: the check needs your function, but got {describe(function)}"
        return Outcome(False, True, f"{words}: give its name alone, without parentheses.")
    failed = _newer_version_failed(function)
    if failed:
        words = (
            f"{name}: your newest version did not run ({failed}), so that Python still has the one "
            "before it, which is not judged.\nMend the newest, run its cell, then this one."
        )
        return Outcome(False, True, words)
    for number, case in enumerate(exercise.cases, start=1):
        run = _run(function, case, exercise)
        if number == 1 and isinstance(run.error, NotImplementedError):
            return untouched
        if number == 1 and run.nothing:
            words = "not attempted yet, or without `return`: the function returns None."
            return Outcome(False, False, f"{name}: {words}")
        words = _failure(function, run, case, exercise)
        if words:
            start = f"{name}: not right yet, in case {number} of {count} ({case.description})."
            return Outcome(False, True, f"{start}\n{words}")
    return Outcome(True, True, f"{name}: passed, {count} of {count} cases.")


def _newer_version_failed(function: Callable) -> str | None:
    """Say why a later cell, which should have defined the function anew, did not; None if none is.

    A cell that ends in an error before its `def` is reached, as with any SyntaxError, leaves the
    function of an earlier cell behind.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    code = getattr(inspect.unwrap(function), "__code__", None)
    if shell is None or code is None:
        return None
    start = re.compile(rf"^(?:async )?def +{re.escape(code.co_name)}\b", re.MULTILINE)
    cells = [cell.rstrip() for cell in shell.history_manager.input_hist_parsed]
    versions = [cell for cell in cells if start.search(cell)]
    source = "".join(linecache.getlines(code.co_filename)).rstrip()
    if source not in versions or source == versions[-1]:
        return None
    try:
        compile(versions[-1], "cell", "exec")
    except SyntaxError as error:
        return f"{type(error).__name__}: {error.msg}, in line {error.lineno} of its cell"
    return "an error ended its cell before the function was defined"


def _run(function: Callable, case: Case, exercise: Exercise) -> _Run:
    """Run one case on copies of its arguments, from the same seed, within the limit of time."""
    returned, value, error = [], None, None

    def noting(*arguments, **keywords):
        returned.clear()
        returned.append(function(*arguments, **keywords))
        return returned[0]

    arguments, keywords = copy.deepcopy((tuple(case.arguments), dict(case.keywords)))
    set_seed(0)
    try:
        value = run_with_limit(
            lambda: exercise.call(noting, *arguments, **keywords), seconds=exercise.seconds
        )
    except KeyboardInterrupt:
        raise
    except BaseException as caught:  # SystemExit of the learner's included
        error = caught
    nothing = any(item is None or item is NotImplemented for item in returned)
    return _Run(value, error, nothing and (value is None or value is NotImplemented))


def _failure(function: Callable, run: _Run, case: Case, exercise: Exercise) -> str | None:
    """Say what is wrong with a run, and the likely mistake; None where it is right."""
    expected = _run(exercise.reference, case, exercise)
    if expected.error is not None:
        raise RuntimeError(
            f"The reference of {exercise.name!r} fails in case {case.description!r}: "
            "this is an error of the course, not yours."
        ) from expected.error
    difference = run.difference(expected, exercise)
    if difference is None:
        return None
    hint = case.hint
    if run.nothing:
        hint = "Does every path through the function end in `return`?"
        difference = f"expected {describe(expected.value)}, got None"
    words = f"{difference[0].upper()}{difference[1:]}."
    if run.error is not None and not run.nothing:
        words = _error_in_words(function, run.error)
    for mistake, explanation in exercise.mistakes:
        if run.difference(_run(mistake, case, exercise), exercise) is None:
            hint = explanation
            break
    return f"{words}\n{hint}" if hint else words


def _error_in_words(function: Callable, error: BaseException) -> str:
    """Name an error of the learner's code and its line there; no traceback."""
    if isinstance(error, TimeoutError):
        return f"{error} Does its loop come to an end?"
    words = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}".rstrip(": .")
    code = getattr(function, "__code__", None)
    steps = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in steps if code and frame.f_code.co_filename == code.co_filename]
    if lines:
        text = linecache.getline(code.co_filename, lines[-1]).strip()
        return f"{words}, in line {lines[-1]} of your cell: {text}"
    if isinstance(error, TypeError):  # most often: called with arguments that it does not take
        return f"{words}. Is the function's first line still that of the stub?"
    return f"{words}."
