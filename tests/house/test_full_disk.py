"""A disk that becomes full, a real one where it may be mounted."""

import errno
import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from cifar10_server import SlowHandler, download_again, serve_cifar10
from kill_target import Training
from small_runs import same
from torchvision.datasets import CIFAR10

from course_utils import _files as files
from course_utils.data import datasets as cifar10
from course_utils.teaching import progress
from course_utils.training.checkpoint import load_checkpoint, save_checkpoint


class FullDisk:
    """A folder on a disk of 512 KiB; `fill()` leaves no room, `free()` makes some."""

    def __init__(self, folder, mounted):
        self.folder, self.mounted, self.is_full = Path(folder), mounted, False

    def fill(self):
        self.is_full = True
        if self.mounted:
            with open(self.folder / "filler", "wb", buffering=0) as file, pytest.raises(OSError):
                while file.write(bytes(4096)):
                    pass

    def free(self):
        self.is_full = False
        (self.folder / "filler").unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """Mount a small disk in memory where that is allowed; else let `os.fsync` say it is full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    disk, fsync = FullDisk(folder, mounted), os.fsync

    def full(number):
        if disk.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(number)

    if not mounted:
        monkeypatch.setattr(files.os, "fsync", full)
    yield disk
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def own_progress(disk, monkeypatch):
    path = disk.folder / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(progress, "_unsaved", [])
    monkeypatch.setattr(progress, "_warned", set())
    return path


def test_progress_on_a_full_disk(disk, own_progress, capsys):
    """Does a full disk keep the old progress and say so, and is the rest written afterwards?"""
    assert progress.record("01", "quiz", "1", {"right": True})
    old = own_progress.read_bytes()
    disk.fill()
    assert not progress.record("02", "quiz", "1", {"right": True})
    assert not progress.record("02", "quiz", "2", {"right": False})
    assert own_progress.read_bytes() == old
    sentence = capsys.readouterr().err
    assert "No space left" in sentence and "COURSE_PROGRESS" in sentence
    assert sentence.count("\n") == 1
    assert progress.load().keys() == {"01", "02"}
    disk.free()
    assert progress.record("03", "quiz", "1", {"right": True})
    kept = json.loads(own_progress.read_text(encoding="utf-8"))
    assert kept.keys() == {"01", "02", "03"} and len(kept["02"]["quiz"]) == 2


def test_checkpoint_on_a_full_disk(disk):
    """Does a full disk keep the old checkpoint, without a half one beside it, with a sentence?"""
    path = disk.folder / "run.pt"
    save_checkpoint(path, {"weights": torch.zeros(1000)})
    disk.fill()
    with pytest.raises(
        OSError, match=r"run.pt cannot be written \(No space left .*as it was"
    ) as got:
        save_checkpoint(path, {"weights": torch.ones(1000)})
    assert "\n" not in str(got.value)
    assert not load_checkpoint(path)["weights"].any()
    assert not list(disk.folder.glob("*.tmp"))


def test_training_on_a_full_disk(disk):
    """Does a training whose disk becomes full stop with a sentence, and go on bit-equal later?"""
    path, whole = disk.folder / "run.pt", Training()
    whole.fit()
    stopped = Training()
    steps = iter(range(1000))
    stopped.at_step = lambda: disk.fill() if next(steps) == 25 else None
    with pytest.raises(OSError, match="cannot be written .*No space left"):
        stopped.fit(path)
    disk.free()
    resumed = Training()
    resumed.fit(path)
    assert same(resumed.end(), whole.end())


def test_download_to_a_full_disk(disk, tmp_path, monkeypatch):
    """Does a download that the disk has no room for end in a sentence, without half a set?"""
    words = "downloading .* failed .*No space left"
    with serve_cifar10(tmp_path / "shelf", monkeypatch) as archive:
        SlowHandler.go_on.set()
        disk.fill()
        if not disk.mounted:
            monkeypatch.setattr(cifar10.os, "replace", lambda *paths: os.fsync(-1))
        with pytest.raises(FileNotFoundError, match=words) as got:
            download_again(archive, disk.folder, monkeypatch)
    assert "\n" not in str(got.value)
    assert not (disk.folder / CIFAR10.base_folder).exists()
