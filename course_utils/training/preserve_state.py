"""Keep a training's state while something is tried out, and put it back bit-equal."""

from __future__ import annotations

import copy
import random
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.profiles import rng_state, set_rng_state

_COUNTS = ("_opt_called", "_step_count")  # PyTorch's schedulers set them on the optimizer
# What holds no part of a loader, or is not to be looked through.
_NO_OWNERS = (Tensor, nn.Module, torch.optim.Optimizer, FunctionType, ModuleType, type)


@contextmanager
def preserved(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    loss_function: Callable | None = None,
    loaders: tuple = (),
    scaler: torch.amp.GradScaler | None = None,
) -> Iterator[None]:
    """Put everything back when the block ends: by success, by an exception or by Ctrl-C.

    Restored are parameters, gradients, `requires_grad` and train mode of the model, and of a loss
    function that is a module; their buffers, those outside `state_dict` included; parameters that
    the optimizer alone holds; the optimizer's state and settings; the scaler; Python's, NumPy's,
    PyTorch's and the devices' random generators; the order and position of the loaders.

    Args:
        model: the network. Its tensors are restored in place, so references to them stay valid.
        optimizer: the optimizer over its parameters, and others where there are some.
        loss_function: what is learnt or counted in it is kept too.
        loaders: what yields the batches: objects with `state_dict` and `load_state_dict`, or
            `DataLoader`s, whose own generators are kept.
        scaler: the gradient scaler, where there is one.

    Raises:
        ValueError: a loader is a one-shot iterator.
    """
    restore = [_keep_module(model), _keep_optimizer(optimizer)]
    restore.append(_keep_tensors(extra_parameters(model, optimizer)))
    if isinstance(loss_function, nn.Module):
        restore.append(_keep_module(loss_function))
    restore += [_keep_loader(loader) for loader in loaders]
    if scaler is not None:
        state = copy.deepcopy(scaler.state_dict())
        restore.append(lambda: scaler.load_state_dict(state))
    generators = rng_state()
    restore.append(lambda: set_rng_state(generators))

    def put_all_back() -> None:
        for put_back in restore:
            put_back()

    with one_interrupt():
        try:
            yield
        finally:
            try:
                put_all_back()
            except KeyboardInterrupt:  # the one that may come, after a success
                put_all_back()
                raise


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Put the model into evaluation mode for a block, and each module back into its own mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def train_mode(model: nn.Module) -> None:
    """Put the model into train mode, but for what was frozen on purpose.

    In a model in train mode, parts that are not stay so; in one in evaluation mode, batch-norm
    layers stay so whose weights are all frozen.
    """
    if model.training:
        return
    frozen = [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._NormBase)
        and (weights := list(module.parameters()))
        and not any(weight.requires_grad for weight in weights)
    ]
    model.train()
    for module in frozen:
        module.eval()


def extra_parameters(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return what the optimizer trains beside the model: learnt loss weights, class centres."""
    own = {id(parameter) for parameter in model.parameters()}
    groups = optimizer.param_groups
    return [p for group in groups for p in group["params"] if id(p) not in own]


def owners(loader) -> list:
    """Return a loader and, at any depth, what it draws from: samplers, data sets, transforms."""
    found, waiting = {}, [loader]
    while waiting:
        owner = waiting.pop(0)
        owner = getattr(owner, "__self__", owner)  # of a bound method
        if id(owner) in found or isinstance(owner, _NO_OWNERS) or not hasattr(owner, "__dict__"):
            continue
        found[id(owner)] = owner
        for value in vars(owner).values():
            if isinstance(value, dict):
                value = list(value.values())
            # Longer ones hold the samples, not the parts.
            nested = isinstance(value, list | tuple) and len(value) <= 100
            waiting += value if nested else [value]
    return list(found.values())


def loader_generators(loader) -> list:
    """Return the random generators that a loader, its samplers and its data sets own."""
    kinds = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)
    parts = [value for owner in owners(loader) for value in vars(owner).values()]
    return list({id(part): part for part in parts if isinstance(part, kinds)}.values())


def generator_state(generator) -> Tensor | dict | tuple:
    """Return the state of a generator, in values that a weights-only load accepts."""
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.RandomState):
        return _plain_arrays(generator.get_state(legacy=False))
    return _plain_arrays(generator.bit_generator.state)


def set_generator_state(generator, state: Tensor | dict | tuple) -> None:
    """Put a generator back to a state that `generator_state` returned."""
    if isinstance(generator, torch.Generator):
        generator.set_state(state)
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state


def _plain_arrays(value):
    if isinstance(value, dict):
        return {name: _plain_arrays(part) for name, part in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def _keep_module(module: nn.Module) -> Callable[[], None]:
    put_parameters_back = _keep_tensors(module.parameters())
    modes = [(part, part.training) for part in module.modules()]
    # A forward pass may bind a new tensor to a buffer's name, so that the name is kept as well.
    buffers = [
        (part, name, buffer, buffer.clone())
        for part in module.modules()
        for name, buffer in part.named_buffers(recurse=False)
        if not nn.parameter.is_lazy(buffer)
    ]

    @torch.no_grad()
    def put_back() -> None:
        put_parameters_back()
        for part, name, buffer, value in buffers:
            buffer.copy_(value)
            setattr(part, name, buffer)
        for part, training in modes:
            part.training = training

    return put_back


def _keep_tensors(tensors: Iterable[Tensor]) -> Callable[[], None]:
    kept = [
        (t, t.detach().clone(), None if t.grad is None else t.grad.clone(), t.requires_grad)
        for t in tensors
        if not nn.parameter.is_lazy(t)
    ]

    @torch.no_grad()
    def put_back() -> None:
        for tensor, value, gradient, requires_grad in kept:
            tensor.copy_(value)
            tensor.grad = gradient
            tensor.requires_grad_(requires_grad)

    return put_back


def _keep_optimizer(optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    # Not through load_state_dict, which casts floating-point state to the parameter's type.
    state = {parameter: copy.deepcopy(values) for parameter, values in optimizer.state.items()}
    settings = [
        {name: (value, copy.deepcopy(value)) for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]

    # What schedules read to know whether the optimizer has taken a step.
    hooks = optimizer._optimizer_step_post_hooks.values()
    watches = [(hook, hook.stepped) for hook in hooks if hasattr(hook, "stepped")]
    counts = {name: vars(optimizer)[name] for name in _COUNTS if name in vars(optimizer)}

    def put_back() -> None:
        for hook, stepped in watches:
            hook.stepped = stepped
        vars(optimizer).update(counts)
        optimizer.state.clear()
        optimizer.state.update(state)
        for group, kept in zip(optimizer.param_groups, settings, strict=True):
            for name, (value, copied) in kept.items():
                # A learning rate in a tensor is shared with compiled code: refill it.
                group[name] = value.copy_(copied) if isinstance(value, Tensor) else copied

    return put_back


def _keep_loader(loader) -> Callable[[], None]:
    if isinstance(loader, Iterator):
        raise ValueError(
            f"The batches are a one-shot iterator ({type(loader).__name__}), whose order cannot be "
            "put back: give the loader itself instead of iter(loader)."
        )
    if hasattr(loader, "load_state_dict"):
        state = copy.deepcopy(loader.state_dict())
        return lambda: loader.load_state_dict(state)
    kept = [(generator, generator_state(generator)) for generator in loader_generators(loader)]
    # A sampler's epoch, and whatever else it counts in plain numbers.
    counts = [
        (owner, {name: value for name, value in vars(owner).items() if type(value) in (int, float)})
        for owner in owners(loader)
        if isinstance(owner, torch.utils.data.Sampler)
    ]

    def put_back() -> None:
        for generator, state in kept:
            set_generator_state(generator, state)
        for owner, values in counts:
            vars(owner).update(values)

    return put_back


@contextmanager
def one_interrupt() -> Iterator[None]:
    """Let Ctrl-C interrupt a block once: a second one does not interrupt what undoes the block.

    Outside of the main thread, where Python raises no Ctrl-C, nothing changes.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return
    came = False

    def interrupt_once(number, frame) -> None:
        nonlocal came
        if not came:
            came = True
            usual(number, frame)

    signal.signal(signal.SIGINT, interrupt_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
