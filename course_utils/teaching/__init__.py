"""What makes a notebook a lesson: claims, exercises, predictions, quizzes, progress."""

from course_utils.teaching.claims import (
    Claim,
    claims_table,
    format_interval,
    mean_interval,
    seeds_needed,
)
from course_utils.teaching.exercises import Case, Exercise, check, own_or_reference
from course_utils.teaching.predictions import compare, predict
from course_utils.teaching.progress import progress_table
from course_utils.teaching.quiz import ask, number_questions

__all__ = [
    "Case",
    "Claim",
    "Exercise",
    "ask",
    "check",
    "claims_table",
    "compare",
    "format_interval",
    "mean_interval",
    "number_questions",
    "own_or_reference",
    "predict",
    "progress_table",
    "seeds_needed",
]
