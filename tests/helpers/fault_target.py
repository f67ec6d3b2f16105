"""What test_faults.py does to processes of their own: kill them, interrupt them, take rights away.

    python tests/helpers/fault_target.py NAME ARGUMENT ...

Each function prints what came of it; one that takes rights away has imported all that it needs, as
another user may not be able to read Python's own folders.
"""

import os
import signal
import sys
from pathlib import Path

NOBODY = 65534


def drop_rights():
    """Become a user for whom the rights of files count; the superuser may write everywhere."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def told(call):
    """Return the class of error that a call raises, and its sentence."""
    try:
        return repr(call())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def write_progress():
    """Record entry after entry; print the number of each that is in the file."""
    from course_utils.teaching.progress import record

    number = 0
    while record("02", "quiz", str(number), {"right": True}):
        print(number, flush=True)
        number += 1


def download(url, md5, folder, die=""):
    """Download CIFAR-10 from a server of the test; die in the middle of unpacking if told to."""
    from torchvision.datasets import CIFAR10, utils

    from course_utils.data.datasets import load_cifar10

    def unpack_half(path, to_path, *rest):
        (Path(to_path) / CIFAR10.base_folder).mkdir()
        (Path(to_path) / CIFAR10.base_folder / "data_batch_1").write_bytes(b"half of it")
        os.kill(os.getpid(), signal.SIGKILL)

    if die:
        utils._ARCHIVE_EXTRACTORS[".tar"] = unpack_half
    CIFAR10.url, CIFAR10.tgz_md5 = url, md5
    load_cifar10(folder)


def without_rights(folder, home, free):
    """Read and write where nothing may be written, and download through a proxy that refuses."""
    import encodings.idna  # noqa: F401
    import io

    import torch
    import torchvision.datasets  # noqa: F401
    from fake_cifar10 import load_generated_cifar10

    from course_utils.data.datasets import load_cifar10, load_fashion_mnist
    from course_utils.detection.models import FpnDetector
    from course_utils.teaching import progress
    from course_utils.training.checkpoint import save_checkpoint

    embedded = load_fashion_mnist()
    torch.save({}, io.BytesIO())  # imports more
    drop_rights()
    os.environ.update(HOME=home, TORCH_HOME=str(Path(home) / "torch"))
    os.environ.pop("COURSE_PROGRESS", None)
    print(load_generated_cifar10(folder)[0])
    for place in (home, free):
        print(told(lambda place=place: load_cifar10(place)))
    print(told(lambda: FpnDetector(pretrained=True)))
    print(told(lambda: save_checkpoint(Path(folder) / "run.pt", {"weights": torch.ones(3)})))
    print(progress.record("02", "exercises", "core", True), progress.load())
    print(len(embedded[0]))


def interrupt_finder():
    """Press Ctrl-C twice in the finder, by real signals; say whether all is as before."""
    import torch
    from busy_net import state_of
    from small_runs import make_batches, make_model, same, sgd

    from course_utils.lr.finder import find_lr

    model = make_model()
    optimizer, interrupted = sgd(model), 0
    before, hits = state_of(model, optimizer), []

    def loss(predictions, targets):
        hits.append(len(hits))
        if len(hits) == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return torch.nn.functional.cross_entropy(predictions, targets)

    class Batches(list):
        """A loader whose position is put back: meanwhile Ctrl-C is pressed once more."""

        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            os.kill(os.getpid(), signal.SIGINT)

    try:
        find_lr(model, optimizer, Batches(make_batches()), loss_function=loss, steps=50)
    except KeyboardInterrupt:
        interrupted += 1
    print(interrupted, len(hits), same(state_of(model, optimizer), before))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
