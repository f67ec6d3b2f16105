"""Ranks: the processes that train one model together, each on its part of every batch.

    torchrun --nproc-per-node=2 train.py

starts two. In `train.py` the whole work stands inside `with join_ranks() as device`. Started with
plain `python`, the same script is a run of one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from course_utils.device import pick_device
from course_utils.ending import Ending


@contextmanager
def join_ranks(*, timeout: float = 300.0) -> Iterator[torch.device]:
    """Join the ranks that `torchrun` started for a block; without torchrun, be the only one.

    Ranks exchange data through NCCL where they train on GPUs, one each, and else through gloo on
    CPUs. When a rank dies, or torchrun is told to stop, the others end within seconds, each with
    one sentence and exit code 1 (see `ending.Ending`).

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
    with Ending(store, number, count):
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


def data_parallel(model: nn.Module) -> nn.Module:
    """Return what to call for the model's forward pass, so that ranks average their gradients.

    Alone, that is the model itself. Else it is a `DistributedDataParallel` around it (Li et al.,
    "PyTorch distributed", 2020), which gives all ranks the weights of rank 0 now, and its buffers
    before each forward pass. From here on each rank draws its own random numbers, for dropout.
    """
    if not are_running():
        return model
    if rank():
        mixed = np.random.SeedSequence((torch.initial_seed(), rank())).generate_state(1)
        torch.manual_seed(int(mixed[0]))
    return nn.parallel.DistributedDataParallel(model)


def share_of(size: int, device: torch.device) -> Tensor:
    """Return the weight of this rank's mean loss, a 0-d float64 tensor; the host does not wait.

    Ranks average their gradients. So that the result is the gradient of the mean over all samples,
    each mean is multiplied by its part of the samples and by the number of ranks.

    Args:
        size: number of samples in this rank's mean.
        device: where the gradients are.
    """
    total = torch.full((), size, dtype=torch.float64, device=device)
    dist.all_reduce(total)
    return size * world_size() / total


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
