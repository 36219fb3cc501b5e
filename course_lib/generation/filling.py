"""Filling a gap: what a model that sees both sides puts in the place of a masked token.

Letters: T = tokens of the text, V = vocab_size.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.models import BERT
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer

CLS, SEP, MASK = "[CLS]", "[SEP]", "[MASK]"
"""What stands before a text, behind it, and in the place of a token that is hidden."""


class Filling(NamedTuple):
    """A token that may stand in a gap.

    Attributes:
        token: As it reads in a text; in byte-level tokenizers the blank before it is a part of it.
        probability: How likely it is there, of all tokens of the vocabulary.
        text: The text with this token in the gap, as the tokenizer writes it.
        token_id: Its number in the vocabulary.
    """

    token: str
    probability: float
    text: str
    token_id: int


def likeliest_fillings(
    logits: Float[Tensor, "T V"], mask_place: int, n_best: int
) -> list[tuple[int, float]]:
    """Choose the tokens that are likeliest at one place of a text.

    Args:
        logits: A score for each token of the vocabulary at each place.
        mask_place: The place that counts, from 0 to T - 1.
        n_best: How many tokens are wanted, from 1 to V.

    Returns:
        Ids of tokens and their probabilities, the likeliest first. All probabilities of the
        vocabulary, also of tokens not wanted, have the sum 1.

    Raises:
        ValueError: If there is no such place, or there are not so many tokens.

    Example:
        >>> logits = torch.tensor([[9.0, 0.0, 0.0], [2.0, 0.0, 1.0]])
        >>> [(token, round(p, 2)) for token, p in likeliest_fillings(logits, 1, n_best=2)]
        [(0, 0.67), (2, 0.24)]
    """
    n_places, vocab_size = logits.shape
    if not 0 <= mask_place < n_places:
        raise ValueError(f"mask_place must be from 0 to {n_places - 1}; got {mask_place}.")
    if not 1 <= n_best <= vocab_size:
        raise ValueError(f"n_best must be from 1 to {vocab_size}; got n_best={n_best}.")
    probabilities = logits[mask_place].softmax(dim=-1)
    best = probabilities.topk(n_best).indices.tolist()
    return [(token, probabilities[token].item()) for token in best]


@torch.inference_mode()
def fill_mask(
    model: BERT, tokenizer: BPETokenizer | WordPieceTokenizer, text: str, n_best: int = 5
) -> list[Filling]:
    """Ask a masked language model what stands in the gap of a text.

    Args:
        model: In evaluation mode, with its head for masked tokens.
        tokenizer: What the model was trained with; has [CLS], [SEP] and [MASK].
        text: Holds [MASK] exactly once. Where a tokenizer counts the blank before a word as a
            part of its token, there must be none before [MASK].
        n_best: How many tokens are wanted, from 1 to the size of the vocabulary.

    Returns:
        The likeliest tokens, the likeliest first. A word of several tokens cannot be among them.

    Raises:
        ValueError: If the tokenizer lacks a mark; if the text holds no [MASK] or several, or is
            too long for the model; if there are not so many tokens; or if the model was loaded
            without its head for masked tokens.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", section 3.1, task 1, https://arxiv.org/abs/1810.04805

    Example:
        >>> from course_lib.models import BERTConfig
        >>> from course_lib.seeding import make_generator
        >>> tokenizer = WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"])
        >>> sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 2, "d_ff": 5}
        >>> model = BERT(BERTConfig(vocab_size=6, **sizes), make_generator(0)).eval()
        >>> len(fill_mask(model, tokenizer, "a [MASK] a", n_best=3))
        3
    """
    cls_id, sep_id, mask_id = _marks_of(tokenizer)
    inside = tokenizer.encode(text, allowed_special=(MASK,))
    if inside.count(mask_id) != 1:
        raise ValueError(
            f"text must hold exactly one {MASK}; got {inside.count(mask_id)} in {text!r}."
        )
    room = model.config.max_len - 2
    if len(inside) > room:
        raise ValueError(
            f"text must have at most {room} tokens beside {CLS} and {SEP}; got {len(inside)}."
        )
    ids = torch.tensor([[cls_id, *inside, sep_id]], device=model.tokens.weight.device)
    place = inside.index(mask_id)
    found = likeliest_fillings(model(ids)[0], 1 + place, n_best)
    return [
        Filling(
            token=tokenizer.decode([token]),
            probability=probability,
            text=tokenizer.decode([*inside[:place], token, *inside[place + 1 :]]),
            token_id=token,
        )
        for token, probability in found
    ]


def _marks_of(tokenizer: BPETokenizer | WordPieceTokenizer) -> tuple[int, int, int]:
    """Look up the ids of the three marks."""
    special = tokenizer.special_tokens
    if missing := [mark for mark in (CLS, SEP, MASK) if mark not in special]:
        raise ValueError(f"tokenizer must have {CLS}, {SEP} and {MASK}; it lacks {missing}.")
    return special[CLS], special[SEP], special[MASK]
