"""Keep a training's state while something is tried out, and put it back bit-equal."""

from __future__ import annotations

import copy
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from course_utils._random import rng_state, set_rng_state


@contextmanager
def preserved(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    loaders: tuple = (),
    scaler: torch.amp.GradScaler | None = None,
) -> Iterator[None]:
    """Put everything back when the block ends: by success, by an exception or by Ctrl-C.

    Restored are parameters, gradients, `requires_grad` and train mode of the model; its buffers,
    those outside `state_dict` included; the optimizer's state and settings; the scaler; Python's,
    NumPy's, PyTorch's and the devices' random generators; the order and position of the loaders.

    Args:
        model: the network. Its tensors are restored in place, so references to them stay valid.
        optimizer: the optimizer over its parameters.
        loaders: what yields the batches: objects with `state_dict` and `load_state_dict`, or
            `DataLoader`s, whose own generators are kept.
        scaler: the gradient scaler, where there is one.

    Raises:
        ValueError: a loader is a one-shot iterator.
    """
    restore = [_keep_model(model), _keep_optimizer(optimizer)]
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


def loader_generators(loader) -> list[torch.Generator]:
    """Return the generators that a `DataLoader` or its samplers own; its order comes from them."""
    owners = (loader, getattr(loader, "sampler", None), getattr(loader, "batch_sampler", None))
    found = [getattr(owner, "generator", None) for owner in owners]
    return [generator for generator in found if isinstance(generator, torch.Generator)]


def _keep_model(model: nn.Module) -> Callable[[], None]:
    parameters = [
        (p, p.detach().clone(), None if p.grad is None else p.grad.clone(), p.requires_grad)
        for p in model.parameters()
    ]
    modes = [(module, module.training) for module in model.modules()]
    # A forward pass may bind a new tensor to a buffer's name, so that the name is kept as well.
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]

    @torch.no_grad()
    def put_back() -> None:
        for parameter, value, gradient, requires_grad in parameters:
            parameter.copy_(value)
            parameter.grad = gradient
            parameter.requires_grad_(requires_grad)
        for module, name, buffer, value in buffers:
            buffer.copy_(value)
            setattr(module, name, buffer)
        for module, training in modes:
            module.training = training

    return put_back


def _keep_optimizer(optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    # Not through load_state_dict, which casts floating-point state to the parameter's type.
    state = {parameter: copy.deepcopy(values) for parameter, values in optimizer.state.items()}
    settings = [
        {name: (value, copy.deepcopy(value)) for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]

    def put_back() -> None:
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
        state = loader.state_dict()
        return lambda: loader.load_state_dict(state)
    kept = [(generator, generator.get_state()) for generator in loader_generators(loader)]

    def put_back() -> None:
        for generator, state in kept:
            generator.set_state(state)

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
