import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from course_utils.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.pt"


def test_round_trip(path):
    """Do tensors of all kinds and plain values come back as they were, in a new folder too?"""
    state = {
        "weights": {"a": torch.randn(3, 4), "b": torch.arange(5), "half": torch.ones(2).bfloat16()},
        "history": [0.1, 1e-300, float("inf"), 3, None, True, "words"],
        "rng": (3, (2**31, 7), torch.get_rng_state()),
    }
    path = path.parent / "new" / "folder" / "run.pt"
    save_checkpoint(path, state)
    loaded = load_checkpoint(path)
    for name, tensor in state["weights"].items():
        assert torch.equal(loaded["weights"][name], tensor)
        assert loaded["weights"][name].dtype == tensor.dtype
    assert loaded["history"] == state["history"]
    assert loaded["rng"][:2] == state["rng"][:2]
    assert torch.equal(loaded["rng"][2], state["rng"][2])
    assert list(path.parent.iterdir()) == [path]


def test_numpy_numbers(path):
    """Does a learning rate that NumPy computed come back as Python's number, bit-equal?"""
    lr = np.geomspace(1e-3, 1, 4)[1]
    save_checkpoint(path, {"groups": [{"lr": lr, "steps": np.int64(3)}], "pair": (lr, 1)})
    state = load_checkpoint(path)
    assert state == {"groups": [{"lr": float(lr), "steps": 3}], "pair": (float(lr), 1)}
    assert type(state["groups"][0]["lr"]) is float


class Widget:
    """An object that only running code could load."""


@pytest.mark.parametrize("value", [Widget(), np.ones(3), lambda: None], ids=["w", "np", "lambda"])
def test_refused_state(path, value):
    """Is what could not be loaded again refused when it is saved, and the old file kept?"""
    save_checkpoint(path, {"a": 1})
    with pytest.raises(ValueError, match=r"cannot be kept in a checkpoint \(.+give tensors"):
        save_checkpoint(path, {"values": [value]})
    assert load_checkpoint(path) == {"a": 1}


def test_failed_write(path, monkeypatch):
    """Is the old file whole when the disk is full, and nothing left beside it?"""
    save_checkpoint(path, {"a": 1})

    def full(number):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, {"a": 2})
    assert load_checkpoint(path) == {"a": 1}
    assert list(path.parent.iterdir()) == [path]


def test_missing(path):
    """Does a missing file raise a sentence with its path and the remedy?"""
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*run\.pt: correct the path"):
        load_checkpoint(path)
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        load_checkpoint(path.parent)  # a folder


def damaged(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.pt is damaged, or is no .* delete it") as error:
        load_checkpoint(path)
    assert str(error.value).count("\n") == 0


def test_truncated(path):
    """Does a file that was cut anywhere raise a sentence that names the remedy?"""
    save_checkpoint(path, {"a": torch.arange(100)})
    content = path.read_bytes()
    for length in range(0, len(content), max(1, len(content) // 60)):
        damaged(path, content[:length])


def test_flipped_bit(path):
    """Is one wrong bit in the middle of a tensor found?"""
    save_checkpoint(path, {"a": torch.arange(1000)})
    content = path.read_bytes()
    place = content.index(torch.arange(1000).numpy().tobytes()) + 4000
    damaged(path, content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])


def test_foreign(path):
    """Do text, an image, another archive and a bare pickle raise the same sentence?"""
    damaged(path, b"lr,loss\n0.1,2.3\n" * 50)
    damaged(path, b"\x89PNG\r\n\x1a\n" + bytes(500))
    damaged(path, pickle.dumps({"format": "course_utils checkpoint 1", "state": {}}))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no tensors here")
    damaged(path, path.read_bytes())


@pytest.mark.parametrize("content", [{"weights": torch.ones(2)}, torch.ones(2), {"format": "2"}])
def test_other_pytorch_file(path, content):
    """Is a sound file of torch.save that is none of ours told apart?"""
    torch.save(content, path)
    with pytest.raises(ValueError, match="PyTorch file, but none that save_checkpoint wrote"):
        load_checkpoint(path)


class Trap:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_pickled_code(path):
    """Is code that hides in a file never run?"""
    folder = path.parent / "trapped"
    torch.save({"format": "course_utils checkpoint 1", "state": Trap(folder)}, path)
    damaged(path, path.read_bytes())
    assert not folder.exists()
    torch.load(path, weights_only=False)
    assert folder.exists()  # so it was a trap
