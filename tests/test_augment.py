import pytest
import torch
from test_batches import references

from course_utils.augment import Augment, move_pixels, source_pixels


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("pad", [0, 1, 3])
def test_all_changes(flip, pad):
    """Does the table hold each shift of an image, and each mirrored, bit for bit and once?"""
    image = torch.randint(256, (3, 5, 7), dtype=torch.uint8)
    table = source_pixels(image.shape, Augment(flip=flip, pad=pad))
    changed = move_pixels(image.repeat(len(table), 1, 1, 1), table)
    expected = references(image, flip=flip, pad=pad)
    assert torch.equal(changed, torch.stack(expected).byte())


def test_each_image_its_own():
    """Does each image of a batch get the change of its own row?"""
    images = torch.randint(256, (2, 1, 4, 4), dtype=torch.uint8)
    table = source_pixels((1, 4, 4), Augment(flip=True, pad=0))
    changed = move_pixels(images, table)
    assert torch.equal(changed[0], images[0])
    assert torch.equal(changed[1], images[1].flip(-1))


def test_small_images():
    """Do images too small for the padding raise a sentence that says what is possible?"""
    with pytest.raises(ValueError, match="pad is 4, .* at most 3: the images are 4 x 9"):
        source_pixels((1, 4, 9), Augment(pad=4))
