"""What a model costs, and what it buys: parameters, operations, scaling laws."""

from course_lib.compute.by_formula import count_gpt_parameters
from course_lib.compute.fitting import fit_loss_law
from course_lib.compute.parameters import ParameterCount, count_parameters, count_parameters_of
from course_lib.compute.peaks import peak_flops_per_second
from course_lib.compute.scaling import (
    LossLaw,
    ModelAndData,
    PowerLaw,
    besiroglu_law,
    compute_optimal,
    fit_power_law,
    gpu_days,
    hoffmann_law,
    predicted_loss,
    seeds_needed,
    training_flops,
)

__all__ = [
    "LossLaw",
    "ModelAndData",
    "ParameterCount",
    "PowerLaw",
    "besiroglu_law",
    "compute_optimal",
    "count_gpt_parameters",
    "count_parameters",
    "count_parameters_of",
    "fit_loss_law",
    "fit_power_law",
    "gpu_days",
    "hoffmann_law",
    "peak_flops_per_second",
    "predicted_loss",
    "seeds_needed",
    "training_flops",
]
