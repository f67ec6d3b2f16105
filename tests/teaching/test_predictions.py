import json

import numpy as np
import pytest
import torch

from course_utils.teaching import progress
from course_utils.teaching.predictions import compare, predict


def test_no_guess(path, capsys):
    """Does None say what to do, record nothing, and read well beside the result?"""
    predict("02", "Best LR", None)
    compare("02", "Best LR", 0.05)
    assert capsys.readouterr().out == (
        "Best LR: no guess yet: replace None by your guess and run this cell again.\n"
        "Best LR: you made no guess; measured 0.05.\n"
    )
    assert not path.exists()


def test_none_keeps_an_older_guess(capsys):
    """Comes a guess of an earlier session back, though the cell holds None again?"""
    predict("02", "Best LR", 0.3)
    predict("02", "Best LR", None)
    compare("02", "Best LR", 0.05)
    out = capsys.readouterr().out
    assert out.count("Best LR: your guess is 0.3.\n") == 2
    assert "you guessed 0.3; measured 0.05" in out


@pytest.mark.parametrize("guess", [3, 3.0, np.float32(3), np.array(3), torch.tensor([3])])
def test_kinds_of_numbers(guess, path, capsys):
    """Is a number of Python, NumPy or PyTorch recorded as a plain one, with its unit?"""
    predict("02", "How long", guess, unit="seconds")
    assert capsys.readouterr().out == "How long: your guess is 3 seconds.\n"
    kept = json.loads(path.read_text())["02"]["predictions"]["How long"]
    assert kept == {"guess": 3.0, "unit": "seconds"}


@pytest.mark.parametrize("guess", [[1, 2], float("nan"), {}, torch.ones(2), ...])
def test_no_proper_guess(guess, path, capsys):
    """Is a guess that no result could be compared with answered by a sentence?"""
    predict("02", "Best LR", guess)
    assert "neither a finite number nor a text" in capsys.readouterr().out
    assert not path.exists()


@pytest.mark.parametrize(
    "guess, measured, words",
    [
        (0.3, 0.05, "you guessed 0.3; measured 0.05: a factor of 6 too high."),
        (0.001, 0.03, "you guessed 0.001; measured 0.03: a factor of 30 too low."),
        (-1, -3, "you guessed -1; measured -3: a factor of 3 too high."),
        (80, 82, "you guessed 80; measured 82: close, within 10 %."),
        (60, 82, "you guessed 60; measured 82: 22 too low."),
        (500, 781, "you guessed 500; measured 781: 281 too low."),
        (1, -0.5, "you guessed 1; measured -0.5: 1.5 too high."),
        (0, 1560, "you guessed 0; measured 1560: 1560 too low."),
        (0, 0, "you guessed 0; measured 0: close, within 10 %."),
        (" 1Cycle", "1cycle", "you guessed  1Cycle; measured 1cycle: right."),
        ("Clouds.", "cloud", "you guessed Clouds.; measured cloud: right."),
        ("step decay", "1cycle", "you guessed step decay; measured 1cycle: not the same."),
        (2, float("nan"), "you guessed 2; measured nan: not the same."),
        (2, torch.tensor(2.0), "you guessed 2; measured 2: close, within 10 %."),
    ],
)
def test_guess_beside_result(guess, measured, words, capsys):
    """Says the comparison in words how far, and in which direction, the guess is off?"""
    predict("02", "Best LR", guess)
    capsys.readouterr()
    compare("02", "Best LR", measured)
    assert capsys.readouterr().out == f"Best LR: {words}\n"


def test_units(capsys):
    """Has the result the unit of the guess where it is given none of its own?"""
    predict("02", "Accuracy", 50, unit="%")
    capsys.readouterr()
    compare("02", "Accuracy", 83.25)
    compare("02", "Accuracy", 83.25, unit="percent")
    assert capsys.readouterr().out == (
        "Accuracy: you guessed 50 %; measured 83.2 %: 33.2 too low.\n"
        "Accuracy: you guessed 50 %; measured 83.2 percent: 33.2 too low.\n"
    )


@pytest.mark.parametrize("guess", ["40%", " 40 % ", "40"])
def test_number_as_a_text(guess, capsys):
    """Is a number that was typed with its unit, or in quotes, a number?"""
    predict("02", "Accuracy", guess, unit="%")
    compare("02", "Accuracy", 80)
    assert "40 %; measured 80 %: a factor of 2 too low" in capsys.readouterr().out


@pytest.mark.parametrize("guess, asked", [(0.8, True), (1, False), (80, False)])
def test_fraction_for_per_cent(guess, asked, capsys):
    """Is a fraction, where per cent are asked for, asked about?"""
    predict("02", "Accuracy", guess, unit="%")
    assert ("If you mean 80 %, write 80" in capsys.readouterr().out) == asked


@pytest.mark.parametrize("guess, asked", [(700, True), (-5, True), (0, False), (100, False)])
def test_share_that_is_none(guess, asked, capsys):
    """Is a share below nothing or above the whole asked about?"""
    predict("02", "Accuracy", guess, unit="%")
    assert ("A share lies between 0 and 100 %" in capsys.readouterr().out) == asked


def test_text_where_a_number_is_asked_for(path, capsys):
    """Is a number in letters refused, which no result could be compared with?"""
    predict("02", "Accuracy", "eighty", unit="%")
    assert capsys.readouterr().out == (
        "Accuracy: 'eighty' is no number of %: write it in digits, such as 40.\n"
    )
    assert not path.exists()


def test_half_a_character():
    """Is a text kept that holds half of a pair of UTF-16, which no file can, but for that half?"""
    predict("02", "Best LR", "0.1 \ud83d")
    assert progress.load()["02"]["predictions"]["Best LR"]["guess"] == "0.1 ?"


@pytest.mark.parametrize("entry", ["0.3", '{"guess": [0.3]}', '{"guess": {}, "unit": [1]}'])
def test_foreign_entry(path, capsys, entry):
    """Is an entry that another hand has written in another form taken for no guess?"""
    path.parent.mkdir()
    path.write_text(f'{{"02": {{"predictions": {{"Best LR": {entry}}}}}}}')
    compare("02", "Best LR", 0.05)
    assert "you made no guess" in capsys.readouterr().out
