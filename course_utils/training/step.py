"""One step of gradient descent, as on the blackboard: predict, loss, backward, step."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import check_parts, shown
from course_utils.training.distributed import are_running, data_parallel, loss_weight
from course_utils.training.preserve_state import eval_mode


class TrainStep:
    """Callable that takes one optimizer step: `loss = step(batch)`.

    The training loop and the learning-rate finder share it, so that the finder's curve is that of
    the training which follows. Nothing here waits for the device.

    Where several ranks run, each calls the step with its own part of the batch, and the step is
    that of one process on the whole batch: gradients are averaged over all its samples, however
    many each rank has. Two things are of a rank's part alone: what the loss function returns, and
    batch norm's statistics, of which rank 0's running ones are kept. (On GPUs
    `torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)` shares them; then no rank's part may be
    empty, so drop short last batches.) Each trainable parameter must take part in each loss.

    Args:
        model: the network; its parameters must all lie on one device.
        optimizer: any `torch.optim.Optimizer` over the model's parameters.
        loss_function: maps (prediction, target) to the mean loss over a batch, a 0-d tensor.
        amp: automatic mixed precision: True, False, or None for 'where it pays', which is on cuda:
            bfloat16, or float16 with a gradient scaler on GPUs that lack it.

    Raises:
        TypeError: the model is no `nn.Module`, or the optimizer none of `torch.optim`.
        ValueError: the model has no parameter that can be trained, or the optimizer holds none of
            the model's.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
        amp: bool | None = None,
    ):
        check_parts(model, optimizer)
        trainable = {id(p) for p in model.parameters() if p.requires_grad}
        if not trainable:
            raise ValueError(
                f"The model {type(model).__name__} has no trainable parameter (requires_grad): "
                "unfreeze at least one layer."
            )
        if not any(id(p) in trainable for group in optimizer.param_groups for p in group["params"]):
            raise ValueError(
                f"The optimizer {type(optimizer).__name__} holds no trainable parameter of this "
                "model: build it from model.parameters()."
            )
        self.model, self.optimizer, self.loss_function = model, optimizer, loss_function
        self._forward = data_parallel(model)
        self._has_met = not are_running()
        self.device = next(model.parameters()).device
        self.amp_type, self.scaler = self._precision(amp)

    def __call__(self, *batches: tuple[Tensor, Tensor]) -> Tensor:
        """Take one optimizer step on one batch, or on several whose gradients are accumulated.

        Args:
            batches: pairs (inputs, targets). With several, the gradient is that of the mean over
                all their samples, as if they were one batch (batch-norm statistics excepted).

        Returns:
            The loss before the step, on a rank of its own part: a detached 0-d tensor on the
            device.

        Raises:
            TypeError: a batch is no pair of tensors.
            ValueError: there is no batch, or the loss function refuses the targets, see
                `loss_of`.
        """
        if not batches:
            raise ValueError("There is no batch to step on: give at least one.")
        for batch in batches:
            check_pair(batch)
        if not self._has_met:
            self._meet(*batches[0])
        self.optimizer.zero_grad()
        total = sum(len(targets) for _, targets in batches)
        rank_weight = loss_weight(total, self.device) if are_running() else None
        if len(batches) == 1:
            loss = self._backward(*batches[0], rank_weight)
        else:
            loss = sum(
                self._backward(*batch, rank_weight, weight=len(batch[1]) / total)
                for batch in batches
            )
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        return loss

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of one batch with its graph, under the step's own precision."""
        inputs, targets = inputs.to(self.device), targets.to(self.device)
        if self.amp_type is None:
            return loss_of(self.loss_function, self._forward(inputs), targets)
        with torch.autocast(self.device.type, self.amp_type):
            return loss_of(self.loss_function, self._forward(inputs), targets)

    def _backward(
        self, inputs: Tensor, targets: Tensor, rank_weight: Tensor | None, weight: float = 1.0
    ) -> Tensor:
        if rank_weight is not None and not len(targets):
            loss = self._loss_of_nothing(inputs, targets)
        else:
            loss = self.loss(inputs, targets)
        if weight != 1.0:
            loss = loss * weight
        counted = loss if rank_weight is None else loss * rank_weight.to(loss.dtype)
        (counted if self.scaler is None else self.scaler.scale(counted)).backward()
        return loss.detach()

    def _loss_of_nothing(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return 0 with a graph, so that a rank without samples still meets the others in it."""
        with eval_mode(self.model):  # batch norm refuses a single sample in training
            sample, target = (part.new_zeros(1, *part.shape[1:]) for part in (inputs, targets))
            return self.loss(sample, target) * 0

    def _meet(self, inputs: Tensor, targets: Tensor) -> None:
        """Go through the model once before the first step.

        Only after its first pass does `DistributedDataParallel` settle how it groups gradients, on
        which the rounding of their sums depends: a resumed run shall not differ in one step.
        """
        self._loss_of_nothing(inputs, targets).backward()
        self._has_met = True

    def _precision(
        self, amp: bool | None
    ) -> tuple[torch.dtype | None, torch.amp.GradScaler | None]:
        if not (self.device.type == "cuda" if amp is None else amp):
            return None, None
        if self.device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16, None
        return torch.float16, torch.amp.GradScaler(self.device.type)


def check_pair(batch) -> None:
    """Raise a sentence unless a batch is a pair of inputs and targets.

    Raises:
        TypeError: it is something else.
    """
    is_sequence = isinstance(batch, tuple | list)
    if not is_sequence or len(batch) != 2 or not all(hasattr(part, "to") for part in batch):
        given = f"{type(batch).__name__} of {len(batch)}" if is_sequence else shown(batch)
        raise TypeError(
            f"A batch is {given}, but must be a pair of inputs and targets, both tensors."
        )


def loss_of(
    loss_function: Callable[[Tensor, Tensor], Tensor], predictions: Tensor, targets: Tensor
) -> Tensor:
    """Return the loss; where the loss function refuses its arguments, say what they were.

    Raises:
        ValueError: the loss function does not take these predictions with these targets: labels out
            of range, of another length or type. On cuda the range of labels is not noticed here.
    """
    try:
        return loss_function(predictions, targets)
    except torch.OutOfMemoryError:  # the targets are not to blame, and callers look for this class
        raise
    except (IndexError, RuntimeError, ValueError) as error:
        words = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(
            f"The loss of predictions {predictions.dtype} {tuple(predictions.shape)} with targets "
            f"{targets.dtype} {tuple(targets.shape)} cannot be computed ({words}): give "
            "classes as integers (n,) from 0, fewer than the model's outputs, or the loss function "
            "that belongs to these targets."
        ) from error
