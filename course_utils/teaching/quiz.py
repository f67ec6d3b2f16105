"""The quiz at a lesson's end: a question, its options, and the reason once it is answered."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from course_utils._validate import check_type
from course_utils.teaching.progress import record


def ask(
    lesson: str,
    number: int,
    question: str,
    options: Mapping[str, str],
    correct: str,
    why: str,
    answer: str | None = None,
) -> bool | None:
    """Print a question with its options and, once there is an answer, whether it is right and why.

    Args:
        lesson: the lesson's number, under which progress is kept.
        number: of the question in the lesson.
        question: its text.
        options: letter -> text of the option.
        correct: the letter of the right option.
        why: the reason, printed only after an answer.
        answer: the learner's letter, or None while there is none.

    Returns:
        Whether the answer is right; None for no answer, or one that is none of the letters.

    Raises:
        TypeError: the options are no mapping.
        ValueError: `correct` is none of the options' letters.
    """
    check_type("options", options, Mapping)
    letters = ", ".join(options)
    if correct not in options:
        raise ValueError(f"The correct option is {correct!r}, but the options are {letters}.")
    _print(f"Question {number}. {question}")
    for letter, text in options.items():
        _print(f"  {letter}  {text}")
    if answer is None:
        _print(f"No answer yet: replace None by a letter ({letters}) and run this cell again.")
        return None
    chosen = {letter.casefold(): letter for letter in options}.get(str(answer).strip().casefold())
    if chosen is None:
        _print(f"The answer {answer!r} is none of {letters}: give one of these letters.")
        return None
    right = chosen == correct
    record(lesson, "quiz", str(number), {"answer": chosen, "right": right})
    _print(f"{chosen} is right. {why}" if right else f"{chosen} is not right: {correct} is. {why}")
    return right


def number_questions(lesson: str, *questions: dict) -> tuple[dict, ...]:
    """Return a lesson's questions as `ask` takes them, numbered from 1.

    Args:
        lesson: the lesson's number.
        questions: each with "question", "options", "correct" and "why", see `ask`.
    """
    return tuple(
        {"lesson": lesson, "number": number, **question}
        for number, question in enumerate(questions, start=1)
    )


def _print(text: str) -> None:
    indent = "     " if text.startswith("  ") else ""
    print(textwrap.fill(text, width=88, subsequent_indent=indent, break_on_hyphens=False))
