"""Figures from arrays: every function returns a matplotlib Figure, and draws nothing by itself."""

from course_lib.plotting.embeddings import (
    plot_heatmap,
    plot_lines,
    plot_point_maps,
    plot_scores,
    plot_word_map,
    project_pca,
    project_tsne,
)
from course_lib.plotting.style import COLOURS, MARKERS, new_figure, show, use_course_style
from course_lib.plotting.timeline import plot_parameter_counts, plot_timeline

__all__ = [
    "COLOURS",
    "MARKERS",
    "new_figure",
    "plot_heatmap",
    "plot_lines",
    "plot_parameter_counts",
    "plot_point_maps",
    "plot_scores",
    "plot_timeline",
    "plot_word_map",
    "project_pca",
    "project_tsne",
    "show",
    "use_course_style",
]
