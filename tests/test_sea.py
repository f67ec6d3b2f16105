import numpy as np
import pytest
from numpy.random import default_rng

from course_utils.sea import Sea, paint_sea, random_sea


def calm(**changes):
    flat = {"patchiness": 0, "swell": 0, "wavelength": 9, "heading": 0, "noise": 0, "glint": 0}
    return Sea(colour=(30, 60, 90), cast=(1, 1, 1), **{**flat, **changes})


def test_flat_sea():
    """Is a sea without waves, patches and noise of one colour?"""
    image = paint_sea(calm(), 64, default_rng(0))
    assert image.shape == (64, 64, 3) and image.dtype == np.float32
    assert np.all(image == [30, 60, 90])


@pytest.mark.parametrize("change", ["patchiness", "swell", "noise", "glint"])
def test_each_ingredient(change):
    """Does each ingredient change the water, and the more the larger it is?"""
    spreads = [paint_sea(calm(**{change: v}), 64, default_rng(0))[..., 0].std() for v in (0, 2, 8)]
    assert spreads[0] < 1e-3 < spreads[1] < spreads[2]


def test_swell_runs_along_its_heading():
    """Does the swell vary along its heading, with its wavelength, and not across?"""
    image = paint_sea(calm(swell=5, wavelength=16), 64, default_rng(0))[..., 0]
    assert np.allclose(image[0], image[9], atol=1e-3)
    assert np.allclose(image[:, :48], image[:, 16:], atol=1e-2)
    assert image[0].std() > 3


def test_families_differ():
    """Is a sea drawn from its generator alone, and another for another one?"""
    assert random_sea(default_rng(1)) == random_sea(default_rng(1)) != random_sea(default_rng(2))
