"""Ranks: the processes that train one model together, each on its part of every batch.

    torchrun --nproc-per-node=2 train.py

starts two. In `train.py` the whole work stands inside `with join_ranks() as device`. Started with
plain `python`, the same script is a run of one process.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from operator import length_hint
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.data import (
    DataLoader,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from course_utils.training.device import pick_device
from course_utils.training.preserve_state import eval_mode
from course_utils.training.step import TrainStep


@contextmanager
def join_ranks(*, timeout: float = 300.0) -> Iterator[torch.device]:
    """Join the ranks that `torchrun` started for a block; without torchrun, be the only one.

    Ranks exchange data through NCCL where they train on GPUs, one each, and else through gloo on
    CPUs. When a rank dies, or torchrun is told to stop, the others end within seconds, each with
    one sentence and exit code 1 (see `EndWithLostRank`).

    Args:
        timeout: seconds that a rank waits for another that lives but does not answer.

    Yields:
        The device of this rank: see `device.pick_device`; of several GPUs, the one of its number.

    Raises:
        ValueError: there are more ranks on this machine than GPUs.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield pick_device()
        return
    device = _device_of_rank()
    limit = timedelta(seconds=timeout)
    store, number, count = next(dist.rendezvous("env://", timeout=limit))
    with EndWithLostRank(store, number, count):
        settings = {"backend": "gloo"}
        if device.type == "cuda":
            torch.cuda.set_device(device)
            settings = {"backend": "nccl", "device_id": device}
        dist.init_process_group(
            store=store, rank=number, world_size=count, timeout=limit, **settings
        )
        yield device
        wait_for_all()
    dist.destroy_process_group()


def are_running() -> bool:
    """Say whether this process is one of several ranks, or the only one of a group."""
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Return this process's number among the ranks, from 0; 0 where it runs alone."""
    return dist.get_rank() if are_running() else 0


def world_size() -> int:
    """Return the number of ranks; 1 where a process runs alone."""
    return dist.get_world_size() if are_running() else 1


def refuse_ranks(what: str) -> None:
    """Raise a sentence where several ranks run, for what only one process can do.

    Raises:
        ValueError: there are several.
    """
    if world_size() > 1:
        raise ValueError(
            f"{what} works in one process, but {world_size()} ranks run: call it in a script that "
            "is started with python instead of torchrun, and give its result to this one."
        )


def own_part(size: int, *, before: int = 0) -> slice:
    """Return which positions of a batch are this rank's: each belongs to one rank.

    The parts differ by one position at most; the first ranks have the larger ones.

    Args:
        size: positions to share out.
        before: positions of the same batch that were shared out before these.
    """
    count = world_size()
    return slice((rank() - before) % count, size, count)


def summed(values: list[float]) -> list[float]:
    """Return each value's sum over the ranks, on every rank."""
    if not are_running():
        return values
    total = torch.tensor(values, dtype=torch.float64, device=_meeting_place())
    dist.all_reduce(total)
    return total.tolist()


def gathered(value: Any) -> list[Any]:
    """Return the value of each rank, in their order, on every rank; it must be picklable."""
    if not are_running():
        return [value]
    values = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def take_from_first(tensors: Iterable[Tensor]) -> None:
    """Fill tensors, such as a model's buffers, with their values on rank 0."""
    if are_running():
        for tensor in tensors:
            dist.broadcast(tensor, src=0)


def exists_for_all(path: str | Path) -> bool:
    """Say whether a file exists, which each rank must see alike.

    Raises:
        FileNotFoundError: only some of the ranks see it.
    """
    (seen,) = summed([float(Path(path).exists())])
    if 0 < seen < world_size():
        raise FileNotFoundError(
            f"{path} is there for {seen:g} of {world_size()} ranks only: give a folder that all "
            "machines share, or delete the file to start afresh."
        )
    return seen > 0


def check_loader_of_ranks(loader) -> None:
    """Raise a sentence unless each rank gets its own part of the batches, and as many as others.

    Raises:
        ValueError: a `DataLoader` would give every rank the same samples, or the numbers differ.
    """
    if not are_running():
        return
    alike = (SequentialSampler, RandomSampler, WeightedRandomSampler, SubsetRandomSampler)
    # With a batch sampler, the loader's own sampler draws nothing.
    source = getattr(loader, "batch_sampler", None)
    sampler = getattr(loader if source is None else source, "sampler", None)
    if isinstance(loader, DataLoader) and isinstance(sampler, alike):
        raise ValueError(
            "The DataLoader gives every rank the same samples: build it with "
            "sampler=torch.utils.data.DistributedSampler(dataset), or use DeviceLoader."
        )
    lengths = gathered(length_hint(loader))
    if len(set(lengths)) > 1:
        raise ValueError(
            f"The ranks have {lengths} batches an epoch, but all must have as many: use "
            "DeviceLoader, which gives each rank a part of every batch, or leave out the last."
        )


def wait_for_all() -> None:
    """Wait until every rank has come here."""
    if are_running():
        dist.barrier()


def _device_of_rank() -> torch.device:
    device = pick_device()
    if device.type != "cuda":
        return torch.device("cpu")
    number, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if number >= gpus:
        raise ValueError(
            f"This is rank {number} on a machine with {gpus} GPUs, but each rank needs one: start "
            f"torchrun with --nproc-per-node={gpus}, or set COURSE_DEVICE=cpu."
        )
    return torch.device("cuda", number)


def _meeting_place() -> torch.device:
    """Return the device through which the ranks exchange tensors."""
    cuda = dist.get_backend() == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if cuda else torch.device("cpu")


class DistributedTrainStep(TrainStep):
    """A `TrainStep` that several ranks take together, each with its own part of the batch.

    The step is that of one process on the whole batch: gradients are averaged over all its samples,
    however many each rank has. Two things are of a rank's part alone: what the loss function
    returns, and batch norm's statistics, of which rank 0's running ones are kept. (On GPUs
    `torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)` shares them; then no rank's part may be
    empty, so drop short last batches.) Each trainable parameter must take part in each loss.

    `DistributedDataParallel` (Li et al., "PyTorch distributed", 2020) gives all ranks the weights
    of rank 0 now, and its buffers before each forward pass. From here on each rank draws its own
    random numbers, for dropout.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, **settings):
        super().__init__(model, optimizer, **settings)
        if rank():
            mixed = np.random.SeedSequence((torch.initial_seed(), rank())).generate_state(1)
            torch.manual_seed(int(mixed[0]))
        self._parallel = nn.parallel.DistributedDataParallel(model)
        self.predict, self._has_met = self._predict, False

    def __call__(self, *batches: tuple[Tensor, Tensor]) -> Tensor:
        """Take one step together; return the mean loss over the own samples, NaN of none."""
        loss = super().__call__(*batches)
        return (loss / self._own_part).to(loss.dtype)  # so that sums over ranks are exact

    def parts(self, batches) -> list[tuple[Tensor, Tensor, Tensor | None]]:
        """Return each batch and its part in the mean over all; before the first, meet the others.

        Only after its first pass does `DistributedDataParallel` settle how it groups gradients, on
        which the rounding of their sums depends: a resumed run shall not differ in one step.
        """
        parts = super().parts(batches)
        if not self._has_met:
            inputs, targets, _ = parts[0]
            self.loss(self._predict(inputs[:0]), targets[:0], None).backward()
            self.optimizer.zero_grad()
            self._has_met = True
        return parts

    def fractions(self, targets: list[Tensor]) -> list[Tensor]:
        """Return the part of each batch in the mean over all ranks, times their number.

        Ranks average their gradients, so that the sum over them is that mean times one over it.
        """
        weights = self.weights(targets)
        own, total = weights.sum(), weights.sum()
        dist.all_reduce(total)
        self._own_part = own * world_size() / total
        return list(weights * world_size() / total)

    def loss(self, predictions, targets: Tensor, part: Tensor | None) -> Tensor:
        """Return the mean loss of this rank's part; of none, 0 with a graph."""
        if not len(targets):
            return sum(tensor.sum() for tensor in _tensors(predictions)) * 0
        return super().loss(predictions, targets, part)

    def _predict(self, inputs: Tensor):
        """Predict; where this rank has no sample, meet the others all the same."""
        if len(inputs):
            return self._parallel(inputs)
        with eval_mode(self.model):  # batch norm refuses a single sample in training
            return self._parallel(inputs.new_zeros(1, *inputs.shape[1:]))


def _tensors(value) -> list[Tensor]:
    """Return the tensors in a prediction: itself, or those in its sequences and dicts."""
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return [tensor for part in parts for tensor in _tensors(part)]


def make_step(model: nn.Module, optimizer: torch.optim.Optimizer, **settings) -> TrainStep:
    """Make the training step of this process: alone, or one of several ranks.

    Args:
        model: as of `TrainStep`, like all others.
        optimizer: likewise.
        settings: likewise.

    Raises:
        TypeError, ValueError: as `TrainStep`.
    """
    kind = DistributedTrainStep if are_running() else TrainStep
    return kind(model, optimizer, **settings)


SECONDS_TO_REPORT = 1.0  # torchrun tells all ranks of a death within a tenth of it


class EndWithLostRank:
    """A block in which this rank does not outlive the others.

    A rank that dies breaks the exchange that the others wait in, which raises there (gloo), or
    leaves them waiting (NCCL); and torchrun sends them SIGTERM. Either ends this process at once
    with exit code 1 and one sentence, which names the dead ranks: those that do not report here
    within a second. A signal is seen by a thread, since the main one may be waiting for a GPU.

    Args:
        store: the key-value store that the ranks share.
        rank: the number of this one.
        world_size: how many there are.
    """

    def __init__(self, store: dist.Store, rank: int, world_size: int):
        self.store, self.rank, self.world_size = store.clone(), rank, world_size
        self._once = threading.Lock()

    def __enter__(self) -> EndWithLostRank:
        self._signals, sender = socket.socketpair()
        sender.setblocking(False)
        self._sender = sender
        self._old_descriptor = signal.set_wakeup_fd(sender.fileno())
        # Python's part of the handler does nothing: the thread is woken before it.
        self._old_handler = signal.signal(signal.SIGTERM, lambda number, frame: None)
        if hasattr(os, "register_at_fork"):  # a process that this one forks ends on its own
            os.register_at_fork(after_in_child=self._restore)
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        if is_of_lost_rank(error):
            self._end(f"the exchange with the others broke ({str(error).splitlines()[0]})")
        self._restore()
        self._sender.close()

    def _restore(self) -> None:
        signal.signal(signal.SIGTERM, self._old_handler)
        signal.set_wakeup_fd(self._old_descriptor)

    def _watch(self) -> None:
        """Wait for SIGTERM among the signals that come; an empty read is the block's end."""
        while numbers := self._signals.recv(16):
            if signal.SIGTERM in numbers:
                self._end("it was told to (SIGTERM)")
        self._signals.close()

    def _end(self, reason: str) -> None:
        self._once.acquire()  # and never released: whoever comes second waits for the end
        sys.stdout.flush()
        print(sentence(self.rank, self._lost_ranks(), reason), file=sys.stderr, flush=True)
        os._exit(1)  # without cleaning up, which would wait for the dead rank

    def _lost_ranks(self) -> list[int]:
        """Report that this rank lives; return those that do not within a second."""
        missing = [number for number in range(self.world_size) if number != self.rank]
        end = time.monotonic() + SECONDS_TO_REPORT
        try:
            self.store.set(f"left {self.rank}", "")
            while missing and time.monotonic() < end:
                missing = [n for n in missing if not self.store.check([f"left {n}"])]
                time.sleep(0.02)
        except RuntimeError:  # the store has ended with its rank
            return missing
        return missing


def is_of_lost_rank(error: BaseException | None) -> bool:
    """Say whether an error is one that a rank gets when another one has ended or hangs."""
    if not isinstance(error, RuntimeError):
        return False
    return isinstance(error, dist.DistError) or "gloo" in str(error)


def sentence(rank: int, lost: list[int], reason: str) -> str:
    """Say that a rank ends, and why: the numbers of those that were lost, or else a reason."""
    if lost:
        reason = f"rank {', '.join(map(str, lost))} has ended or hangs"
    return (
        f"Rank {rank} ends, since {reason}: run the same command again; with a checkpoint, it goes "
        "on from there."
    )
