import io
import random
import re

import numpy as np
import pytest
import torch

from course_utils._random import rng_state, set_rng_state, set_seed
from course_utils._validate import shown


def draw():
    return random.random(), random.gauss(0, 1), np.random.normal(), torch.rand(3).tolist()


def test_same_seed_same_draws():
    """Does one seed repeat Python's, NumPy's and PyTorch's draws, and another one not?"""
    set_seed(3)
    first = draw()
    set_seed(3)
    assert draw() == first
    set_seed(4)
    second = draw()
    assert all(a != b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("kind", [np.int64, np.uint32])
def test_seed_of_numpy(kind):
    """Is a seed of NumPy's integers, as of an array of seeds, the same as Python's?"""
    set_seed(3)
    wanted = draw()
    set_seed(kind(3))
    assert draw() == wanted


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", True, None])
def test_bad_seed(seed):
    """Does a seed that NumPy would refuse raise a sentence that names it?"""
    with pytest.raises(ValueError, match=f"^seed is {re.escape(shown(seed))}"):
        set_seed(seed)


def test_rng_state_round_trip():
    """Are the next draws the same after a round trip through a weights-only file?"""
    set_seed(5)
    random.gauss(0, 1), np.random.normal()  # leaves a second value waiting in both generators
    file = io.BytesIO()
    torch.save(rng_state(), file)
    expected = draw()
    file.seek(0)
    set_rng_state(torch.load(file, weights_only=True))
    assert draw() == expected
