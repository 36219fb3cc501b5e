"""Decoding: from predictions to text."""

from course_lib.generation.sampling import apply_temperature, sample_ids

__all__ = ["apply_temperature", "sample_ids"]
