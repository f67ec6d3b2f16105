import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from busy_net import Net, state_of
from small_runs import same
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_utils.lr.finder import FIRST, StopRule, compare_lr_finders, find_lr, repeat_lr_finder
from course_utils.training.step import TrainStep


def make(seed=0, n=60, batch_size=10, classes=3):
    torch.manual_seed(seed)
    inputs = torch.randn(n, 4)
    targets = (inputs @ torch.randn(4, classes)).argmax(1)
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size, True, generator=generator)
    model = Net()
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), loader


def everything(model, optimizer, loader):
    return state_of(model, optimizer), loader.generator.get_state()


@pytest.mark.parametrize("steps_before", [0, 3])
@pytest.mark.parametrize("max_lr, reason", [(1e-3, "end"), (1e6, "diverged")])
def test_leaves_no_trace(steps_before, max_lr, reason):
    """Is the state bit-equal after a whole sweep and after divergence, before and in training?"""
    model, optimizer, loader = make()
    step = TrainStep(model, optimizer)
    for batch, _ in zip(loader, range(steps_before), strict=False):
        step(batch)
    before = everything(model, optimizer, loader)
    curve = find_lr(model, optimizer, loader, max_lr=max_lr, steps=120, beta=0.5)
    assert curve.stop_reason == reason
    assert same(everything(model, optimizer, loader), before)


@pytest.mark.parametrize("error", [RuntimeError("shape"), KeyboardInterrupt()])
def test_leaves_no_trace_after_an_error(error):
    """Is the state bit-equal after an exception in the model and after Ctrl-C, which still rise?"""
    model, optimizer, loader = make()
    before = everything(model, optimizer, loader)
    calls = iter(range(100))

    def fail(module, inputs):
        if next(calls) == 7:
            raise error

    handle = model.register_forward_pre_hook(fail)
    with pytest.raises(type(error)):
        find_lr(model, optimizer, loader)
    handle.remove()
    assert next(calls) == 8
    assert same(everything(model, optimizer, loader), before)


def test_restores_the_scaler():
    """Does a gradient scaler that the step holds come back as well?"""
    model, optimizer, loader = make()
    step = TrainStep(model, optimizer)
    step.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    step(next(iter(loader)))
    before = step.scaler.state_dict()
    find_lr(model, optimizer, loader, step=step, max_lr=1e-3)
    assert step.scaler.state_dict() == before


def test_learning_rates_equal_seed_code():
    """Do the learning rates grow by the source text's factor, in one pass over a loader?"""
    model, optimizer, loader = make(n=1200)
    curve = find_lr(model, optimizer, loader, min_lr=1e-8, max_lr=1e-2, steps=len(loader))
    factor = (1e-2 / 1e-8) ** (1 / (len(loader) - 1))
    np.testing.assert_allclose(curve.lrs, 1e-8 * factor ** np.arange(len(loader)))


def test_smoothed_losses_equal_seed_code():
    """Are the smoothed losses those of the source text's formula over the raw ones?"""
    curve = find_lr(*make(), beta=0.9)
    average = 0.0
    for number, (raw, smoothed) in enumerate(zip(curve.losses, curve.smoothed, strict=True), 1):
        average = 0.9 * average + 0.1 * raw
        assert smoothed == pytest.approx(average / (1 - 0.9**number))


def test_losses_are_those_of_training():
    """Is each raw loss the loss that a hand-written loop meets at that learning rate?"""
    model, optimizer, loader = make()
    model.body[2].p = 0.0
    twin = copy.deepcopy(model).train()
    sgd = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    curve = find_lr(model, optimizer, loader, min_lr=1e-3, max_lr=1.0, steps=6)
    for (inputs, targets), lr, raw in zip(loader, curve.lrs, curve.losses, strict=True):
        sgd.param_groups[0]["lr"] = lr
        loss = F.cross_entropy(twin(inputs), targets)
        assert loss.item() == raw
        sgd.zero_grad()
        loss.backward()
        sgd.step()


def test_short_loader_is_cycled():
    """Does a sweep longer than the loader go on with its next epochs, each shuffled anew?"""
    model, optimizer, loader = make()
    seen = []
    model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].clone()))
    find_lr(model, optimizer, loader, max_lr=1e-4, steps=13)
    assert len(loader) == 6 and len(seen) == 13
    epochs = torch.cat(seen[:6]), torch.cat(seen[6:12])
    assert not torch.equal(*epochs)
    assert torch.equal(*(epoch.sort(0).values for epoch in epochs))


def test_group_ratios():
    """Do parameter groups keep the ratios of their learning rates at every step?"""
    model, _, loader = make()
    groups = [
        {"params": [model.body[0].weight], "lr": 0.01},
        {"params": model.body[1].parameters(), "lr": 0.0},
        {"params": model.body[3].parameters(), "lr": 0.1},
    ]
    optimizer = torch.optim.SGD(groups)
    seen = []
    optimizer.register_step_pre_hook(
        lambda opt, *_: seen.append([group["lr"] for group in opt.param_groups])
    )
    curve = find_lr(model, optimizer, loader, max_lr=1e-2)
    expected = np.outer(curve.lrs, [0.1, 0.0, 1.0])
    np.testing.assert_allclose(seen, expected)
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 0.0, 0.1]


def test_tensor_learning_rate():
    """Is a learning rate that is held in a tensor swept and restored in place?"""
    model, _, loader = make()
    rate = torch.tensor(0.1, dtype=torch.double)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, foreach=False)
    curve = find_lr(model, optimizer, loader, max_lr=10.0)
    assert curve.suggestion() > 0
    assert optimizer.param_groups[0]["lr"] is rate and rate == 0.1


def test_ratios_of_tensors():
    """Do groups whose learning rates are tensors keep their ratios as well?"""
    model, _, loader = make()
    rates = [torch.tensor(lr, dtype=torch.double) for lr in (0.1, 0.01)]
    groups = [{"params": [p], "lr": lr} for p, lr in zip(model.parameters(), rates, strict=False)]
    optimizer = torch.optim.Adam(groups, foreach=False)
    seen = []
    optimizer.register_step_pre_hook(
        lambda opt, *_: seen.append([float(group["lr"]) for group in opt.param_groups])
    )
    curve = find_lr(model, optimizer, loader, max_lr=1e-2)
    np.testing.assert_allclose(seen, np.outer(curve.lrs, [1.0, 0.1]))


def test_accumulation():
    """Does each learning rate take `accumulate` batches and report the mean of their losses?"""
    model, optimizer, loader = make()
    model.body = nn.Linear(4, 3)  # no batch norm, so that batches are independent
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    settings = {"min_lr": 1e-3, "max_lr": 1e-1}
    parts = find_lr(model, optimizer, loader, accumulate=3, steps=2, **settings)
    batches = list(loader)  # the order is back, so that these are the batches that it saw
    whole = [tuple(map(torch.cat, zip(*batches[i : i + 3], strict=True))) for i in (0, 3)]
    reference = find_lr(model, optimizer, whole, steps=2, **settings)
    assert parts.losses == pytest.approx(reference.losses, rel=1e-5)


def test_validation_loss():
    """Does the validation mode report the held-out loss after each step, in eval mode?"""
    model, optimizer, loader = make()
    valid = [
        (torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])),
        (torch.randn(2, 4), torch.zeros(2).long()),
    ]
    before = everything(model, optimizer, loader)
    curve = find_lr(model, optimizer, loader, valid_loader=valid, min_lr=1e-8, max_lr=1e-7)
    assert same(everything(model, optimizer, loader), before)
    # At learning rates near zero only the batch statistics change.
    model.train()
    model(next(iter(loader))[0])
    model.eval()
    with torch.no_grad():
        losses = torch.cat([F.cross_entropy(model(x), y, reduction="none") for x, y in valid])
    assert curve.losses[0] == pytest.approx(losses.mean().item(), rel=1e-4)


def test_any_step():
    """Does the finder sweep any function that takes a step and returns its loss?"""
    weight = nn.Parameter(torch.tensor(5.0))
    model = nn.ParameterList([weight])
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

    targets = [torch.tensor(1.0), torch.tensor(1.2)]

    def step(target):
        optimizer.zero_grad()
        loss = (weight - target).square()
        loss.backward()
        optimizer.step()
        return loss

    curve = find_lr(model, optimizer, targets, step=step, min_lr=1e-4, steps=200)
    assert curve.losses[0] == 16.0
    assert 1e-3 < curve.suggestion() < 0.5
    assert curve.stop_reason == "diverged"
    assert weight.item() == 5.0


def test_constant_loss():
    """Is a loss that never moves constant in the curve, smoothed values included?"""
    model, optimizer, loader = make()
    step = lambda batch: torch.tensor(math.log(10))  # noqa: E731
    curve = find_lr(model, optimizer, loader, step=step, beta=0.98)
    assert curve.is_constant and curve.stop_reason == "end"
    assert set(curve.smoothed) == set(curve.losses) and len(curve.lrs) == 200


def test_defaults():
    """Does a sweep go from 1e-6 to 10 in 200 steps, with a smoothing of .98, on any loader?"""
    step = lambda *batches: torch.tensor(1.0)  # noqa: E731
    for settings in ({"n": 2400}, {"n": 60}):
        curve = find_lr(*make(**settings), step=step)
        assert (curve.lrs[0], curve.lrs[-1], len(curve.lrs)) == (1e-6, 10.0, 200)
        assert curve.beta == 0.98


@pytest.mark.parametrize("peak, reason", [(2.9, "end"), (3.1, "diverged")])
def test_default_stop(peak, reason):
    """Does a sweep end where the loss has risen by twice its fall?"""
    losses = iter([2.0] * 50 + [1.0] * 50 + [peak] * 100)
    step = lambda batch: torch.tensor(next(losses))  # noqa: E731
    assert find_lr(*make(), step=step, beta=0.0).stop_reason == reason


@pytest.mark.parametrize(
    "device, settings, left",
    [("cpu", {"check_every": 10}, 70), ("cpu", {}, 74), ("meta", {}, 70)],
)
def test_when_one_looks(device, settings, left):
    """Is each loss looked at on a CPU, and each tenth elsewhere, where looking means waiting?"""
    losses = iter([2.0] * 100 + [1.0] * 25 + [5.0] * 75)
    step = lambda batch: torch.tensor(next(losses))  # noqa: E731
    model = nn.Linear(4, 3, device=device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    find_lr(model, optimizer, make()[2], step=step, beta=0.0, **settings)
    assert len(list(losses)) == left


def test_loss_function():
    """Is it the loss that is asked for that is measured?"""
    twice = find_lr(*make(), loss_function=lambda x, y: 2 * F.cross_entropy(x, y), steps=5)
    assert twice.losses[0] == pytest.approx(2 * find_lr(*make(), steps=5).losses[0])


@pytest.mark.parametrize("check_every", [2, 10, 1000])
@pytest.mark.parametrize("beta", [0.0, 0.98])
def test_looking_seldom(check_every, beta):
    """Does looking every k steps give the curve of looking at each one?"""
    assert find_lr(*make(), max_lr=1e6, beta=beta, check_every=check_every) == find_lr(
        *make(), max_lr=1e6, beta=beta, check_every=1
    )


def test_error_after_unseen_divergence():
    """Does a model that raises after a divergence not yet looked at still give the curve?"""
    losses = iter([2.0] * 150 + [1.0, 9.0])

    def step(batch):
        return torch.tensor(next(losses))

    model, optimizer, loader = make()
    curve = find_lr(model, optimizer, loader, step=step, beta=0.0, check_every=50)
    assert curve.stop_reason == "diverged" and curve.losses == (2.0,) * 150 + (1.0,)


def test_non_finite_loss_ends_the_sweep():
    """Does NaN end the sweep, far from the suggestion, though the loss fell until then?"""
    losses = iter([2.0 - 0.01 * i for i in range(90)] + [math.nan] * 110)
    model, optimizer, loader = make()
    curve = find_lr(model, optimizer, loader, step=lambda batch: torch.tensor(next(losses)))
    assert curve.stop_reason == "non-finite" and len(curve.losses) == 90
    assert curve.suggestion() < curve.lrs[-1] / 3


def test_repeats_and_comparison():
    """Do repeats over seeds give a range, and a comparison one for each setting?"""
    compared = compare_lr_finders({"a": make, "b": lambda seed: make(seed + 10)}, seeds=range(3))
    assert list(compared) == ["a", "b"]
    assert compared["a"].curves == repeat_lr_finder(make, range(3)).curves
    short = compare_lr_finders({"a": make}, seeds=range(2), steps=7, max_lr=1e-3)
    assert [curve.lrs[-1] for curve in short["a"].curves] == [1e-3, 1e-3]
    assert [len(curve.lrs) for curve in short["a"].curves] == [7, 7]
    middle, low, high = compared["a"].suggestion()
    assert low <= middle <= high and low < high


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"min_lr": 0.0}, "min_lr is 0.0, but must be a finite number, above 0"),
        ({"min_lr": 1.0, "max_lr": 0.1}, "max_lr is 0.1, but must be a finite number, above 1"),
        ({"min_lr": 0.1, "max_lr": 0.1}, "max_lr is 0.1, but must be a finite number, above 0.1"),
        ({"max_lr": math.inf}, "max_lr is inf"),
        ({"max_lr": math.nan}, "max_lr is nan"),
        ({"steps": 1}, "steps is 1"),
        ({"accumulate": 0}, "accumulate is 0"),
        ({"beta": 1.0}, "beta is 1.0"),
        ({"stop_rise": 0.0}, "stop_rise is 0.0"),
    ],
)
def test_bad_settings(settings, words):
    """Does each setting out of range raise a sentence that names it and its value?"""
    with pytest.raises(ValueError, match=words):
        find_lr(*make(), **settings)


@pytest.mark.parametrize("lr", [0.0, -0.1, math.inf, math.nan])
def test_bad_learning_rates(lr):
    """Does an optimizer whose learning rates set no ratio raise a sentence that shows them?"""
    model, optimizer, loader = make()
    optimizer.param_groups[0]["lr"] = lr
    with pytest.raises(ValueError, match=rf"learning rates are \[{lr}\].*positive LR"):
        find_lr(model, optimizer, loader)


def test_bad_batches():
    """Do no batches and a one-shot iterator each raise a sentence, and needs no length?"""
    model, optimizer, loader = make()
    with pytest.raises(ValueError, match="batches are empty"):
        find_lr(model, optimizer, [])
    with pytest.raises(ValueError, match="one-shot iterator"):
        find_lr(model, optimizer, iter(loader))

    class Endless:
        def __iter__(self):
            while True:
                yield next(iter(loader))

    assert len(find_lr(model, optimizer, Endless(), max_lr=1e-3).lrs) == 200


def test_nan_from_the_start():
    """Does a model whose first loss is NaN raise a sentence and come back untouched?"""
    model, optimizer, loader = make()
    with torch.no_grad():
        model.body[3].weight.fill_(math.nan)
    with pytest.raises(ValueError, match="first loss, at LR 1e-06"):
        find_lr(model, optimizer, loader)


START = [2.0] * FIRST  # what is not judged yet


def feed(values, *, beta=0.0, stop_rise=2.0, at_once=1):
    rule = StopRule(beta, stop_rise, 2 * FIRST)
    for start in range(0, len(values), at_once):
        if rule.read([torch.tensor(v) for v in values[start : start + at_once]]):
            break
    return rule


def test_divergence():
    """Does the first loss above the lowest by twice the fall end the sweep, left out of it?"""
    rule = feed([*START, 1.0, 3.0, 3.1, 9.0])
    assert rule.stop_reason == "diverged"
    assert rule.losses == [*START, 1.0, 3.0]


def test_the_fall_begins_at_the_highest_loss():
    """Is it measured from the highest loss before the lowest, not from one after it?"""
    start = [*START, 1.5, 2.4, 1.0]
    assert feed([*start, 3.7]).stop_reason is None
    assert feed([*start, 3.7, 3.9]).stop_reason == "diverged"


def test_first_losses_are_noise():
    """Is nothing judged in the first half, and is the range of the first ten losses no fall?"""
    noisy = [2.0, 1.0, 9.0] + [2.0] * 7
    assert feed(noisy).stop_reason is None
    assert feed([*noisy, 17.0]).stop_reason is None
    assert feed([*noisy, 17.1]).stop_reason == "diverged"


def test_smoothed_loss_decides():
    """Is it the smoothed loss that decides, so that one high loss is forgiven?"""
    assert feed([2.0] * 25 + [1.0] * 25 + [9.0] + [1.0] * 5, beta=0.98).stop_reason is None


@pytest.mark.parametrize("level", [0.0, -2.0, -100.0, 1e4])
def test_level_of_the_loss(level):
    """Does a sweep end at the same loss whatever constant is added, below zero too?"""
    losses = [loss + level for loss in (*START, 1.0, 3.0, 3.5, 9.0)]
    assert feed(losses).losses == losses[:-2]


def test_no_limit():
    """Does a sweep without a limit end at a loss that is not finite alone?"""
    assert feed([*START, 1.0, 1e30], stop_rise=None).stop_reason is None
    assert feed([*START, 1.0, math.inf], stop_rise=None).stop_reason == "non-finite"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite(bad):
    """Does the first loss that is not finite end the sweep and stay out of the curve?"""
    rule = feed([2.0, 1.0, bad, 1.0])
    assert rule.stop_reason == "non-finite"
    assert rule.curve([1, 2, 3, 4]).losses == (2.0, 1.0)


@pytest.mark.parametrize("at_once", [2, 3, 7])
@pytest.mark.parametrize(
    "values", [[2.0] * 10 + [1.0, 3.1, 9.0], [2.0, math.nan, 1.0, 1.0], [1.0] * 9]
)
def test_looking_seldom_stop_rule(values, at_once):
    """Does looking at several losses at once give the same curve as looking at each?"""
    lrs = list(range(len(values)))
    assert feed(values, at_once=at_once).curve(lrs) == feed(values).curve(lrs)


def test_nothing_finite():
    """Does a sweep whose very first loss is no number raise a sentence with its learning rate?"""
    with pytest.raises(ValueError, match="first loss, at LR 1e-08, is not finite"):
        feed([math.nan]).curve([1e-8])


@pytest.mark.parametrize("rise", [0.0, -1.0, math.nan, math.inf])
def test_bad_rise(rise):
    """Does a limit that would end every sweep at once, or none, raise a sentence?"""
    with pytest.raises(ValueError, match=f"stop_rise is {rise}"):
        StopRule(0.98, rise, 20)


def test_small_rise():
    """May the limit be anything above 0?"""
    assert feed([*START, 1.0, 1.25, 1.75], stop_rise=0.5).losses == [*START, 1.0, 1.25]
