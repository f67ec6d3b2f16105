"""How a rank ends when another one has died: at once, and with a sentence."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

import torch.distributed as dist

SECONDS_TO_REPORT = 1.0  # torchrun tells all ranks of a death within a tenth of it


class Ending:
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

    def __enter__(self) -> Ending:
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
            self.store.set(f"ending {self.rank}", "")
            while missing and time.monotonic() < end:
                missing = [n for n in missing if not self.store.check([f"ending {n}"])]
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
