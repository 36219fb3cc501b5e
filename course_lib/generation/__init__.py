"""Decoding: from predictions to text."""

from course_lib.generation.greedy import greedy_decode
from course_lib.generation.sampling import apply_temperature, sample_ids

__all__ = ["apply_temperature", "greedy_decode", "sample_ids"]
