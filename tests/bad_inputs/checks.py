"""Bad inputs of what surrounds a lesson: checks, quiz, progress."""

import torch

from bad_inputs.data import environment
from course_utils.diagnostics.data_checks import check_batch
from course_utils.diagnostics.model_checks import check_first_loss
from course_utils.teaching.exercises import Case, Exercise, check
from course_utils.teaching.progress import progress_table, record
from course_utils.teaching.quiz import ask

LETTERS = {"A": "yes", "B": "no"}


def row(*arguments):
    return lambda record: record(*arguments)


def batch(images, labels):
    model = torch.nn.Linear(2, 3)
    return lambda check: check(model, images, labels, 3)


def graded(check):
    with environment(NBGRADER_EXECUTION="autograde"):
        check(None, Exercise("02", "core", abs, [Case("a number", (1,))]))


ROWS = {
    "unknown kind of progress": (record, row("02", "marks", "1", 1), ValueError, "'marks'", "quiz"),
    "lesson as a number": (record, row(2, "quiz", "1", 1), TypeError, "lesson is 2", "str"),
    "question as a number": (record, row("02", "quiz", 1, 1), TypeError, "name is 1", "str"),
    "entry that JSON cannot hold": (
        record, row("02", "quiz", "1", {1, 2}), ValueError, "02, quiz, 1", "of type set", "JSON",
    ),
    "entry that is a tensor": (
        record, row("02", "quiz", "1", torch.ones(2)), ValueError, "of type Tensor", "JSON",
    ),
    "entry that holds itself": (
        record, row("02", "quiz", "1", (lambda x: x.append(x) or x)([])),
        ValueError, "list", "JSON",
    ),
    "titles as a list": (
        progress_table, lambda table: table(["01"]), TypeError, "titles is of type list", "Mapping",
    ),
    "right option that is none": (
        ask, lambda ask: ask("02", 1, "?", LETTERS, "C", "so"), ValueError, "'C'", "A, B",
    ),
    "options as a list": (
        ask, lambda ask: ask("02", 1, "?", ["A"], "A", "so"), TypeError, "options is of type list",
    ),
    "exercise without a case": (
        Exercise, lambda make: make("02", "core", abs, []), ValueError, "'core'", "at least one",
    ),
    "reference that is no function": (
        Exercise, lambda make: make("02", "core", 3, [1]), TypeError, "'core'", "is 3", "Callable",
    ),
    "time limit of 0": (
        Exercise, lambda make: make("02", "core", abs, [1], seconds=0), ValueError, "seconds is 0",
    ),
    "exercise that is not attempted, graded": (
        check, graded, AssertionError, "core: not attempted yet",
    ),
    "exercise None": (
        check, lambda check: check(abs, None), TypeError, "exercise is None", "Exercise",
    ),
    "batch without an image": (
        check_batch, batch(torch.ones(0, 2), torch.ones(0).long()),
        ValueError, "(0, 2)", "at least one",
    ),
    "batch with labels too few": (
        check_batch, batch(torch.ones(3, 2), torch.ones(2).long()),
        ValueError, "3 images", "2 labels",
    ),
    "one class": (
        check_first_loss, lambda check: check(0.7, 8, 1), ValueError, "classes is 1", "at least 2",
    ),
    "no images in a batch": (
        check_first_loss, lambda check: check(0.7, 0, 3), ValueError, "images is 0", "at least 1",
    ),
}  # fmt: skip
