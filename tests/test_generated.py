import pickle
from re import escape

import pytest
import torch
from torchvision.datasets import CIFAR10

from course_utils.generated import (
    CLASS_NAMES,
    GeneratedCIFAR10,
    load_generated_cifar10,
    write_generated_cifar10,
)

FOLDER = "cifar-10-batches-py"


def test_round_trip(tmp_path):
    """Are as many images as asked for written and read, in CIFAR-10's form?"""
    write_generated_cifar10(tmp_path, num_train=53, num_test=11)
    train, test = load_generated_cifar10(tmp_path)
    assert train.images.shape == (53, 3, 32, 32)
    assert test.images.shape == (11, 3, 32, 32)
    assert train.images.dtype == torch.uint8
    assert train.class_names == CLASS_NAMES
    assert train.name == "generated (CIFAR-10-shaped)"


def test_same_files_as_cifar10(tmp_path):
    """Does the folder hold the files of CIFAR-10, each with its keys, and no other?"""
    write_generated_cifar10(tmp_path)
    lists = CIFAR10.train_list + CIFAR10.test_list
    names = {file for file, _ in lists} | {CIFAR10.meta["filename"]}
    assert {path.name for path in (tmp_path / FOLDER).iterdir()} == names
    for file, _ in lists:
        content = pickle.loads((tmp_path / FOLDER / file).read_bytes())
        assert content["data"].shape == (len(content["labels"]), 3072)


def test_torchvision_reads_it_but_for_the_checksums(tmp_path):
    """Does torchvision's own class refuse the files, and the subclass read them?"""
    write_generated_cifar10(tmp_path)
    with pytest.raises(RuntimeError, match="corrupted"):
        CIFAR10(tmp_path)
    assert len(GeneratedCIFAR10(tmp_path)) == 500


def test_seed(tmp_path):
    """Does the seed decide the images?"""
    for name, seed in [("a", 0), ("b", 0), ("c", 1)]:
        write_generated_cifar10(tmp_path / name, num_train=20, num_test=5, seed=seed)
    a, b, c = (load_generated_cifar10(tmp_path / name)[0].images for name in "abc")
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_a_net_can_learn_it(tmp_path):
    """Does the nearest class mean of the training images name the class of the test images?"""
    write_generated_cifar10(tmp_path)
    train, test = load_generated_cifar10(tmp_path)
    means = [train.images[train.labels == k].float().mean(0).flatten() for k in range(10)]
    nearest = torch.cdist(test.images.float().flatten(1), torch.stack(means)).argmin(1)
    assert (nearest == test.labels).float().mean() > 0.9
    assert len(test.labels.unique()) == 10


@pytest.mark.parametrize("sizes, least", [({"num_train": 4}, 5), ({"num_test": 0}, 1)])
def test_too_few(tmp_path, sizes, least):
    """Do too few images raise a sentence, and leave no folder behind?"""
    with pytest.raises(ValueError, match=f"must be an integer of at least {least}"):
        write_generated_cifar10(tmp_path, **sizes)
    assert not (tmp_path / FOLDER).exists()


def test_missing(tmp_path, monkeypatch):
    """Does a folder without the set raise a sentence that says how to write it?"""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    words = r"data_batch_1 is missing: write the set with write_generated_cifar10\('.*'\)"
    with pytest.raises(FileNotFoundError, match=words):
        load_generated_cifar10()


@pytest.mark.parametrize("content", [b"", b"\x80\x04 no pickle", pickle.dumps([1]), None])
def test_damaged(tmp_path, content):
    """Does a file that is no such pickle raise a sentence, though no checksum is known?"""
    write_generated_cifar10(tmp_path)
    path = tmp_path / FOLDER / "data_batch_2"
    path.write_bytes(path.read_bytes()[:-50] if content is None else content)
    with pytest.raises(
        ValueError, match=f"A file in {escape(str(tmp_path / FOLDER))} is damaged .*: write"
    ):
        load_generated_cifar10(tmp_path)
