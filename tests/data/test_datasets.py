import functools
import gzip
import hashlib
import http.server
import os
import shutil
import socket
import tarfile
import threading
import warnings
from re import escape

import pytest
import torch
from fake_cifar10 import load_generated_cifar10, write_generated_cifar10
from numpy.exceptions import VisibleDeprecationWarning
from tiny_notebooks import REPOSITORY
from torchvision.datasets import CIFAR10

from course_utils.data import datasets
from course_utils.data.datasets import (
    FASHION_MNIST_SHA256,
    connection_timeout,
    load_cifar10,
    load_fashion_mnist,
    load_images,
)
from course_utils.data.image_dataset import channel_statistics

EMBEDDED = REPOSITORY / "data" / "fashion-mnist"
LABELS = EMBEDDED / "train-labels-idx1-ubyte.gz"
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
    """Are mean and std of both sets those that everybody uses, of the training images?"""
    train, test = fashion_mnist
    assert (test.mean, test.std) == (train.mean, train.std)
    assert (round(train.mean[0], 4), round(train.std[0], 4)) == (0.286, 0.353)


def test_checksums_in_the_readme():
    """Does data/README.md list the checksums that the loader compares with?"""
    text = (EMBEDDED.parent / "README.md").read_text(encoding="utf-8")
    for file, sha256 in FASHION_MNIST_SHA256.items():
        assert any(file in line and sha256 in line for line in text.splitlines())


def labels_content():
    return gzip.decompress(LABELS.read_bytes())


def swapped():
    """Exchange two labels: the header, the size and the counts of the classes stay right."""
    content = bytearray(labels_content())
    content[8], content[9] = content[9], content[8]
    assert bytes(content) != labels_content()
    return gzip.compress(content, 1)


DAMAGES = {
    "truncated": lambda: LABELS.read_bytes()[:-2000],
    "empty": lambda: b"",
    "no gzip": lambda: b"<html>404 Not Found</html>",
    "uncompressed": labels_content,
    "flipped bits": lambda: (
        (data := LABELS.read_bytes())[:9000] + bytes([data[9000] ^ 255]) + data[9001:]
    ),
    "other labels": swapped,
    "nothing inside": lambda: gzip.compress(b""),
    "a foreign idx": lambda: (EMBEDDED / "t10k-labels-idx1-ubyte.gz").read_bytes(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file(copied, damage):
    """Does a damaged file raise one sentence that names it, what is wrong and the remedy?"""
    path = copied / "fashion-mnist" / LABELS.name
    replace_file(path, DAMAGES[damage]())
    whole = damage in ("other labels", "nothing inside", "a foreign idx")  # and decompressed
    fault = "its checksum is wrong" if whole else "[^\n]+"
    words = rf"^{escape(str(path))} is damaged \({fault}\): {REMEDY}[^\n]*\.$"
    with pytest.raises(ValueError, match=words):
        load_fashion_mnist(copied)


def test_another_gzip_wrapper(copied):
    """Is a file accepted whose content is right and whose compression another?"""
    replace_file(copied / "fashion-mnist" / LABELS.name, gzip.compress(labels_content(), 1))
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


def test_smoke_profile(monkeypatch):
    """Does the smoke profile make a few images of CIFAR-10's form, the same each time?"""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    (train, test), (again, _) = load_images(), load_images()
    assert train.images.shape == (160, 3, 32, 32) and torch.equal(train.images, again.images)
    assert (len(test), len(train.mean), len(train.class_names)) == (40, 3, 10)


def test_full_profile(tmp_path, monkeypatch):
    """Does the full profile take real CIFAR-10 only, and refuse the generated set in its place?"""
    write_generated_cifar10(tmp_path, num_train=50, num_test=10)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="data_batch_1 is damaged .its checksum is wrong"):
        load_images("full")


FOLDER = "cifar-10-batches-py"


def md5(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture
def real(tmp_path, monkeypatch):
    """Write a set in CIFAR-10's files and let torchvision take its checksums for the real ones."""
    write_generated_cifar10(tmp_path, num_train=50, num_test=10)
    place = tmp_path / FOLDER
    for name in ("train_list", "test_list"):
        files = [[file, md5(place / file)] for file, _ in getattr(CIFAR10, name)]
        monkeypatch.setattr(CIFAR10, name, files)
    meta = {**CIFAR10.meta, "md5": md5(place / CIFAR10.meta["filename"])}
    monkeypatch.setattr(CIFAR10, "meta", meta)
    return tmp_path


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("Network is unreachable")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


def test_files_there(real, no_network):
    """Is a set that is already there loaded without touching the network?"""
    train, test = load_cifar10(real)
    raw = CIFAR10(real, train=True)
    assert train.images.shape == (50, 3, 32, 32)
    assert train.images.is_contiguous()
    assert torch.equal(train.images, torch.from_numpy(raw.data.transpose(0, 3, 1, 2).copy()))
    assert train.labels.tolist() == raw.targets
    assert (train.mean, train.std) == (test.mean, test.std) == channel_statistics(train.images)
    assert train.class_names == tuple(raw.classes)
    assert (train.name, len(test)) == ("CIFAR-10", 10)


def test_default_folder(real, no_network, monkeypatch):
    """Does COURSE_DATA say where the set lies?"""
    monkeypatch.setenv("COURSE_DATA", str(real))
    assert len(load_cifar10()[0]) == 50


def test_no_network(tmp_path, no_network):
    """Does a missing set without a network raise one sentence that says what to do?"""
    words = (
        rf"^CIFAR-10 is not in {escape(str(tmp_path))}, and downloading {CIFAR10.url} failed "
        rf"\([^\n]*Network is unreachable[^\n]*\): .*COURSE_DATA to .* {FOLDER}\.$"
    )
    with pytest.raises(FileNotFoundError, match=words):
        load_cifar10(tmp_path)
    assert socket.getdefaulttimeout() is None


def test_unwritable_folder(tmp_path):
    """Does a folder that cannot be made raise the same sentence?"""
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match="downloading .* failed .*COURSE_DATA"):
        load_cifar10(tmp_path / "file" / "data")


@pytest.fixture
def server(real, tmp_path, monkeypatch):
    """Serve the set's archive on this machine in place of its home page."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    archive = shelf / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as file:
        file.add(real / FOLDER, FOLDER)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=shelf)
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *args: None)
    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{served.server_port}/{archive.name}")
        monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive))
        yield archive
        served.shutdown()


def test_download(server, tmp_path, request):
    """Is a missing set downloaded, once: the second call needs no network?"""
    folder = tmp_path / "new"
    assert len(load_cifar10(folder)[0]) == 50
    request.getfixturevalue("no_network")
    assert len(load_cifar10(folder)[0]) == 50


def test_damaged_download(server, tmp_path):
    """Does a download that breaks off raise a sentence, and the next call try again?"""
    whole = server.read_bytes()
    server.write_bytes(whole[:-100])
    with pytest.raises(FileNotFoundError, match="downloading .* failed"):
        load_cifar10(tmp_path / "new")
    server.write_bytes(whole)
    assert len(load_cifar10(tmp_path / "new")[0]) == 50


def test_silent_server(tmp_path, monkeypatch):
    """Does a server that never answers raise the sentence in time?"""
    monkeypatch.setattr(datasets, "TIMEOUT", 0.2)
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{silent.getsockname()[1]}/x")
        with pytest.raises(FileNotFoundError, match="timed out"):
            load_cifar10(tmp_path)


@pytest.mark.parametrize("file", ["data_batch_3", "test_batch", "batches.meta"])
@pytest.mark.parametrize("fault", ["is missing", "is damaged .its checksum is wrong."])
def test_one_bad_file(real, no_network, file, fault):
    """Does a folder that lacks a file, or has a damaged one, raise a sentence with the remedy?"""
    path = real / FOLDER / file
    path.unlink() if fault == "is missing" else path.write_bytes(path.read_bytes()[:-1])
    file, place = escape(str(path)), escape(str(real / FOLDER))
    words = f"^{file} {fault}: delete {place} to download it anew, or set COURSE_DATA"
    with pytest.raises(FileNotFoundError if fault == "is missing" else ValueError, match=words):
        load_cifar10(real)


def test_unreadable_files(tmp_path):
    """Do files that no checksum finds fault with, but that are no pickles, raise a sentence?"""
    write_generated_cifar10(tmp_path, num_train=50, num_test=10)
    (tmp_path / FOLDER / "data_batch_2").write_bytes(b"x")
    words = rf"^A file in {escape(str(tmp_path / FOLDER))} is damaged \(UnpicklingError: .*delete"
    with pytest.raises(ValueError, match=words):
        load_generated_cifar10(tmp_path)


def test_numpy_warning(tmp_path, monkeypatch):
    """Is NumPy's warning of the files' old pickles kept from the learner?"""
    real = CIFAR10._load_meta

    def old(self):
        warnings.warn("align should be bool", VisibleDeprecationWarning, stacklevel=1)
        real(self)

    monkeypatch.setattr(CIFAR10, "_load_meta", old)
    write_generated_cifar10(tmp_path, num_train=50, num_test=10)
    assert len(load_generated_cifar10(tmp_path)[0]) == 50


def test_timeout_is_put_back():
    """Is the waiting time of other connections as before, after an error as well?"""
    with pytest.raises(KeyError), connection_timeout():
        assert socket.getdefaulttimeout() == datasets.TIMEOUT
        raise KeyError
    assert socket.getdefaulttimeout() is None
