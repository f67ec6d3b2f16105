"""Lesson 07's gallery: which panel shows what, what gives it away, and the judge of a guess."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """What gives a diagnosis away in the curves (without naming it), and what to do about it."""

    clue: str
    remedy: str


DIAGNOSES = {
    "healthy": Diagnosis(
        "Both curves fall fast, then ever more slowly; at the end they lie close together and low.",
        "Nothing, or train a little longer with a falling learning rate.",
    ),
    "under-fitted": Diagnosis(
        "Both curves bend smoothly and level off together, but high: even the training images are "
        "not learnt.",
        "A larger net, better inputs, less regularisation.",
    ),
    "over-fitted": Diagnosis(
        "The validation curve turns and rises while the training curve goes on towards zero.",
        "More images or augmentation, regularisation, or stop where the validation loss is lowest.",
    ),
    "learning rate too high": Diagnosis(
        "The curves jump up and down from the first epochs on, the validation curve most, and get "
        "no lower.",
        "Run the learning-rate finder, and take less.",
    ),
    "learning rate too low": Diagnosis(
        "Both curves lie on each other, and in the last epoch still fall almost as fast as before.",
        "Run the learning-rate finder, and take more.",
    ),
    "decayed too early": Diagnosis(
        "A steep fall breaks off at a kink, from one epoch to the next; then both lines are flat.",
        "Lower the learning rate later: when the loss has levelled off by itself.",
    ),
    "validation leak": Diagnosis(
        "The training curve goes to zero, and the validation curve goes with it: too good to be "
        "true.",
        "Look for images that are in both sets: remove copies before you split, then split.",
    ),
    "labels shuffled": Diagnosis(
        "The validation curve never gets below the dotted line of guessing, while the training "
        "curve slowly does: it learns by heart.",
        "Look at a batch as the net sees it, each image with its label.",
    ),
    "dropout": Diagnosis(
        "The training curve lies above the validation curve to the end, both low and smooth: the "
        "net is handicapped while it trains.",
        "Nothing: compare with the training images in evaluation mode.",
    ),
    "averaged wrongly": Diagnosis(
        "The training curve jitters around a validation curve that is smooth: the net is steady, "
        "only the number is not.",
        "Weight each batch's mean by its size; `fit` does.",
    ),
}
PANELS = {
    "A": "dropout",
    "B": "learning rate too low",
    "C": "over-fitted",
    "D": "averaged wrongly",
    "E": "healthy",
    "F": "validation leak",
    "G": "decayed too early",
    "H": "learning rate too high",
    "I": "under-fitted",
    "J": "labels shuffled",
}


def judge(guesses: Mapping[str, str | None]) -> None:
    """Print for each panel whether the guess is right, and what gives it away once there is one.

    Args:
        guesses: panel -> one of `DIAGNOSES`, or None while there is no guess.
    """
    right = 0
    for panel, truth in PANELS.items():
        guess = guesses.get(panel)
        clue = DIAGNOSES[truth].clue
        if guess is None:
            words = "no diagnosis yet."
        elif guess not in DIAGNOSES:
            words = f"{guess!r} is none of the ten: take one of {', '.join(DIAGNOSES)}."
        elif guess == truth:
            words = f"right, {truth}. {clue}"
            right += 1
        else:
            words = f"not {guess}. Look again: {clue}"
        _print(f"{panel}  {words}")
    print(f"{right} of {len(PANELS)} right.")


def reveal() -> None:
    """Print what each panel shows, what gives it away, and what to do."""
    for panel, name in PANELS.items():
        diagnosis = DIAGNOSES[name]
        _print(f"{panel}  {name.upper()}. {diagnosis.clue} What to do: {diagnosis.remedy}")


def _print(text: str) -> None:
    print(textwrap.fill(text, width=88, subsequent_indent="   ", break_on_hyphens=False))
