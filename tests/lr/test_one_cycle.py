from __future__ import annotations

import copy
import gc
import io
import pickle

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR, SequentialLR

from course_utils.lr.one_cycle import OneCycle
from course_utils.lr.schedules import OneCycleCurve, Phase, PhasedCurve


def weight() -> nn.Parameter:
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.full((2,), 0.1)
    return parameter


def sgd(**settings) -> torch.optim.SGD:
    return torch.optim.SGD([weight()], **{"lr": 0.1, "momentum": 0.9, **settings})


def take_steps(optimizer, schedule, count: int) -> list[tuple[float, float]]:
    """Take steps and return the (LR, momentum) of each, as the first group had them."""
    used = []
    for _ in range(count):
        group = optimizer.param_groups[0]
        used.append((group["lr"], group["momentum"]))
        optimizer.step()
        schedule.step()
    return used


def through_a_file(state: dict) -> dict:
    """Save a state and load it as a foreign checkpoint is loaded."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_each_step_is_taken_with_the_curves_values():
    """Does the optimizer step with the LR and momentum of the preview, the first one included?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 0.8, 50, tail=0.1)
    used = take_steps(optimizer, schedule, 50)
    assert used == list(zip(*OneCycleCurve.gugger(50, 0.8, tail=0.1).preview(), strict=True))


def test_equals_torchs_schedule_step_by_step():
    """Do two optimizers go the same way, one with OneCycleLR and the usual loop, one with this?"""
    theirs, ours = sgd(), sgd()
    pct_start = (0.9 / 2 * 99 + 1) / 100
    settings = {"div_factor": 10, "final_div_factor": 100, "anneal_strategy": "linear"}
    their_schedule = OneCycleLR(theirs, 0.8, 100, three_phase=True, pct_start=pct_start, **settings)
    our_schedule = OneCycle(ours, 0.8, 100, tail=0.1)
    for step in range(100):
        assert ours.param_groups[0]["momentum"] == pytest.approx(theirs.param_groups[0]["momentum"])
        assert our_schedule.get_last_lr() == pytest.approx(their_schedule.get_last_lr(), rel=1e-9)
        theirs.step()
        ours.step()
        our_schedule.step()
        if step < 99:
            their_schedule.step()
    weights = [optimizer.param_groups[0]["params"][0] for optimizer in (theirs, ours)]
    torch.testing.assert_close(*weights)
    their_schedule.step()  # the step that the usual loop takes once too often
    assert their_schedule.get_last_lr()[0] < 0 < our_schedule.get_last_lr()[0]


def test_no_step_past_the_end():
    """Does the LR keep its final value after the last step, and does one step more raise?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 1.0, 5)
    take_steps(optimizer, schedule, 4)
    assert not schedule.finished
    take_steps(optimizer, schedule, 1)
    assert schedule.finished
    assert optimizer.param_groups[0]["lr"] == schedule.get_last_lr()[0] == 0.001
    schedule.step()  # without a step of the optimizer nothing has happened
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"5 steps has ended, .* call extend\(extra_steps\)"):
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.001


def test_only_steps_of_the_optimizer_count():
    """Is step() without an optimizer step before it ignored?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 1.0, 10)
    schedule.step()
    assert schedule.steps_done == 0
    optimizer.step()
    schedule.step()
    schedule.step()
    assert schedule.steps_done == 1


@pytest.mark.parametrize(
    "build",
    [
        lambda p: torch.optim.SGD([p], lr=0.1, momentum=0.9),
        lambda p: torch.optim.SGD([p], lr=0.1, momentum=0.9, fused=True),
        lambda p: torch.optim.Adam([p], lr=0.1),
        lambda p: torch.optim.Adam([p], lr=0.1, fused=True),
    ],
    ids=["SGD", "fused SGD", "Adam", "fused Adam"],
)
def test_steps_that_grad_scaler_skips_do_not_count(build):
    """Are LR and position unmoved by a step whose gradient overflowed, plain and fused alike?"""
    parameter = weight()
    optimizer = build(parameter)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    schedule = OneCycle(optimizer, 0.1, 10)
    positions = []
    for factor in (1.0, float("inf"), 1.0, float("nan"), 1.0):
        before = parameter.detach().clone()
        optimizer.zero_grad()
        scaler.scale((parameter * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        schedule.step()
        positions.append(schedule.steps_done)
        assert torch.equal(before, parameter) == (factor != 1.0)
        assert optimizer.param_groups[0]["lr"] == OneCycleCurve.gugger(10, 0.1).lr(positions[-1])
    assert positions == [1, 1, 2, 2, 3]


def test_the_first_beta_of_adam_is_cycled():
    """Do betas[0] follow the momentum's curve and the other beta stay?"""
    optimizer = torch.optim.AdamW([weight()], lr=0.1, betas=(0.9, 0.98))
    schedule = OneCycle(optimizer, 0.01, 20)
    for momentum in OneCycleCurve.gugger(20, 0.01).momenta():
        assert optimizer.param_groups[0]["betas"] == (momentum, 0.98)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        (torch.optim.Adagrad([weight()]), {}),
        (sgd(momentum=0), {}),
        (torch.optim.Adam([weight()], betas=(0.0, 0.99)), {}),
        (sgd(momentum=0.77), {"momentum": None}),
        (torch.optim.Adam([weight()], betas=(0.8, 0.99)), {"momentum": None}),
    ],
    ids=["none", "SGD 0", "Adam 0", "SGD off", "Adam off"],
)
def test_momentum_is_left_alone(optimizer, settings):
    """Is momentum untouched where the optimizer has none, or where its cycle is turned off?"""
    untouched = {k: v for k, v in optimizer.param_groups[0].items() if k not in ("lr", "params")}
    schedule = OneCycle(optimizer, 0.1, 10, **settings)
    for _ in range(7):
        optimizer.step()
        schedule.step()
    group = optimizer.param_groups[0]
    assert {name: group[name] for name in untouched} == untouched
    assert group["lr"] == OneCycleCurve.gugger(10, 0.1).lr(7)


def test_each_group_has_its_own_peak():
    """Does one max_lr a group give each its own curve?"""
    optimizer = torch.optim.SGD([{"params": [weight()]}, {"params": [weight()]}], lr=0.1)
    schedule = OneCycle(optimizer, (0.01, np.float64(0.4)), 30)
    for step in range(30):
        expected = [OneCycleCurve.gugger(30, 0.01).lr(step), OneCycleCurve.gugger(30, 0.4).lr(step)]
        assert [group["lr"] for group in optimizer.param_groups] == expected
        assert schedule.get_last_lr() == expected
        optimizer.step()
        schedule.step()


def test_any_curve_will_do():
    """Do other forms, and curves of one's own, drive the optimizer as well?"""
    optimizer = sgd()
    OneCycle(optimizer, 0.5, 40, curve=OneCycleCurve.fastai, pct_start=0.5)
    assert optimizer.param_groups[0]["lr"] == 0.5 / 25
    own = OneCycle(
        optimizer,
        0.5,
        40,
        curve=lambda total, lr: PhasedCurve(total, (Phase(total, (lr, 0.0)),)),
    )
    take_steps(optimizer, own, 20)
    assert own.get_last_lr() == [0.25]


def test_tensors_are_refilled_in_place():
    """Are LR and betas that are tensors, as captured graphs need them, the same tensors after?"""
    lr, betas = torch.tensor(0.1), (torch.tensor(0.9), torch.tensor(0.99))
    optimizer = torch.optim.Adam([weight()], lr=lr, betas=betas, foreach=False, capturable=False)
    group = optimizer.param_groups[0]
    lr, beta = group["lr"], group["betas"][0]
    schedule = OneCycle(optimizer, 0.02, 10)
    optimizer.step()
    schedule.step()
    assert group["lr"] is lr
    assert group["betas"][0] is beta
    expected = OneCycleCurve.gugger(10, 0.02).at(1)
    torch.testing.assert_close(torch.stack([lr, beta]), torch.tensor(expected))


@pytest.mark.parametrize("done", [0, 1, 7, 19, 20])
def test_resume_goes_on_as_if_undisturbed(done):
    """Does a new schedule on a new optimizer go on with the very values of the first?"""
    first = sgd()
    schedule = OneCycle(first, 0.8, 20, curve=OneCycleCurve.torch)
    take_steps(first, schedule, done)
    state = through_a_file(schedule.state_dict())
    second = sgd()
    resumed = OneCycle(second, 0.8, 20, curve=OneCycleCurve.torch)
    resumed.load_state_dict(state)
    rest = list(zip(*OneCycleCurve.torch(20, 0.8).preview(), strict=True))[done:]
    assert second.param_groups[0]["lr"] == first.param_groups[0]["lr"]
    assert take_steps(second, resumed, 20 - done) == rest
    assert resumed.finished


def test_a_loaded_state_replaces_a_step_already_taken():
    """Is a step that the optimizer took before the load forgotten?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 0.8, 20)
    optimizer.step()
    schedule.load_state_dict(schedule.state_dict())
    schedule.step()
    assert schedule.steps_done == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"total_steps": 30}, "total_steps is 20, but this schedule's is 30"),
        ({"max_lr": 0.4}, r"max_lr is \[0.8\], but this schedule's is \[0.4\]"),
        ({"div": 5.0}, "phases is .*, but this schedule's is"),
        ({"tail": 0.2}, "phases is"),
        ({"momentum": None}, "phases is"),
        ({"curve": OneCycleCurve.smith}, "phases is"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_state_of_another_schedule_is_refused(changed, message):
    """Does a state with other settings raise a sentence, and change nothing?"""
    state = OneCycle(sgd(), 0.8, 20).state_dict() | {"steps_done": 7}
    optimizer = sgd()
    schedule = OneCycle(optimizer, **{"total_steps": 20, "max_lr": 0.8} | changed)
    before = schedule.state_dict(), optimizer.param_groups[0]["lr"]
    with pytest.raises(ValueError, match=f"The state's {message}.* same settings, then call"):
        schedule.load_state_dict(state)
    assert (schedule.state_dict(), optimizer.param_groups[0]["lr"]) == before


@pytest.mark.parametrize("state", [{}, None, {"last_epoch": 3}])
def test_what_is_no_state_is_refused(state):
    """Does something else than a state raise a sentence?"""
    with pytest.raises(ValueError, match="no state of a OneCycle"):
        OneCycle(sgd(), 0.8, 20).load_state_dict(state)


@pytest.mark.parametrize("done", [3, 12, 19])
def test_extend_stretches_what_lies_ahead(done):
    """Is the past kept, the next LR unchanged, and the final LR reached at the new last step?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 0.8, 20)
    used = take_steps(optimizer, schedule, done)
    next_lr = optimizer.param_groups[0]["lr"]
    schedule.extend(15)
    assert schedule.total_steps == 35
    assert optimizer.param_groups[0]["lr"] == pytest.approx(next_lr, rel=1e-12)
    used += take_steps(optimizer, schedule, 35 - done)
    assert used == list(
        zip(*OneCycleCurve.gugger(20, 0.8).extended(done, 15).preview(), strict=True)
    )
    assert used[-1][0] == 0.8 / 10 / 100
    assert schedule.finished


def test_a_finished_schedule_can_be_extended():
    """Does it go on at the final LR and end later?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 0.8, 20)
    take_steps(optimizer, schedule, 20)
    schedule.extend(5)
    assert not schedule.finished
    assert take_steps(optimizer, schedule, 5) == [(0.0008, 0.95)] * 5
    assert schedule.finished


def test_an_extended_schedule_can_be_resumed():
    """Do the extensions come along with the state, into a schedule built with the first total?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 0.8, 20)
    take_steps(optimizer, schedule, 5)
    schedule.extend(10)
    take_steps(optimizer, schedule, 10)
    schedule.extend(10)
    take_steps(optimizer, schedule, 3)
    other = sgd()
    resumed = OneCycle(other, 0.8, 20)
    resumed.load_state_dict(through_a_file(schedule.state_dict()))
    assert (resumed.steps_done, resumed.total_steps) == (18, 40)
    assert take_steps(other, resumed, 22) == take_steps(optimizer, schedule, 22)
    assert resumed.state_dict() == schedule.state_dict()


@pytest.mark.parametrize("done", [8, 20])
def test_a_longer_run_loads_a_shorter_ones_state(done):
    """Does a schedule that was extended before the load go on as one extended at that step?"""
    optimizer, other = sgd(), sgd()
    schedule, longer = OneCycle(optimizer, 0.8, 20), OneCycle(other, 0.8, 20)
    take_steps(optimizer, schedule, done)
    longer.extend(10)
    longer.load_state_dict(through_a_file(schedule.state_dict()))
    schedule.extend(10)
    assert longer.total_steps == 30
    assert take_steps(other, longer, 30 - done) == take_steps(optimizer, schedule, 30 - done)
    once_more = OneCycle(sgd(), 0.8, 20)
    once_more.extend(10)
    once_more.load_state_dict(longer.state_dict())
    assert once_more.state_dict() == longer.state_dict()


def test_extension_by_nothing_raises():
    """Does extend(0) raise and leave the schedule as it was?"""
    schedule = OneCycle(sgd(), 0.8, 20)
    with pytest.raises(ValueError, match="extra_steps is 0"):
        schedule.extend(0)
    assert schedule.total_steps == 20
    assert schedule.state_dict()["extensions"] == []


def test_the_optimizer_can_still_be_copied_and_saved():
    """Do deepcopy, pickle and state_dict of the optimizer work, without the schedule in them?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 0.8, 20)
    take_steps(optimizer, schedule, 3)
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert other.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
        other.step()
    schedule.step()
    assert schedule.steps_done == 3
    assert through_a_file(optimizer.state_dict())["param_groups"][0].keys() == (
        sgd().state_dict()["param_groups"][0].keys() | {"initial_lr"}
    )


def test_schedules_in_turn_do_not_disturb_each_other():
    """Does a second schedule on one optimizer start afresh, and a dropped one leave no hook?"""
    optimizer = sgd()
    first = OneCycle(optimizer, 0.8, 5)
    take_steps(optimizer, first, 5)
    second = OneCycle(optimizer, 0.2, 10)
    assert take_steps(optimizer, second, 10) == list(
        zip(*OneCycleCurve.gugger(10, 0.2).preview(), strict=True)
    )
    assert len(optimizer._optimizer_step_post_hooks) == 2
    del first
    gc.collect()
    assert len(optimizer._optimizer_step_post_hooks) == 1
    second.detach()
    second.detach()
    assert len(optimizer._optimizer_step_post_hooks) == 0


@pytest.mark.parametrize("leave", [lambda schedule: schedule.detach(), None], ids=["off", "copy"])
def test_a_schedule_without_its_optimizer_says_so(leave):
    """Does step() of a detached or copied schedule raise instead of doing nothing?"""
    schedule = OneCycle(sgd(), 0.8, 5)
    if leave is None:
        schedule = copy.deepcopy(schedule)
    else:
        leave(schedule)
    with pytest.raises(RuntimeError, match="detached or copied: build a new one"):
        schedule.step()


def test_a_group_added_later_raises():
    """Does a parameter group without a curve raise a sentence?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 0.8, 5)
    optimizer.add_param_group({"params": [weight()]})
    optimizer.step()
    with pytest.raises(RuntimeError, match="has 2 parameter groups now, .* built for 1"):
        schedule.step()


@pytest.mark.parametrize("max_lr", [[0.1, 0.2], []])
def test_a_wrong_number_of_peaks_raises(max_lr):
    """Does a max_lr for groups that are not there raise, and leave the optimizer as it was?"""
    optimizer = sgd()
    with pytest.raises(ValueError, match=f"max_lr holds {len(max_lr)} values for 1 parameter"):
        OneCycle(optimizer, max_lr, 5)
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert len(optimizer._optimizer_step_post_hooks) == 0


def test_bad_settings_raise_before_the_optimizer_is_touched():
    """Does a curve's own sentence come through, and the optimizer stay as it was?"""
    optimizer = sgd()
    with pytest.raises(ValueError, match="total_steps is 0"):
        OneCycle(optimizer, 0.8, 0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'pct_start'"):
        OneCycle(optimizer, 0.8, 10, pct_start=0.3)
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]) == (0.1, 0.9)


def test_what_is_no_optimizer_raises():
    """Is a model, given in the optimizer's place, refused by a sentence?"""
    with pytest.raises(TypeError, match="optimizer is of type Linear, but must be"):
        OneCycle(nn.Linear(2, 2), 0.8, 5)


def test_states_hold_plain_values_only():
    """Are all values of a state numbers, words and lists of them?"""

    def plain(value) -> bool:
        if isinstance(value, list):
            return all(plain(item) for item in value)
        return type(value) in (int, float, str) and not isinstance(value, Tensor)

    settings = {"max_lr": [np.float32(0.5)], "div": np.float64(20.0)}
    state = OneCycle(sgd(), total_steps=9, **settings).state_dict()
    assert all(plain(value) for value in state.values())


def test_is_a_scheduler_of_torch():
    """Has it what code asks of PyTorch's schedulers: the class, last_epoch, base_lrs?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 0.8, 20)
    assert isinstance(schedule, LRScheduler)
    take_steps(optimizer, schedule, 3)
    assert schedule.last_epoch == 3
    assert schedule.base_lrs == [optimizer.param_groups[0]["initial_lr"]] == [pytest.approx(0.08)]


@pytest.mark.parametrize("first", ["1cycle", "warm-up"])
def test_in_turn_with_another(first):
    """Does SequentialLR run it before or after another scheduler, each from its start?"""
    optimizer = sgd()
    optimizer.param_groups[0]["lr"] = 0.08
    cycle = OneCycle(optimizer, 0.8, 10)
    constant = ConstantLR(optimizer, factor=0.5, total_iters=100)
    schedules = [cycle, constant] if first == "1cycle" else [constant, cycle]
    both = SequentialLR(optimizer, schedules, milestones=[5])
    used = []
    for _ in range(10):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        both.step()
    curve = OneCycleCurve.gugger(10, 0.8).lrs()[:5]
    flat = [pytest.approx(0.04)] * 5
    assert used == ([*curve, *flat] if first == "1cycle" else [*flat, *curve])


@pytest.mark.parametrize("form", ["gugger", "smith", "fastai", "torch"])
@pytest.mark.parametrize("total_steps", [1, 2])
def test_too_short_for_a_cycle(form, total_steps):
    """Does a training of one or two steps get the low LR, and the final one?"""
    optimizer = sgd()
    schedule = OneCycle(optimizer, 0.8, total_steps, curve=getattr(OneCycleCurve, form), div=10)
    used = []
    for _ in range(total_steps):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert used[0] == pytest.approx(0.08)
    assert len(used) == 1 or used[1] < 0.01
    assert schedule.finished
