import csv

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.detection import AirbusFolder, Detections
from experiments import airbus


def run(folder, tmp_path, *more):
    words = []
    options = airbus.parse(
        [str(folder), "--to", str(tmp_path / "submission.csv"), "--work", str(tmp_path / "work")]
        + [
            "--model",
            "small",
            "--crop",
            "64",
            "--tile",
            "128",
            "--overlap",
            "32",
            "--batch-size",
            "4",
            "--steps",
            "4",
        ]
        + ["--mined", "4", "--readers", "2", "--valid", "0.3"]
        + list(more)
    )
    return airbus.run(options, words.append), "\n".join(words)


def decoded(code, height, width):
    """Read Kaggle's code by the letter of its description."""
    mask = np.zeros(height * width, bool)
    numbers = list(map(int, code.split()))
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        mask[start - 1 : start - 1 + length] = True
    return mask.reshape((height, width), order="F")


def score_of_one(found, true):
    """Kaggle's F2 of one image, from its description: mean over thresholds .5 to .95."""
    if not found and not true:
        return 1.0
    total = 0.0
    for threshold in np.arange(0.5, 1.0, 0.05):
        hits = sum(
            any((f & t).sum() / (f | t).sum() > threshold + 1e-9 for f in found) for t in true
        )
        misses, alarms = len(true) - hits, len(found) - hits
        total += 5 * hits / (5 * hits + 4 * misses + alarms)
    return total / 10


@pytest.mark.slow
def test_from_archive_to_submission(airbus_archive, tmp_path):
    """Does the command go to its end, and does its file score as an independent count says?"""
    path, words = run(airbus_archive, tmp_path)
    images = AirbusFolder(airbus_archive)
    rows = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["ImageId"], []).append(row["EncodedPixels"])
    scores = []
    for name, codes in rows.items():
        index = images.names.index(name)
        shape = images[index].image.shape[1:]
        masks = [decoded(code, *shape) for code in codes if code]
        assert not masks or np.sum(masks, axis=0).max() == 1  # no pixel is in two ships
        scores.append(score_of_one(masks, list(images.masks(index).numpy())))
    indices = [images.names.index(name) for name in rows]
    assert airbus.score_submission(path, images, indices) == pytest.approx(np.mean(scores))
    assert f"{np.mean(scores):.3f} by the challenge's measure" in words
    assert "all empty: F2" in words and "hard negatives of" in words


@pytest.mark.slow
def test_goes_on(airbus_archive, tmp_path, monkeypatch):
    """Does a second call take up what the first has finished, and predict unseen images?"""
    run(airbus_archive, tmp_path)
    monkeypatch.setattr(airbus, "fit", lambda *_, **__: pytest.fail("trained again"))
    (airbus_archive / "test_v2").symlink_to(airbus_archive / "train_v2")
    path, words = run(airbus_archive, tmp_path)
    names = {line.partition(",")[0] for line in path.read_text().splitlines()[1:]}
    assert names == {p.name for p in (airbus_archive / "train_v2").iterdir()}
    assert "validation images" not in words


def test_box_masks():
    """Are boxes masks of their pixels, the better one's where two overlap?"""
    found = Detections(
        torch.tensor([[2.2, 3.0, 6.0, 8.0], [4.0, 4.0, 20.0, 7.0]]), torch.tensor([0.4, 0.9])
    )
    better, other = airbus.box_masks(found, (10, 12))
    assert better[4:7, 4:].all() and better.sum() == 24
    assert other.sum() == 4 * 5 - 2 * 3 and not (better & other).any()


def test_submission_of_nothing(tmp_path):
    """Has an image without ships one empty row, and one that could not be read as well?"""
    path = tmp_path / "submission.csv"
    airbus.write_submission(path, [], ["b.jpg", "a.jpg"], 0.5)
    assert path.read_text() == "ImageId,EncodedPixels\nb.jpg,\na.jpg,\n"


def test_unreadable_test_images(tmp_path):
    """Are a truncated image and one of 16 bits a channel left out, each with a sentence?"""
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    Image.fromarray(np.full((8, 8), 3000, np.uint16)).save(tmp_path / "b.tif")
    Image.fromarray(np.full((8, 8), 200, np.uint8)).save(tmp_path / "c.png")
    images = airbus.TestImages(tmp_path)
    assert [index for index, _ in airbus.readable(images, range(3))] == [2]
    assert images.problems[0].startswith("a.jpg cannot be read")
    assert "b.tif" in images.problems[1] and "more than 8 bits" in images.problems[1]
