"""What a course must survive, with processes that are really killed and rights that are missing.

Killed or interrupted while training or mining, damaged files and silent servers stand beside what
they break, in the folder of its room; a full disk in test_full_disk.py.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from cifar10_server import SlowHandler, download_again, serve_cifar10
from fake_cifar10 import write_generated_cifar10
from tiny_notebooks import REPOSITORY
from torchvision.datasets import CIFAR10

ROOT = REPOSITORY
TARGET = REPOSITORY / "tests/helpers/fault_target.py"
pytestmark = pytest.mark.slow
needs_unix = pytest.mark.skipif(not hasattr(os, "setuid"), reason="needs SIGKILL and users")


def start(*arguments, **variables):
    """Start a function of fault_target.py in a process of its own."""
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    environment = {**os.environ, "PYTHONPATH": paths, **variables}
    command = [sys.executable, str(TARGET), *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, **pipes)


@needs_unix
def test_killed_while_writing_progress(tmp_path):
    """Is every entry that was said to be written in the file, whenever the writer is killed?"""
    path = tmp_path / "progress.json"
    for seed in range(5):
        with start("write_progress", COURSE_PROGRESS=str(path)) as writer:
            written = [writer.stdout.readline()]
            threading.Timer(random.Random(seed).uniform(0, 0.1), writer.kill).start()
            written += writer.stdout
        assert writer.returncode == -9
        kept = json.loads(path.read_text(encoding="utf-8"))["02"]["quiz"]
        complete = [line for line in written if line.endswith("\n")]
        assert {line.strip() for line in complete} <= kept.keys()
    assert not list(tmp_path.glob("*.damaged*"))


@pytest.fixture
def archive(tmp_path, monkeypatch):
    with serve_cifar10(tmp_path / "shelf", monkeypatch) as served:
        yield served


@needs_unix
def test_killed_while_downloading(archive, tmp_path, monkeypatch):
    """Leaves a killed download no half of a set, and does the next one succeed?"""
    folder = tmp_path / "data"
    with start("download", *archive, folder) as process:
        assert SlowHandler.half_sent.wait(timeout=500)
        process.kill()
    assert not (folder / CIFAR10.base_folder).exists()
    SlowHandler.go_on.set()
    assert len(download_again(archive, folder, monkeypatch)[0]) == 500
    assert not (folder / "cifar-10.part").exists()


@needs_unix
def test_killed_while_unpacking(archive, tmp_path, monkeypatch):
    """Is a half unpacked set not taken for a whole one?"""
    SlowHandler.go_on.set()
    folder = tmp_path / "data"
    process = start("download", *archive, folder, "die")
    process.communicate(timeout=500)
    assert process.returncode == -9
    assert (folder / "cifar-10.part" / CIFAR10.base_folder / "data_batch_1").exists()
    assert not (folder / CIFAR10.base_folder).exists()
    assert len(download_again(archive, folder, monkeypatch)[0]) == 500


def open_to_all(folder):
    """Say whether any user may go to a folder."""
    around = [folder, *folder.parents]
    return all(place.is_dir() and place.stat().st_mode & 0o001 for place in around)


@needs_unix
def test_nothing_may_be_written():
    """Do a read-only data folder, a HOME without rights and no network each end in a sentence?"""
    # Who loses the superuser's rights must be able to go there: pytest's own folder is closed.
    places = (Path(name) for name in (tempfile.gettempdir(), "/tmp", "/var/tmp"))
    place = next(filter(open_to_all, places), None)
    if place is None:
        pytest.skip("no folder for temporary files is open to other users")
    with tempfile.TemporaryDirectory(dir=place) as top:
        data, home, free = (Path(top) / name for name in ("data", "home", "free"))
        write_generated_cifar10(data)
        home.mkdir()
        free.mkdir()
        closed = (data / CIFAR10.base_folder, data, home)
        for folder in closed:
            folder.chmod(0o555)
        free.chmod(0o777)
        Path(top).chmod(0o755)
        proxy = "http://127.0.0.1:9"  # nobody listens there
        settings = dict.fromkeys(("http_proxy", "https_proxy"), proxy) | {"no_proxy": ""}
        process = start("without_rights", data, home, free, **settings)
        output, errors = process.communicate(timeout=500)
        for folder in closed:
            folder.chmod(0o755)
    assert process.returncode == 0, errors
    generated, read_only, no_network, weights, checkpoint, recorded, embedded = output.splitlines()
    assert "500 images" in generated and embedded == "60000"
    for sentence in (read_only, no_network):
        assert sentence.startswith("FileNotFoundError: CIFAR-10 is not in ")
        assert sentence.endswith("cifar-10-batches-py.")
    assert "Permission denied" in read_only and "Connection refused" in no_network
    assert weights.startswith("FileNotFoundError: The ImageNet weights")
    assert "pretrained=False" in weights
    assert (
        checkpoint.startswith("OSError: ") and "cannot be written (Permission denied)" in checkpoint
    )
    assert recorded == "False {'02': {'exercises': {'core': True}}}"
    # In Python 3.10 a library cannot remove its folder of the time before the rights were lost.
    said = errors.partition("Exception ignored")[0]
    assert said.count("\n") == 1 and "cannot be kept" in said and "COURSE_PROGRESS" in said


@needs_unix
def test_interrupted_finder():
    """Is everything as before when the finder is interrupted, and once more while it restores?"""
    output, errors = start("interrupt_finder").communicate(timeout=500)
    assert output.split() == ["1", "7", "True"], errors
