"""What a model costs, and what it buys: parameters, operations, memory, energy, scaling laws."""

from course_lib.compute.activations import (
    activation_bytes,
    block_activation_bytes,
    measure_activations,
)
from course_lib.compute.by_formula import count_gpt_parameters
from course_lib.compute.energy import EnergyEstimate, Sourced, estimate_energy
from course_lib.compute.fitting import fit_loss_law
from course_lib.compute.flops import (
    FlopCount,
    count_flops,
    counted_flops,
    mfu,
    palm_flops_per_token,
)
from course_lib.compute.grid import GridIntensity, grid_intensity
from course_lib.compute.kv_cache import kv_cache_bytes
from course_lib.compute.measuring import EnergyMeasurement, measure_energy
from course_lib.compute.parameters import ParameterCount, count_parameters, count_parameters_of
from course_lib.compute.peaks import peak_flops_per_second
from course_lib.compute.published_runs import PublishedRun, published_runs
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
from course_lib.compute.shapes import ModelShape, model_class_of, shape_of
from course_lib.compute.training_cost import (
    TrainingCost,
    cost_from_peak,
    cost_from_throughput,
    cost_range,
)
from course_lib.compute.training_memory import TrainingMemory, memory

__all__ = [
    "EnergyEstimate",
    "EnergyMeasurement",
    "FlopCount",
    "GridIntensity",
    "LossLaw",
    "ModelAndData",
    "ModelShape",
    "ParameterCount",
    "PowerLaw",
    "PublishedRun",
    "Sourced",
    "TrainingCost",
    "TrainingMemory",
    "activation_bytes",
    "besiroglu_law",
    "block_activation_bytes",
    "compute_optimal",
    "cost_from_peak",
    "cost_from_throughput",
    "cost_range",
    "count_flops",
    "count_gpt_parameters",
    "count_parameters",
    "count_parameters_of",
    "counted_flops",
    "estimate_energy",
    "fit_loss_law",
    "fit_power_law",
    "gpu_days",
    "grid_intensity",
    "hoffmann_law",
    "kv_cache_bytes",
    "measure_activations",
    "measure_energy",
    "memory",
    "mfu",
    "model_class_of",
    "palm_flops_per_token",
    "peak_flops_per_second",
    "predicted_loss",
    "published_runs",
    "seeds_needed",
    "shape_of",
    "training_flops",
]
