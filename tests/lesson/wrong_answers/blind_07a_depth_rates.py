"""Wrong answers to `depth_rates` of lesson 07a, by someone who had not seen the checks."""

from collections.abc import Callable

from course_lib.training.layerwise import depth_rates


def refuse_rates(top_rate, decay, n_blocks):
    depth_rates(top_rate, decay, n_blocks)


def last_block_below_the_heads(top_rate, decay, n_blocks):
    """Make the last block's rate smaller than that of the heads."""
    refuse_rates(top_rate, decay, n_blocks)
    return [top_rate * decay ** (n_blocks + 1 - depth) for depth in range(n_blocks + 2)]


def heads_above_the_last_block(top_rate, decay, n_blocks):
    """Make the heads' rate larger than the top rate."""
    return [*depth_rates(top_rate, decay, n_blocks)[:-1], top_rate / decay]


def embeddings_as_the_lowest_block(top_rate, decay, n_blocks):
    """Give embeddings the rate of the first block."""
    rates = depth_rates(top_rate, decay, n_blocks)
    return [rates[1], *rates[1:]]


def from_top_to_bottom(top_rate, decay, n_blocks):
    """Begin with the heads."""
    return depth_rates(top_rate, decay, n_blocks)[::-1]


def blocks_from_top_to_bottom(top_rate, decay, n_blocks):
    """Let the rate fall with the number of the block."""
    lowest, *blocks, heads = depth_rates(top_rate, decay, n_blocks)
    return [lowest, *blocks[::-1], heads]


def embeddings_forgotten(top_rate, decay, n_blocks):
    """Leave the embeddings out."""
    return depth_rates(top_rate, decay, n_blocks)[1:]


def heads_forgotten(top_rate, decay, n_blocks):
    """Leave the heads out."""
    return depth_rates(top_rate, decay, n_blocks)[:-1]


def divided_by_the_decay(top_rate, decay, n_blocks):
    """Divide, so that lower blocks take larger steps."""
    refuse_rates(top_rate, decay, n_blocks)
    return [top_rate / decay ** (n_blocks - d) for d in range(n_blocks + 1)] + [top_rate]


def straight_line(top_rate, decay, n_blocks):
    """Take the same amount away at each block, instead of the same factor."""
    refuse_rates(top_rate, decay, n_blocks)
    step = top_rate * (1 - decay)
    return [top_rate - step * (n_blocks - d) for d in range(n_blocks + 1)] + [top_rate]


def decay_over_the_whole_depth(top_rate, decay, n_blocks):
    """Spread one decay over all blocks."""
    refuse_rates(top_rate, decay, n_blocks)
    return [top_rate * decay ** (1 - d / n_blocks) for d in range(n_blocks + 1)] + [top_rate]


def decay_is_what_is_lost(top_rate, decay, n_blocks):
    """Multiply by 1 - decay."""
    refuse_rates(top_rate, decay, n_blocks)
    kept = 1 - decay
    return [top_rate * kept ** (n_blocks - d) for d in range(n_blocks + 1)] + [top_rate]


def decay_of_one_refused(top_rate, decay, n_blocks):
    """Refuse a decay of 1."""
    if decay >= 1:
        raise ValueError(f"decay must be below 1; got {decay}")
    return depth_rates(top_rate, decay, n_blocks)


def growth_allowed(top_rate, decay, n_blocks):
    """Let a decay above 1 pass."""
    refuse_rates(top_rate, min(decay, 1), n_blocks)
    return [top_rate * decay ** (n_blocks - d) for d in range(n_blocks + 1)] + [top_rate]


def decay_of_nought(top_rate, decay, n_blocks):
    """Let a decay of 0 pass."""
    refuse_rates(top_rate, decay or 1, n_blocks)
    return [top_rate * decay ** (n_blocks - d) for d in range(n_blocks + 1)] + [top_rate]


def rate_of_nought(top_rate, decay, n_blocks):
    """Let a top rate of 0 pass."""
    if top_rate == 0:
        refuse_rates(1.0, decay, n_blocks)
        return [0.0] * (n_blocks + 2)
    return depth_rates(top_rate, decay, n_blocks)


def any_rate(top_rate, decay, n_blocks):
    """Let a top rate below 0 pass."""
    if top_rate < 0:
        return [-rate for rate in depth_rates(-top_rate, decay, n_blocks)]
    return depth_rates(top_rate, decay, n_blocks)


def no_blocks_are_fine(top_rate, decay, n_blocks):
    """Let a model without blocks pass."""
    return [top_rate, top_rate] if n_blocks == 0 else depth_rates(top_rate, decay, n_blocks)


def rounded_rates(top_rate, decay, n_blocks):
    """Round to six digits behind the point, of which small rates have few left."""
    return [round(rate, 6) for rate in depth_rates(top_rate, decay, n_blocks)]


def top_rate_at_the_bottom(top_rate, decay, n_blocks):
    """Give the embeddings the top rate as well, as they stand outside of the blocks."""
    return [top_rate, *depth_rates(top_rate, decay, n_blocks)[1:]]


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07a:depth_rates", last_block_below_the_heads),
    ("07a:depth_rates", heads_above_the_last_block),
    ("07a:depth_rates", embeddings_as_the_lowest_block),
    ("07a:depth_rates", from_top_to_bottom),
    ("07a:depth_rates", blocks_from_top_to_bottom),
    ("07a:depth_rates", embeddings_forgotten),
    ("07a:depth_rates", heads_forgotten),
    ("07a:depth_rates", divided_by_the_decay),
    ("07a:depth_rates", straight_line),
    ("07a:depth_rates", decay_over_the_whole_depth),
    ("07a:depth_rates", decay_is_what_is_lost),
    ("07a:depth_rates", decay_of_one_refused),
    ("07a:depth_rates", growth_allowed),
    ("07a:depth_rates", decay_of_nought),
    ("07a:depth_rates", rate_of_nought),
    ("07a:depth_rates", any_rate),
    ("07a:depth_rates", no_blocks_are_fine),
    ("07a:depth_rates", rounded_rates),
    ("07a:depth_rates", top_rate_at_the_bottom),
]
