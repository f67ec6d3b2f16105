"""Exercises as a lesson states them: a table of cases, and one of likely mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from course_utils.limits import check_number, check_type


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
            does: returns the same value, or raises an error of the same type.
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
