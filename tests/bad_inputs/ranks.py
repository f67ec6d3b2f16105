"""Bad inputs of training on several ranks, and of the experiments that are repeated there."""

from pathlib import Path
from unittest.mock import patch

import torch

from bad_inputs.data import environment, made
from course_utils.training import distributed as ranks
from course_utils.training.distributed import exists_for_all, join_ranks, refuse_ranks
from experiments.reproduce import Machine, experiments, reproduce
from experiments.result_file import ResultFile


def with_two_ranks(call):
    """Return the same call as one of two ranks sees it, of which one finds a file."""

    def on_a_rank(function):
        two = patch.multiple(ranks, world_size=lambda: 2, summed=lambda values: [1.0])
        with two:
            call(function)

    return on_a_rank


def second_rank(join_ranks):
    """Join as the second rank on a machine with one GPU."""
    variables = {"TORCHELASTIC_RUN_ID": "x", "LOCAL_RANK": "1", "RANK": "1", "WORLD_SIZE": "2"}
    one_gpu = patch.object(torch.cuda, "device_count", return_value=1)
    with (
        environment(**variables),
        one_gpu,
        patch.object(ranks, "pick_device", return_value=torch.device("cuda")),
        join_ranks(),
    ):
        raise AssertionError("joined")


def repeat(content=b"{}"):
    """Return a call that repeats an experiment without images, into a file with this content."""

    def call(reproduce):
        machine = Machine(torch.device("cpu"), False, Path("checkpoints"))
        with (
            made(("x/results.json", content)),
            environment(COURSE_PROFILE="smoke", COURSE_DATA="x"),
        ):
            name, results = list(experiments())[-1], ResultFile("x/results.json")
            reproduce(name, seeds=1, machine=machine, results=results)

    return call


def with_results(content, call):
    def with_file(function):
        with made(("x/results.json", content)):
            call(function)

    return with_file


def in_a_file(add):
    with made(("file", b"")):
        add(ResultFile("file/results.json"), "a", "b", {})


ROWS = {
    "what ranks cannot do": (
        refuse_ranks, with_two_ranks(lambda refuse: refuse("find_lr")),
        ValueError, "find_lr", "2 ranks",
    ),
    "file that one rank sees": (
        exists_for_all, with_two_ranks(lambda exists: exists("run.pt")),
        FileNotFoundError, "run.pt is there for 1 of 2 ranks", "share",
    ),
    "a rank too many": (
        join_ranks, second_rank, ValueError, "rank 1", "1 GPUs", "--nproc-per-node=1",
    ),
    "results that are damaged": (
        ResultFile.read, with_results(b"{", lambda read: read(ResultFile("x/results.json"))),
        ValueError, "results.json is damaged", "delete it",
    ),
    "results that are a list": (
        ResultFile.read, with_results(b"[]", lambda read: read(ResultFile("x/results.json"))),
        ValueError, "results.json is damaged", "by experiment and run",
    ),
    "result beside damaged ones": (
        ResultFile.add,
        with_results(b"{", lambda add: add(ResultFile("x/results.json"), "a", "b", {})),
        ValueError, "results.json is damaged", "delete it",
    ),
    "result in a file": (ResultFile.add, in_a_file, OSError, "file", "may write to"),
    "experiment beside damaged results": (
        reproduce, repeat(b"{"), ValueError, "results.json is damaged", "delete it",
    ),
}  # fmt: skip
