"""What a model costs: its parameters (operations, memory and energy follow)."""

from course_lib.compute.by_formula import count_gpt_parameters
from course_lib.compute.parameters import ParameterCount, count_parameters, count_parameters_of

__all__ = ["ParameterCount", "count_gpt_parameters", "count_parameters", "count_parameters_of"]
