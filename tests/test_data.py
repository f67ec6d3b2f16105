import gzip
import os
import shutil
from pathlib import Path
from re import escape

import numpy as np
import pytest
import torch

from course_utils.data import FASHION_MNIST_SHA256, load_fashion_mnist, load_images
from course_utils.generated import write_generated_cifar10

EMBEDDED = Path(__file__).parent.parent / "data" / "fashion-mnist"
REMEDY = "restore it with `git checkout -- data/fashion-mnist`"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.delenv("COURSE_PROFILE", raising=False)


@pytest.fixture(scope="module")
def fashion_mnist():
    return load_fashion_mnist(EMBEDDED.parent)


@pytest.fixture
def copied(tmp_path):
    """Link the embedded files into a folder of our own, where one of them can be damaged."""
    (tmp_path / "fashion-mnist").mkdir()
    for file in FASHION_MNIST_SHA256:
        os.symlink(EMBEDDED / f"{file}.gz", tmp_path / "fashion-mnist" / f"{file}.gz")
    return tmp_path


def replace_file(path, content):
    path.unlink()
    path.write_bytes(content)


def test_form(fashion_mnist):
    """Do both sets have the promised sizes, types and equally frequent classes?"""
    for data, size in zip(fashion_mnist, (60_000, 10_000), strict=True):
        assert data.images.shape == (size, 1, 28, 28)
        assert data.images.dtype == torch.uint8
        assert data.images.is_contiguous()
        assert data.labels.bincount().tolist() == [size // 10] * 10
        assert len(data.class_names) == 10
        assert data.name == "Fashion-MNIST"


def test_images_belong_to_their_labels(fashion_mnist):
    """Are images and labels paired: do trousers leave a gap, and is a bag not a sandal?"""
    train, _ = fashion_mnist
    brightness = {
        name: train.images[train.labels == label].float().mean(0)[0]
        for label, name in enumerate(train.class_names)
    }
    # Between the legs (bottom centre) trousers are darker than on them; a dress is not.
    assert brightness["Trouser"][24, 14] < brightness["Trouser"][24, 11] / 2
    assert brightness["Dress"][24, 14] > brightness["Dress"][24, 9]
    assert brightness["Sandal"].mean() < brightness["Bag"].mean() / 2


def test_statistics(fashion_mnist):
    """Are mean and std those of the training images, recomputed here in another way?"""
    train, test = fashion_mnist
    pixels = train.images.numpy()
    assert train.mean == pytest.approx((pixels.mean(dtype=np.float64) / 255,), rel=1e-9)
    assert train.std == pytest.approx((pixels.std(dtype=np.float64) / 255,), rel=1e-9)
    assert (test.mean, test.std) == (train.mean, train.std)
    # The figures that everybody else uses for this set.
    assert (round(train.mean[0], 4), round(train.std[0], 4)) == (0.286, 0.353)


def test_class_names(fashion_mnist):
    """Is each class named as its authors named it?"""
    names = "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
    assert ", ".join(fashion_mnist[0].class_names) == names


def test_checksums_in_the_readme():
    """Does data/README.md list the checksums that the loader compares with?"""
    text = (EMBEDDED.parent / "README.md").read_text(encoding="utf-8")
    for file, sha256 in FASHION_MNIST_SHA256.items():
        assert any(file in line and sha256 in line for line in text.splitlines())


@pytest.mark.parametrize("file", FASHION_MNIST_SHA256)
def test_missing_file(copied, file):
    """Does a missing file raise a sentence that names it and the remedy?"""
    path = copied / "fashion-mnist" / f"{file}.gz"
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"^{escape(str(path))} is missing: {REMEDY}"):
        load_fashion_mnist(copied)


def labels_content():
    with gzip.open(EMBEDDED / "train-labels-idx1-ubyte.gz") as file:
        return file.read()


def swapped():
    """Exchange two labels: the header, the size and the counts of the classes stay right."""
    content = bytearray(labels_content())
    content[8], content[9] = content[9], content[8]
    assert bytes(content) != labels_content()
    return gzip.compress(content, 1)


DAMAGES = {
    "truncated": lambda: (EMBEDDED / "train-labels-idx1-ubyte.gz").read_bytes()[:-2000],
    "empty": lambda: b"",
    "no gzip": lambda: b"<html>404 Not Found</html>",
    "uncompressed": labels_content,
    "flipped bits": lambda: (
        (data := (EMBEDDED / "train-labels-idx1-ubyte.gz").read_bytes())[:9000]
        + bytes([data[9000] ^ 255])
        + data[9001:]
    ),
    "other labels": swapped,
    "short": lambda: gzip.compress(labels_content()[:-1], 1),
    "long": lambda: gzip.compress(labels_content() + b"\0", 1),
    "no idx": lambda: gzip.compress(b"\1" + labels_content()[1:], 1),
    "only its header": lambda: gzip.compress(labels_content()[:6], 1),
    "nothing inside": lambda: gzip.compress(b""),
    "a foreign idx": lambda: (EMBEDDED / "t10k-labels-idx1-ubyte.gz").read_bytes(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file(copied, damage):
    """Does a damaged file raise one sentence that names it and the remedy?"""
    path = copied / "fashion-mnist" / "train-labels-idx1-ubyte.gz"
    replace_file(path, DAMAGES[damage]())
    with pytest.raises(
        ValueError, match=rf"^{escape(str(path))} is damaged \([^\n]+\): {REMEDY}[^\n]*\.$"
    ):
        load_fashion_mnist(copied)


@pytest.mark.parametrize(
    "damage, words",
    [
        ("other labels", "its checksum is wrong"),
        ("short", r"header promises \[60000\] bytes, but 59999 follow"),
        ("no idx", "does not begin as an idx file"),
    ],
)
def test_damage_is_told_apart(copied, damage, words):
    """Does the sentence say what is wrong with the file?"""
    replace_file(copied / "fashion-mnist" / "train-labels-idx1-ubyte.gz", DAMAGES[damage]())
    with pytest.raises(ValueError, match=words):
        load_fashion_mnist(copied)


def test_another_gzip_wrapper(copied):
    """Is a file accepted whose content is right and whose compression another?"""
    path = copied / "fashion-mnist" / "train-labels-idx1-ubyte.gz"
    replace_file(path, gzip.compress(labels_content(), 1))
    assert len(load_fashion_mnist(copied)[0]) == 60_000


def test_course_data_comes_first(copied, monkeypatch):
    """Is the set in COURSE_DATA taken where there is one, and the embedded one else?"""
    monkeypatch.setenv("COURSE_DATA", str(copied))
    path = copied / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    path.unlink()
    with pytest.raises(FileNotFoundError, match=escape(str(path))):
        load_fashion_mnist()
    shutil.rmtree(copied / "fashion-mnist")
    assert len(load_fashion_mnist()[1]) == 10_000


def test_quick_profile():
    """Does the quick profile, the default, load Fashion-MNIST?"""
    train, test = load_images()
    assert (train.name, len(train), len(test)) == ("Fashion-MNIST", 60_000, 10_000)


def test_smoke_profile(tmp_path, monkeypatch):
    """Does the smoke profile load the generated set from COURSE_DATA, in the same form?"""
    write_generated_cifar10(tmp_path, num_train=50, num_test=10)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    train, test = load_images()
    assert train.name == test.name == "generated (CIFAR-10-shaped)"
    assert train.images.shape == (50, 3, 32, 32)
    assert (len(test), len(train.mean), len(train.class_names)) == (10, 3, 10)


def test_full_profile(tmp_path, monkeypatch):
    """Does the full profile take real CIFAR-10 only, and refuse the generated set in its place?"""
    write_generated_cifar10(tmp_path, num_train=50, num_test=10)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="data_batch_1 is damaged .its checksum is wrong"):
        load_images("full")


def test_unknown_profile():
    """Does an unknown profile raise a sentence that lists the known ones?"""
    with pytest.raises(ValueError, match="profile is 'fast', but must be one of quick, full"):
        load_images("fast")
