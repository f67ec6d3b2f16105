"""The training loop, its step, and what it measures; checkpoints, devices, several processes."""

from course_utils.profiles import set_seed
from course_utils.training.callbacks import (
    AveragedWeights,
    StopTraining,
    TensorBoardLog,
    gradient_norm,
    progress_bar,
)
from course_utils.training.checkpoint import load_checkpoint, save_checkpoint
from course_utils.training.device import describe_machine, pick_device, set_threads
from course_utils.training.distributed import join_ranks, make_step
from course_utils.training.evaluate import evaluate
from course_utils.training.history import History, NonFiniteLoss
from course_utils.training.loop import fit
from course_utils.training.preserve_state import eval_mode, preserved
from course_utils.training.step import TrainStep

__all__ = [
    "AveragedWeights",
    "History",
    "NonFiniteLoss",
    "StopTraining",
    "TensorBoardLog",
    "TrainStep",
    "describe_machine",
    "eval_mode",
    "evaluate",
    "fit",
    "gradient_norm",
    "join_ranks",
    "load_checkpoint",
    "make_step",
    "pick_device",
    "preserved",
    "progress_bar",
    "save_checkpoint",
    "set_seed",
    "set_threads",
]
