"""Training: what an optimiser does with a gradient, and the loop around it."""

from course_lib.training.language_model import train_language_model
from course_lib.training.loop import train
from course_lib.training.optimisers import AdamWConfig, adamw_step, sgd_step

__all__ = ["AdamWConfig", "adamw_step", "sgd_step", "train", "train_language_model"]
