"""Figures from arrays: every function returns a matplotlib Figure, and draws nothing by itself."""

from course_lib.plotting.attention import (
    browse_attention,
    plot_attention,
    plot_attention_heads,
)
from course_lib.plotting.embeddings import (
    plot_heatmap,
    plot_lines,
    plot_point_maps,
    plot_scores,
    plot_word_map,
    project_pca,
    project_tsne,
)
from course_lib.plotting.learning import plot_learning_curves
from course_lib.plotting.losses import plot_losses
from course_lib.plotting.shots import plot_shots
from course_lib.plotting.style import COLOURS, MARKERS, new_figure, show, use_course_style
from course_lib.plotting.timeline import plot_parameter_counts, plot_timeline
from course_lib.plotting.tokens import (
    describe_tokens,
    plot_token_boundaries,
    show_tokens,
    tokens_as_html,
)

__all__ = [
    "COLOURS",
    "MARKERS",
    "browse_attention",
    "describe_tokens",
    "new_figure",
    "plot_attention",
    "plot_attention_heads",
    "plot_heatmap",
    "plot_learning_curves",
    "plot_lines",
    "plot_losses",
    "plot_parameter_counts",
    "plot_point_maps",
    "plot_scores",
    "plot_shots",
    "plot_timeline",
    "plot_token_boundaries",
    "plot_word_map",
    "project_pca",
    "project_tsne",
    "show",
    "show_tokens",
    "tokens_as_html",
    "use_course_style",
]
