"""The learner's predictions: recorded before a run, and shown beside its result."""

from __future__ import annotations

import math

from course_utils.teaching.progress import load, record


def predict(lesson: str, question: str, guess: float | str | None, unit: str = "") -> None:
    """Record the learner's guess and print what was recorded; None keeps an older guess.

    A guess is a finite number, also written with its unit ("40 %"), or, where no unit is asked for,
    a text; anything else gets a sentence and is not recorded.
    """
    if guess is None:
        entry = _recorded(lesson, question)
        if (older := _plain(entry.get("guess"))) is None:
            print(f"{question}: no guess yet: replace None by your guess and run this cell again.")
        else:
            print(f"{question}: your guess is {_with_unit(older, entry.get('unit', ''))}.")
        return
    guess = _plain(guess)
    if isinstance(guess, str) and unit:
        number = _plain_number(guess.strip().removesuffix(unit))
        if number is None:
            print(f"{question}: {guess!r} is no number of {unit}: write it in digits, such as 40.")
            return
        guess = number
    if guess is None:
        print(f"{question}: the guess is neither a finite number nor a text: give one of these.")
        return
    record(lesson, "predictions", question, {"guess": guess, "unit": unit})
    print(f"{question}: your guess is {_with_unit(guess, unit)}.")
    if unit == "%" and 0 < guess < 1:
        print(
            f"If you mean {_number(100 * guess)} %, write {_number(100 * guess)} and run it again."
        )
    elif unit == "%" and not 0 <= guess <= 100:
        print("A share lies between 0 and 100 %: if that was a slip, correct it and run it again.")


def compare(lesson: str, question: str, measured: float | str, unit: str = "") -> None:
    """Print the recorded guess beside the measured result, and how far apart they are.

    Args:
        lesson: the lesson's number.
        question: the same text as was given to `predict`.
        measured: the result, a number or a text.
        unit: of the result; left out, the unit of the guess serves.
    """
    entry = _recorded(lesson, question)
    result, unit = _plain(measured), unit or entry.get("unit", "")
    result = str(measured) if result is None else result
    guess = _plain(entry.get("guess"))
    if guess is None:
        print(f"{question}: you made no guess; measured {_with_unit(result, unit)}.")
        return
    print(
        f"{question}: you guessed {_with_unit(guess, entry.get('unit', ''))}; "
        f"measured {_with_unit(result, unit)}: {_distance(guess, result)}."
    )


def _recorded(lesson: str, question: str) -> dict:
    """Return the entry of a guess; another hand may have written anything there."""
    entry = load().get(lesson, {}).get("predictions", {}).get(question)
    return entry if isinstance(entry, dict) else {}


def _distance(guess: float | str, result: float | str) -> str:
    """Say in words how far a guess is from the result."""
    if isinstance(guess, str) or isinstance(result, str):
        return "right" if _bare(guess) == _bare(result) else "not the same"
    if math.isclose(guess, result, rel_tol=0.1):
        return "close, within 10 %"
    direction = "high" if guess > result else "low"
    if guess * result > 0:
        factor = max(guess / result, result / guess)
        if factor >= 2:
            return f"a factor of {_number(factor)} too {direction}"
    return f"{_number(abs(guess - result))} too {direction}"


def _bare(answer: float | str) -> str:
    """Return a text without its case, its last stop and the s of a plural."""
    return str(answer).strip().rstrip(".!").casefold().removesuffix("s")


def _plain(value) -> float | str | None:
    """Turn a number of NumPy or PyTorch into a float; None for what is neither number nor text."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")  # no half of a character
    return _plain_number(value)


def _plain_number(value) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _with_unit(value: float | str, unit: str) -> str:
    return f"{value if isinstance(value, str) else _number(value)} {unit}".rstrip()


def _number(value: float) -> str:
    """Write three digits, without an exponent where a reader would write none."""
    return f"{value:.0f}" if 100 <= abs(value) < 1e7 else f"{value:.3g}"
