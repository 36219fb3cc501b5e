"""Layer mathematics: losses, attention, positions, norms and the blocks made of them."""

from course_lib.nn.additive import AdditiveAttention
from course_lib.nn.attention import (
    attend,
    attention_gradients,
    merge_heads,
    scaled_dot_product_attention,
    split_heads,
)
from course_lib.nn.blocks import post_norm_block, pre_norm_block
from course_lib.nn.cache import KVCache
from course_lib.nn.embedding import TokenEmbedding
from course_lib.nn.feedforward import FeedForward, SwiGLU, gelu, gelu_tanh, relu_squared
from course_lib.nn.int8_cache import Int8Cache
from course_lib.nn.loss import (
    IGNORE_ID,
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    smoothed_cross_entropy,
    softmax,
)
from course_lib.nn.masks import causal_mask, key_mask, padding_mask, sliding_window_mask
from course_lib.nn.mlp import mlp_backward, mlp_forward
from course_lib.nn.multi_head import MultiHeadAttention
from course_lib.nn.next_token import next_token_loss
from course_lib.nn.norm import LayerNorm, RMSNorm, layer_norm, rms_norm
from course_lib.nn.positions import (
    LearnedPositions,
    alibi_bias,
    alibi_slopes,
    rotary_angles,
    rotate,
    sinusoidal_positions,
)

__all__ = [
    "IGNORE_ID",
    "AdditiveAttention",
    "FeedForward",
    "Int8Cache",
    "KVCache",
    "LayerNorm",
    "LearnedPositions",
    "MultiHeadAttention",
    "RMSNorm",
    "SwiGLU",
    "TokenEmbedding",
    "alibi_bias",
    "alibi_slopes",
    "attend",
    "attention_gradients",
    "causal_mask",
    "cross_entropy",
    "cross_entropy_gradient",
    "gelu",
    "gelu_tanh",
    "key_mask",
    "layer_norm",
    "log_softmax",
    "merge_heads",
    "mlp_backward",
    "mlp_forward",
    "next_token_loss",
    "padding_mask",
    "post_norm_block",
    "pre_norm_block",
    "relu_squared",
    "rms_norm",
    "rotary_angles",
    "rotate",
    "scaled_dot_product_attention",
    "sinusoidal_positions",
    "sliding_window_mask",
    "smoothed_cross_entropy",
    "softmax",
    "split_heads",
]
