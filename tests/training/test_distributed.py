import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import rank_target
import torch
import torch.distributed as dist
from kill_target import Training
from small_runs import same
from tiny_notebooks import REPOSITORY

from course_utils.training import distributed as ranks
from course_utils.training.checkpoint import load_checkpoint
from course_utils.training.distributed import EndWithLostRank, is_of_lost_rank, sentence

TARGET = Path(rank_target.__file__)
COUNT = 3  # of ranks: with two, the order in which gradients are summed could not matter


def torchrun(folder, log, *, device="cpu", count=COUNT):
    """Run the target on ranks; return its exit status and the files of what each says of errors."""
    options = ["--standalone", f"--nproc-per-node={count}", "--redirects=3", f"--log-dir={log}"]
    settings = {"PYTHONPATH": str(REPOSITORY), "COURSE_DEVICE": device}
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *options, str(TARGET), str(folder)],
        env=os.environ | settings,
        stderr=subprocess.DEVNULL,
        timeout=500,
        check=False,
    )
    return done.returncode, [next(log.glob(f"**/{rank}/stderr.log")) for rank in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def killed(folder):
    """Let rank 1 die; return the status, what each rank said, rank 0's delay, and saved steps."""
    status, files = torchrun(folder, folder / "first log")
    delay = files[0].stat().st_mtime - float((folder / "killed").read_text())
    log = load_checkpoint(folder / "run.pt")["log"]
    said = [file.read_text(encoding="utf-8") for file in files]
    return status, said, delay, len(log["history"]["step_loss"])


@pytest.fixture(scope="module")
def found(folder, killed):
    """Return what each rank answers when the same command is given again."""
    status, files = torchrun(folder, folder / "second log")
    assert (status, [file.read_text(encoding="utf-8") for file in files]) == (0, [""] * COUNT)
    return [torch.load(folder / f"rank {rank} found.pt") for rank in range(COUNT)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return what one process answers."""
    return rank_target.answers(tmp_path_factory.mktemp("alone"))


# --- the same as one process ---------------------------------------------------------------------


def close(a, b):
    """Say whether numbers differ by rounding in double precision at the most."""
    return torch.allclose(torch.as_tensor(a), torch.as_tensor(b), rtol=1e-12, atol=1e-14)


def agreed(found, question):
    """Return the answer that all ranks give."""
    first, *others = (answers[question] for answers in found)
    assert all(same(first, other) for other in others)
    return first


def all_close(ours, expected):
    """Compare the tensors of several steps."""
    return len(ours) == len(expected) and all(
        close(a, b)
        for step, twin in zip(ours, expected, strict=True)
        for a, b in zip(step, twin, strict=True)
    )


@pytest.mark.slow
def test_gradients(found, alone):
    """Are all gradients those of one process, where ranks have 2, 2 and 1 samples, or 1, 0 and 0?

    The last of the five steps accumulates two batches.
    """
    ours, expected = agreed(found, "steps"), alone["steps"]
    assert len(expected["gradients"]) == 5
    assert all_close(ours["gradients"], expected["gradients"])
    assert all_close([ours["weights"]], [expected["weights"]])


@pytest.mark.slow
def test_histories(found, alone):
    """Has each rank the history of the whole, in a second run and with saves in an epoch too?"""
    for ours, expected in zip(agreed(found, "histories"), alone["histories"], strict=True):
        assert len(ours["step_loss"]) == 8
        assert ours["valid_accuracy"] == expected["valid_accuracy"]
        for name in ("train_loss", "valid_loss", "step_loss"):
            assert close(ours[name], expected[name]), name


@pytest.mark.slow
def test_evaluate(found, alone):
    """Is `evaluate` the mean over all images, on ranks that have 3, 2 and 1 of them?"""
    assert close(agreed(found, "evaluated"), alone["evaluated"])


KINDS = ("in order", "shuffled", "oversampled", "short ones dropped", "scenes")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_parts(kind, found, alone):
    """Do the ranks' parts make up each batch of one process, nothing lost, nothing twice?"""
    parts = zip(*(answers["parts"][kind] for answers in found), strict=True)
    for of_ranks, expected in zip(parts, alone["parts"][kind], strict=True):
        assert sorted(sum(of_ranks, [])) == sorted(expected)
        assert max(map(len, of_ranks)) - min(map(len, of_ranks)) <= 1


@pytest.mark.slow
def test_mining(found, alone):
    """Does mining find the same, each scene read once, also where the scan is taken up again?"""
    mined, expected = agreed(found, "mined"), alone["mined"]
    assert mined == expected and len(mined["first"][0]) == 20
    assert mined["again"] == mined["first"]
    read = [answers["read"] for answers in found]
    assert sorted(sum(read, [])) == sorted(alone["read"])
    assert max(map(len, read)) - min(map(len, read)) <= 8  # two batches


# --- what only one rank does, and what is refused ------------------------------------------------


@pytest.mark.slow
def test_one_rank_writes(found, folder):
    """Does rank 0 alone write checkpoints and tell callbacks?"""
    assert [path.name for path in folder.glob("own *.pt")] == ["own 0.pt"]
    assert [answers["told"] for answers in found] == [[1, 2, 1, 2], [], []]


@pytest.mark.slow
def test_file_that_ranks_lack(found):
    """Is a checkpoint that not all ranks see refused on all of them?"""
    for answers in found:
        assert "is there for 1 of 3 ranks only: give a folder" in answers["lacking"]


@pytest.mark.slow
def test_finder(found, alone):
    """Does the learning-rate finder refuse several ranks in a sentence?"""
    assert alone["finder"] == ""
    words = "find_lr works in one process, but 3 ranks run: call it"
    assert agreed(found, "finder").startswith(words)


@pytest.mark.slow
def test_numbers_of_batches(found, alone):
    """Are ranks refused that have more batches than others, as they would wait for ever?"""
    assert alone["lengths"] == ""
    assert agreed(found, "lengths").startswith("The ranks have [4, 3, 2] batches an epoch, but all")


@pytest.mark.slow
def test_other_number_of_ranks(found, folder):
    """Is the checkpoint of several ranks refused by one process, with the reason?"""
    with pytest.raises(ValueError, match="its number of ranks is 3, but here it is 1"):
        Training().fit(folder / "run.pt")


# --- a rank that dies ----------------------------------------------------------------------------


@pytest.mark.slow
def test_rank_dies(killed):
    """Do the other ranks end within seconds, with one sentence each that names the dead one?"""
    status, said, delay, _ = killed
    # Python 3.14's own helper process may complain after it.
    said = [text.partition("/multiprocessing/resource_tracker.py")[0] for text in said]
    said = [text.rpartition("\n")[0] for text in said]
    assert (status, said) == (1, [sentence(0, [1], ""), "", sentence(2, [1], "")])
    assert 0 < delay < 10


@pytest.mark.slow
def test_resumed(killed, found):
    """Does the same command, given again, end bit-equal to a run in which nobody died?"""
    assert killed[-1] == 26
    for answers in found:
        assert same(answers["resumed"], answers["trained"])


@pytest.mark.slow
def test_own_random_numbers(found):
    """Do the ranks share weights, optimizer and history, but draw dropout's masks apart?"""
    first, *others = (answers["trained"] for answers in found)
    for other in others:
        *parts, generators, history = (same(a, b) for a, b in zip(first, other, strict=True))
        assert all(parts) and history and not generators


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_gpus(tmp_path):
    """Do ranks on GPUs, or one rank on the only one, agree with one process without a group?"""
    count = min(COUNT, torch.cuda.device_count())
    status, _ = torchrun(tmp_path, tmp_path / "log", device="cuda", count=count)
    assert status == 0
    found = [torch.load(tmp_path / f"rank {rank} found.pt") for rank in range(count)]
    expected = rank_target.answers(tmp_path / "alone", "cuda")
    assert all_close(agreed(found, "steps")["gradients"], expected["steps"]["gradients"])
    for ours, theirs in zip(agreed(found, "histories"), expected["histories"], strict=True):
        assert close(ours["step_loss"], theirs["step_loss"])


# --- one process ---------------------------------------------------------------------------------


def test_alone(monkeypatch):
    """Is a process that torchrun did not start the only rank, on the device of its choice?"""
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    with ranks.join_ranks() as device:
        assert device == torch.device("cpu")
        assert (ranks.are_running(), ranks.rank(), ranks.world_size()) == (False, 0, 1)
    assert ranks.gathered("a") == ["a"] and ranks.summed([1, 2.5]) == [1, 2.5]
    ranks.wait_for_all(), ranks.refuse_ranks("nothing")


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("sizes", [(7,), (2, 1), (4, 3), (1,)])
def test_own_part(count, sizes, monkeypatch):
    """Has each position of a batch in pieces one rank, and no rank two more than another?"""
    monkeypatch.setattr(ranks, "world_size", lambda: count)
    owners = [[0] * size for size in sizes]
    totals = []
    for number in range(count):
        monkeypatch.setattr(ranks, "rank", lambda number=number: number)
        totals.append(0)
        before = 0
        for piece in owners:
            for position in range(len(piece))[ranks.own_part(len(piece), before=before)]:
                piece[position] += 1
                totals[-1] += 1
            before += len(piece)
    assert all(owner == 1 for piece in owners for owner in piece)
    assert max(totals) - min(totals) <= 1 and totals == sorted(totals, reverse=True)


def test_more_ranks_than_gpus(monkeypatch):
    """Is a rank without a GPU of its own refused, with the number that works?"""
    monkeypatch.setattr(ranks, "pick_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert ranks._device_of_rank() == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match="rank 2 on a machine with 2 GPUs.*--nproc-per-node=2"):
        ranks._device_of_rank()


GLOO = "[pair.cc:547] third_party/gloo: Connection closed by peer [127.0.0.1]:1234"

# A rank that waits for ever, after it has ended a process of its own in the usual way.
WAITING = """
import os, signal, time
import torch.distributed as dist
from course_utils.training.distributed import EndWithLostRank

with EndWithLostRank(dist.HashStore(), 0, 3):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, b".")
    while not child:
        time.sleep(1)
    os.read(reader, 1)
    os.kill(child, signal.SIGTERM)
    print(os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
    while True:
        time.sleep(1)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_told_to_stop():
    """Does SIGTERM end a rank that waits, with one sentence, but not when a child gets it?"""
    root = str(REPOSITORY)
    settings = {"env": os.environ | {"PYTHONPATH": root}, "text": True}
    # Python 3.12 and later warn of any fork beside threads; the child here only waits for its end.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", WAITING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings) as p:
        assert p.stdout.readline() == "15\n"  # the signal that ended the child
        p.send_signal(signal.SIGTERM)
        _, printed = p.communicate(timeout=500)
    assert printed == sentence(0, [1, 2], "") + "\n"
    assert p.returncode == 1


def test_nothing_stays():
    """Is the handling of signals as before after the block, and an error of its own let through?"""
    before = signal.getsignal(signal.SIGTERM)
    with (
        pytest.raises(RuntimeError, match="out of memory"),
        EndWithLostRank(dist.HashStore(), 0, 2),
    ):
        assert signal.getsignal(signal.SIGTERM) is not before
        raise RuntimeError("out of memory")
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("living", [[], [2], [1, 2]])
def test_lost_ranks(living):
    """Are the ranks named that do not report, and none that does?"""
    store = dist.HashStore()
    for number in living:
        store.set(f"left {number}", "")
    with EndWithLostRank(store, 0, 3) as watch:
        assert watch._lost_ranks() == [number for number in (1, 2) if number not in living]
    assert store.check(["left 0"])


@pytest.mark.parametrize(
    "error, lost",
    [
        (RuntimeError(GLOO), True),
        (dist.DistBackendError("NCCL error: remote process exited"), True),
        (RuntimeError("shapes cannot be multiplied"), False),
        (ValueError("gloo"), False),
        (None, False),
    ],
)
def test_errors_of_lost_ranks(error, lost):
    """Is the error that a dead rank causes told from the errors that a rank makes itself?"""
    assert is_of_lost_rank(error) is lost


@pytest.mark.parametrize(
    "lost, words",
    [
        (
            [],
            "Rank 3 ends, since it was told to: run the same command again; with a checkpoint, it",
        ),
        ([1], "Rank 3 ends, since rank 1 has ended or hangs: run"),
        ([0, 2], "Rank 3 ends, since rank 0, 2 has ended or hangs: run"),
    ],
)
def test_sentence(lost, words):
    """Does the sentence name what was lost, or else the reason, and say what to do?"""
    assert sentence(3, lost, "it was told to").startswith(words)
