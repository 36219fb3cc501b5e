"""Training: what an optimiser does with a gradient, and the loop around it."""

from course_lib.training.accumulation import accumulate_gradients
from course_lib.training.checkpoint_files import (
    Checkpoint,
    list_checkpoints,
    newest_good,
    read_checkpoint,
    write_checkpoint,
)
from course_lib.training.checkpoints import Checkpoints
from course_lib.training.clipping import clip_by_norm
from course_lib.training.config import TrainingConfig
from course_lib.training.ema import ExponentialAverage
from course_lib.training.evaluating import evaluate
from course_lib.training.groups import hidden_matrices, parameter_groups
from course_lib.training.history import Evaluation, History
from course_lib.training.language_model import train_language_model
from course_lib.training.layerwise import (
    LayerwiseAdamWConfig,
    depth_rates,
    find_blocks,
    layerwise_groups,
    parameter_depths,
)
from course_lib.training.loop import train_on_batches
from course_lib.training.masked import MaskedLM, mask_tokens
from course_lib.training.muon import Muon, MuonConfig, make_optimizer, orthogonalise
from course_lib.training.objectives import CausalLM, Distillation, LossSum, Objective, Seq2Seq
from course_lib.training.optimisers import AdamWConfig, adamw_step, sgd_step
from course_lib.training.processes import Processes, current_processes, start_processes
from course_lib.training.progress import Progress, RichProgress, TensorBoardProgress
from course_lib.training.recompute import checkpoint_blocks
from course_lib.training.schedules import (
    Schedule,
    WarmupCosine,
    WarmupLinear,
    WarmupStableDecay,
    warmup_cosine,
)
from course_lib.training.sharding import shard_blocks
from course_lib.training.state import TrainingState, make_state
from course_lib.training.summed_loss import summed_cross_entropy
from course_lib.training.trainer import train

__all__ = [
    "AdamWConfig",
    "CausalLM",
    "Checkpoint",
    "Checkpoints",
    "Distillation",
    "Evaluation",
    "ExponentialAverage",
    "History",
    "LayerwiseAdamWConfig",
    "LossSum",
    "MaskedLM",
    "Muon",
    "MuonConfig",
    "Objective",
    "Processes",
    "Progress",
    "RichProgress",
    "Schedule",
    "Seq2Seq",
    "TensorBoardProgress",
    "TrainingConfig",
    "TrainingState",
    "WarmupCosine",
    "WarmupLinear",
    "WarmupStableDecay",
    "accumulate_gradients",
    "adamw_step",
    "checkpoint_blocks",
    "clip_by_norm",
    "current_processes",
    "depth_rates",
    "evaluate",
    "find_blocks",
    "hidden_matrices",
    "layerwise_groups",
    "list_checkpoints",
    "make_optimizer",
    "make_state",
    "mask_tokens",
    "newest_good",
    "orthogonalise",
    "parameter_depths",
    "parameter_groups",
    "read_checkpoint",
    "sgd_step",
    "shard_blocks",
    "start_processes",
    "summed_cross_entropy",
    "train",
    "train_language_model",
    "train_on_batches",
    "warmup_cosine",
    "write_checkpoint",
]
