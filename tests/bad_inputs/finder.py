"""Bad inputs of the learning-rate finder, of readings of its curve, and of the set-up check."""

import math

import torch
from small_runs import make_batches, make_model, sgd

from course_utils.diagnostics.overfit_check import overfit_check
from course_utils.lr.curve import (
    LRCurve,
    LRRepeats,
    end_of_bottom,
    largest_setting_with_high_lr,
    largest_usable_lr,
)
from course_utils.lr.finder import StopRule, find_lr, repeat_lr_finder
from course_utils.lr.smoothing import MovingAverage, smooth, smooth_centred
from course_utils.plotting.loss_surfaces import RAVINE, descend
from course_utils.training.preserve_state import preserved


def find(batches=None, *, lr=0.1, **settings):
    """Return a call of `find_lr` on the small model, but for what is given."""

    def call(find_lr):
        model = make_model()
        given = make_batches() if batches is None else batches
        find_lr(model, sgd(model, lr=lr), given, **{"steps": 5} | settings)

    return call


def not_finite():
    return [(torch.full((4, 6), math.nan), torch.tensor([0, 1, 2, 0]))]


def curve(losses=(2.0, 1.9, 1.5, 1.0, 1.2, 3.0), lrs=None):
    lrs = tuple(10.0**k for k in range(-5, len(losses) - 5)) if lrs is None else lrs
    return LRCurve(lrs, losses, losses, 0.0, "end")


def build(seed):
    model = make_model(seed)
    return model, sgd(model), make_batches()


def check_with(loader=None, **settings):
    def call(overfit_check):
        model = make_model()
        loader_ = make_batches() if loader is None else loader
        overfit_check(
            model, sgd(model), loader_, loss_function=torch.nn.functional.cross_entropy, **settings
        )

    return call


def walk(*arguments, **settings):
    def factory(weights):
        return torch.optim.SGD(weights, lr=0.1)

    return lambda descend: descend(RAVINE, factory, *arguments, **{"steps": 3} | settings)


ROWS = {
    "lowest LR of 0": (find_lr, find(min_lr=0), ValueError, "min_lr is 0", "above 0"),
    "lowest LR as a text": (find_lr, find(min_lr="1e-8"), ValueError, "min_lr is '1e-8'"),
    "highest LR below the lowest": (
        find_lr, find(min_lr=1.0, max_lr=0.1), ValueError, "max_lr is 0.1", "above 1",
    ),
    "highest LR infinite": (find_lr, find(max_lr=math.inf), ValueError, "max_lr is inf", "finite"),
    "highest LR NaN": (find_lr, find(max_lr=math.nan), ValueError, "max_lr is nan", "finite"),
    "LR of 0 in the optimizer": (find_lr, find(lr=0.0), ValueError, "[0.0]", "positive LR"),
    "one step": (find_lr, find(steps=1), ValueError, "steps is 1", "at least 2"),
    "steps as a float": (find_lr, find(steps=5.0), ValueError, "steps is 5.0", "integer"),
    "clip below 0": (find_lr, find(clip_norm=-1), ValueError, "clip_norm is -1", "above 0"),
    "no accumulation": (find_lr, find(accumulate=0), ValueError, "accumulate is 0", "at least 1"),
    "smoothing of 1": (find_lr, find(beta=1.0), ValueError, "beta is 1.0", "below 1"),
    "stop rise of 0": (find_lr, find(stop_rise=0), ValueError, "stop_rise is 0", "above 0"),
    "look at losses never": (find_lr, find(check_every=0), ValueError, "check_every is 0"),
    "no batches": (find_lr, find([]), ValueError, "batches are empty", "at least one"),
    "batches None": (
        find_lr, lambda find_lr: find_lr(*build(0)[:2], None, steps=5),
        TypeError, "loader is None", "Iterable",
    ),
    "one-shot batches": (
        find_lr, find(iter(make_batches())), ValueError, "list_iterator", "instead of iter(loader)",
    ),
    "inputs NaN": (find_lr, find(not_finite()), ValueError, "first loss", "1e-06", "NaN"),
    "model None": (
        find_lr, lambda find_lr: find_lr(None, sgd(make_model()), make_batches(), steps=5),
        TypeError, "model is None", "Module",
    ),
    "optimizer None": (
        find_lr, lambda find_lr: find_lr(make_model(), None, make_batches(), steps=5),
        TypeError, "optimizer is None", "Optimizer",
    ),
    "step that returns nothing": (
        find_lr, find(step=lambda batch: None), TypeError, "step returned None", "loss",
    ),
    "no batches to validate on": (find_lr, find(valid_loader=[]), ValueError, "are empty"),
    "no seeds": (
        repeat_lr_finder, lambda repeat: repeat(build, [], steps=5),
        ValueError, "at least one seed",
    ),
    "a seed for seeds": (
        repeat_lr_finder, lambda repeat: repeat(build, 3, steps=5),
        TypeError, "seeds is 3", "Iterable",
    ),
    "curve of two points": (
        LRCurve.suggestion, lambda suggest: suggest(curve((2.0, 1.0))),
        ValueError, "2 points", "steps",
    ),
    "constant curve": (
        LRCurve.suggestion, lambda suggest: suggest(curve((2.0,) * 6)), ValueError, "constant (2)",
    ),
    "curve that only rises": (
        LRCurve.suggestion, lambda suggest: suggest(curve((1.0, 2.0, 3.0, 4.0, 5.0))),
        ValueError, "never falls between LR 1e-05", "lower",
    ),
    "steepest of a constant curve": (
        LRCurve.steepest, lambda steepest: steepest(curve((2.0,) * 6)), ValueError, "constant (2)",
    ),
    "share of the fall above 1": (
        LRCurve.fall_done, lambda done: done(curve(), 99),
        ValueError, "fraction is 99", "at most 1",
    ),
    "no curves": (LRRepeats, lambda repeats: repeats(()), ValueError, "no curves", "at least one"),
    "smoothing below 0": (MovingAverage, lambda mean: mean(-0.1), ValueError, "beta is -0.1"),
    "smoothing as a text": (MovingAverage, lambda mean: mean("0.9"), ValueError, "beta is '0.9'"),
    "smoothing of a list": (smooth, lambda smooth: smooth([1.0], None), ValueError, "beta is None"),
    "centred smoothing of 1": (
        smooth_centred, lambda smooth: smooth([1.0, 2.0], 1.0),
        ValueError, "beta is 1.0", "below 1",
    ),
    "stop rise NaN": (
        StopRule, lambda rule: rule(0.9, math.nan, 20), ValueError, "stop_rise is nan",
    ),
    "curve without its first loss": (
        StopRule.curve, lambda curve: curve(StopRule(0.9, 2.0, 20), [1e-8]),
        ValueError, "1e-08", "NaN",
    ),
    "LRs and losses of two lengths": (
        end_of_bottom, lambda end: end([0.1, 0.2], [1.0]), ValueError, "2 learning rates and 1",
    ),
    "first loss NaN": (
        end_of_bottom, lambda end: end([0.1, 0.2], [math.nan, 1.0]),
        ValueError, "first loss is nan",
    ),
    "tolerance below 0": (
        largest_usable_lr, lambda lr: lr(curve(), tolerance=-1), ValueError, "tolerance is -1",
    ),
    "no settings to choose from": (
        largest_setting_with_high_lr, lambda largest: largest({}), ValueError, "no setting",
    ),
    "share above 1": (
        largest_setting_with_high_lr, lambda largest: largest({0.1: 0.2}, fraction=2),
        ValueError, "fraction is 2", "at most 1",
    ),
    "usable LR NaN": (
        largest_setting_with_high_lr, lambda largest: largest({0.1: math.nan, 0.2: 1.0}),
        ValueError, "0.1 is nan", "finite",
    ),
    "one-shot loader to keep": (
        preserved, lambda keep: keep(*build(0)[:2], loaders=(iter([]),)).__enter__(),
        ValueError, "list_iterator", "instead of iter(loader)",
    ),
    "one sample": (overfit_check, check_with(samples=1), ValueError, "samples is 1", "at least 2"),
    "no steps": (overfit_check, check_with(max_steps=0), ValueError, "max_steps is 0"),
    "empty loader": (overfit_check, check_with([]), ValueError, "0 samples", "2 or more"),
    "one-shot loader": (
        overfit_check, check_with(iter(make_batches())),
        ValueError, "list_iterator", "iter(loader)",
    ),
    "labels as floats": (
        overfit_check, check_with([(torch.zeros(4, 6), torch.zeros(4))]),
        ValueError, "torch.float32",
    ),
    "start of three numbers": (descend, walk((1, 2, 3)), ValueError, "(1, 2, 3)", "two finite"),
    "start as a text": (descend, walk(("a", "b")), ValueError, "('a', 'b')", "two finite"),
    "start NaN": (descend, walk((0.0, math.nan)), ValueError, "nan", "two finite"),
    "walk of no step": (descend, walk(steps=0), ValueError, "steps is 0", "at least 1"),
}  # fmt: skip
