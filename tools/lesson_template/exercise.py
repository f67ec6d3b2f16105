"""Exercise and quiz of lesson NN, TITLE."""

from __future__ import annotations

from course_utils.teaching import Case, Exercise


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


EXERCISE = Exercise(
    lesson="NN",
    name="mean",
    reference=_mean,
    cases=[
        Case("two values", ([1.0, 3.0],), hint="Their sum is 4."),
        Case("values of both signs", ([-1.5, 0.0, 4.5, 7.0],)),
    ],
    mistakes=[
        (sum, "This is the sum; divide it by the number of values."),
        (
            lambda values: sorted(values)[len(values) // 2],
            "This is the middle one of the sorted values, the median.",
        ),
    ],
)

QUIZ = (
    {
        "lesson": "NN",
        "number": 1,
        "question": "To write: a question that the lesson answers?",
        "options": {"A": "A likely mistake.", "B": "The answer.", "C": "Another mistake."},
        "correct": "B",
        "why": "To write: why it is so.",
    },
)
