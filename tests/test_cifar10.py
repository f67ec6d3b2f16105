import functools
import hashlib
import http.server
import socket
import tarfile
import threading
import warnings
from re import escape

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from course_utils import downloads
from course_utils.cifar10 import load_cifar10, read_cifar10
from course_utils.generated import GeneratedCIFAR10, write_generated_cifar10
from course_utils.image_statistics import channel_statistics

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
    monkeypatch.setattr(downloads, "ANSWER_WITHIN", 0.2)
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{silent.getsockname()[1]}/x")
        with pytest.raises(FileNotFoundError, match="timed out"):
            load_cifar10(tmp_path)


@pytest.mark.parametrize("file", ["data_batch_3", "test_batch", "batches.meta"])
def test_missing_file(real, no_network, file):
    """Does a folder that lacks a file raise a sentence that names it and the remedy?"""
    path = real / FOLDER / file
    path.unlink()
    file, place = escape(str(path)), escape(str(real / FOLDER))
    words = f"^{file} is missing: delete {place} to download it anew, or set COURSE_DATA"
    with pytest.raises(FileNotFoundError, match=words):
        load_cifar10(real)


@pytest.mark.parametrize("file", ["data_batch_1", "test_batch", "batches.meta"])
def test_damaged_file(real, no_network, file):
    """Does a damaged file raise a sentence that names it and the remedy?"""
    path = real / FOLDER / file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        ValueError, match=f"^{escape(str(path))} is damaged .*checksum.*: delete .*COURSE_DATA"
    ):
        load_cifar10(real)


def test_numpy_warning(tmp_path):
    """Is NumPy's warning of the files' old pickles kept from the learner, and no other one?"""

    class Old(GeneratedCIFAR10):
        def _load_meta(self):
            warnings.warn(
                "align should be bool", np.exceptions.VisibleDeprecationWarning, stacklevel=1
            )
            super()._load_meta()

    write_generated_cifar10(tmp_path, num_train=50, num_test=10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_cifar10(Old, tmp_path, name="old", remedy="")[0]) == 50
