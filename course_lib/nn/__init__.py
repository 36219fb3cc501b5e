"""Layer mathematics: the loss and a first network by hand (attention and friends follow)."""

from course_lib.nn.loss import (
    IGNORE_ID,
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    softmax,
)
from course_lib.nn.mlp import mlp_backward, mlp_forward

__all__ = [
    "IGNORE_ID",
    "cross_entropy",
    "cross_entropy_gradient",
    "log_softmax",
    "mlp_backward",
    "mlp_forward",
    "softmax",
]
