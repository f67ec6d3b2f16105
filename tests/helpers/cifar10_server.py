"""A server of a small CIFAR-10 archive on this machine, that can stop in the middle."""

import functools
import hashlib
import http.server
import tarfile
import threading
from contextlib import contextmanager

from fake_cifar10 import load_generated_cifar10, write_generated_cifar10
from torchvision.datasets import CIFAR10


class SlowHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files; says when half of one is sent, and then waits to be told to go on."""

    half_sent, go_on = threading.Event(), threading.Event()

    def copyfile(self, source, output):
        content = source.read()
        output.write(content[: len(content) // 2])
        self.half_sent.set()
        self.go_on.wait(timeout=30)
        output.write(content[len(content) // 2 :])

    def log_message(self, *arguments):
        """Say nothing."""


@contextmanager
def serve_cifar10(shelf, monkeypatch):
    """Serve a small CIFAR-10 archive on this machine; return its address and checksum."""
    write_generated_cifar10(shelf)
    path = shelf / CIFAR10.filename
    with tarfile.open(path, "w:gz") as file:
        file.add(shelf / CIFAR10.base_folder, CIFAR10.base_folder)
    monkeypatch.setenv("no_proxy", "*")
    SlowHandler.half_sent.clear(), SlowHandler.go_on.clear()
    handler = functools.partial(SlowHandler, directory=shelf)
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{path.name}", md5
        SlowHandler.go_on.set()
        server.shutdown()


def download_again(archive, folder, monkeypatch):
    """Download once more, in this process; the archive's files have no published checksums."""
    monkeypatch.setattr(CIFAR10, "url", archive[0])
    monkeypatch.setattr(CIFAR10, "tgz_md5", archive[1])
    return load_generated_cifar10(folder)
