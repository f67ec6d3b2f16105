"""What only an NVIDIA GPU can show; elsewhere these tests are skipped."""

import warnings

import pytest
import torch
from small_runs import make_batches, make_model, same, sgd
from torch import nn

from course_utils.data.device_loader import Augment, DeviceLoader
from course_utils.data.image_dataset import train_and_test
from course_utils.lr.finder import find_lr
from course_utils.lr.one_cycle import OneCycle
from course_utils.models import CifarResNet
from course_utils.training.history import NonFiniteLoss
from course_utils.training.loop import fit
from course_utils.training.step import TrainStep

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def image_batches(number, size=8, **settings):
    generator = torch.Generator().manual_seed(0)
    shape = (number * size, 3, 32, 32)
    images = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
    labels = torch.arange(len(images)) % 10
    train, _ = train_and_test(images, labels, images[:10], labels[:10], list("abcdefghij"), "noise")
    return DeviceLoader(train, batch_size=size, device="cuda", **settings)


class Run:
    """A run of a small residual net on the GPU; the same one each time it is built."""

    def __init__(self, number=4, epochs=2):
        torch.manual_seed(0)
        self.model, self.epochs = CifarResNet(8).cuda(), epochs
        self.optimizer = sgd(self.model)
        self.batches = image_batches(number, shuffle=True, augment=Augment(pad=4), drop_last=True)
        self.schedule = OneCycle(self.optimizer, 0.1, epochs * number)

    def fit(self, epochs=None, **settings):
        return fit(
            self.model,
            self.optimizer,
            self.batches,
            epochs=epochs or self.epochs,
            schedule=self.schedule,
            **settings,
        )


def waits(run) -> int:
    """Count how often the host waits for the device, by PyTorch's own debug mode."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            run()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("called a synchronizing" in str(warning.message) for warning in caught)


def test_waits_are_counted():
    """Is reading one number off the device seen as a wait? (Else the next tests prove nothing.)"""
    assert waits(torch.ones((), device="cuda").item) == 1


def test_no_wait_a_step():
    """Does an epoch of many steps wait as often as one of few, so that no step waits?"""
    Run(number=2).fit()  # what only the first run of a process does
    few, many = (waits(Run(number=number).fit) for number in (4, 40))
    assert 0 < few == many


def test_finder_waits_once_in_ten_steps():
    """Does the finder look at the losses of ten steps at once?"""

    run = Run(number=100)  # no sweep reaches a second epoch

    def sweep(steps):
        settings = {"steps": steps, "min_lr": 1e-6, "max_lr": 1e-3}
        return lambda: find_lr(run.model, run.optimizer, run.batches, **settings)

    sweep(10)()
    assert waits(sweep(90)) - waits(sweep(10)) <= 80 / 5


def test_resumed_run_is_bit_equal(tmp_path):
    """Does a run in mixed precision that stops and goes on end like one that did not?"""
    torch.backends.cudnn.deterministic = True
    try:
        whole, parts = Run(), [Run(), Run()]
        expected = whole.fit()
        parts[0].fit(epochs=1, checkpoint=tmp_path / "run.pt")
        resumed = parts[1].fit(checkpoint=tmp_path / "run.pt")
    finally:
        torch.backends.cudnn.deterministic = False
    assert resumed.step_loss == expected.step_loss
    assert same(parts[1].model.state_dict(), whole.model.state_dict())


def test_finder_restores_the_device():
    """Are model, optimizer and the GPU's random generator as before a sweep with dropout?"""
    model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 8), nn.Dropout(), nn.Linear(8, 10)).cuda()
    optimizer, batches = sgd(model), image_batches(4, shuffle=True)
    fit(model, optimizer, batches, epochs=1)
    before = [
        {k: v.clone() for k, v in model.state_dict().items()},
        torch.cuda.get_rng_state(),
        batches.state_dict(),
    ]
    find_lr(model, optimizer, batches, steps=20, min_lr=1e-4)
    assert same(before, [model.state_dict(), torch.cuda.get_rng_state(), batches.state_dict()])


def test_precision_and_layout():
    """Is bfloat16 picked without a scaler where the GPU has it, and channels_last used?"""
    run = Run()
    step = TrainStep(run.model, run.optimizer)
    assert (step.amp_type, step.scaler) == (torch.bfloat16, None)
    run.fit()
    weights = [p for p in run.model.parameters() if p.dim() == 4 and p.shape[1] > 1]
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in weights)
    assert all(p.dtype == torch.float32 for p in weights)


def test_float16_scaler(monkeypatch):
    """Does a GPU without bfloat16 train in float16, and a skipped step leave the schedule alone?"""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    model = make_model().cuda()
    optimizer = sgd(model)
    schedule = OneCycle(optimizer, 0.1, 10)
    step = TrainStep(model, optimizer)
    assert step.amp_type == torch.float16
    inputs, targets = (part.cuda() for part in make_batches()[0])
    step((inputs, targets))
    schedule.step()
    lr = optimizer.param_groups[0]["lr"]
    step((inputs * 1e30, targets))  # infinite gradients: the scaler skips this step
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == lr
    assert all(p.isfinite().all() for p in model.parameters())


def test_overflow_ends_in_a_sentence():
    """Does a loss that is not finite end the training with a sentence on the GPU too?"""
    run = Run()
    with torch.no_grad():
        run.model.head[2].weight.fill_(float("nan"))
    with pytest.raises(NonFiniteLoss, match="The loss is nan at step 1 of epoch 1"):
        run.fit()


def test_compiled_model_trains_alike():
    """Does a model compiled in place start at the loss of the plain one and keep its names?"""
    plain, compiled = Run(), Run()
    compiled.model.compile(mode="reduce-overhead")
    losses = [run.fit(epochs=1).step_loss[0] for run in (plain, compiled)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)  # bfloat16 has 3 digits
    assert plain.model.state_dict().keys() == compiled.model.state_dict().keys()
