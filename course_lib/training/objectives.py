"""What a model is trained to do, as a sum of nats over the tokens that count.

An objective gets the model, a batch as the data made it, and a generator of its own, and gives a
sum and a count. Dividing is left to the training loop, which alone knows the count of the whole
optimiser step. In evaluation mode every objective gives the plain cross-entropy.

Letters: B = sequences, T = tokens, V = vocab_size, N = counted places.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.data.batches import PairBatch, TokenBatch
from course_lib.models.encoder_decoder import shift_right
from course_lib.nn.loss import IGNORE_ID
from course_lib.training.summed_loss import summed_cross_entropy

Batch_contra = TypeVar("Batch_contra", contravariant=True)


class LossSum(NamedTuple):
    """A loss before it is divided: nats over the counted tokens, and how many those are.

    Where some tokens count for more than others, their weights are summed.
    """

    total: Float[Tensor, ""]
    n_counted: float


@runtime_checkable
class Objective(Protocol[Batch_contra]):
    """Measures a model on a batch."""

    def __call__(
        self, model: nn.Module, batch: Batch_contra, generator: torch.Generator
    ) -> LossSum:
        """Sum the loss over the counted tokens; `generator` is the only source of chance."""
        ...


def device_of(model: nn.Module) -> torch.device:
    """Tell where a model is.

    Args:
        model: All its parameters are on one device.

    Example:
        >>> device_of(nn.Linear(2, 3))
        device(type='cpu')
    """
    return next(model.parameters()).device


def padding_of(mask: Bool[Tensor, "B T"], device: torch.device) -> Bool[Tensor, "B T"] | None:
    """Give a model only the mask it needs: without one, attention is faster.

    Args:
        mask: True for a token, False for padding; on the CPU.
        device: Where the model is.

    Returns:
        The mask on that device; None if there is no padding.

    Example:
        >>> padding_of(torch.ones(2, 3, dtype=torch.bool), torch.device("cpu")) is None
        True
    """
    return None if mask.all() else mask.to(device, non_blocking=True)


def _sum_at(
    logits: Float[Tensor, "B T V"], targets: Int[Tensor, "B T"], counted: Bool[Tensor, "B T"]
) -> LossSum:
    """Sum -ln p(target) over the counted places; targets and counted are still on the CPU."""
    targets = targets.masked_fill(~counted, IGNORE_ID).to(logits.device, non_blocking=True)
    total = summed_cross_entropy(logits.flatten(0, 1), targets.flatten())
    return LossSum(total, int(counted.sum()))


@dataclass(frozen=True)
class CausalLM:
    """Predict each token from those before it.

    The padding of a batch is at the end, where no real token can see it, so the model gets no
    mask.

    Reference:
        Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", eq. 1,
        https://openai.com/index/language-unsupervised

    Example:
        >>> from course_lib.seeding import make_generator
        >>> ids = torch.tensor([[0, 1, 2]])
        >>> batch = TokenBatch(ids, torch.tensor([[True, True, False]]))
        >>> CausalLM()(nn.Embedding.from_pretrained(torch.zeros(3, 4)), batch, make_generator(0))
        LossSum(total=tensor(1.3863), n_counted=1)
    """

    def __call__(self, model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
        """Sum the surprise at every token but the first of each text and padding."""
        ids = batch.ids[:, :-1].to(device_of(model), non_blocking=True)
        return _sum_at(model(ids), batch.ids[:, 1:], batch.mask[:, 1:])


@dataclass(frozen=True)
class Seq2Seq:
    """Predict each token of a target from the source and the target's tokens before it.

    The decoder is always given the right tokens before, whatever it would have written itself
    (teacher forcing).

    Attributes:
        start_id: The token in front of every target.
        label_smoothing: In training, this share of the right answer is spread evenly over the
            vocabulary.

    Reference:
        Sutskever, Vinyals and Le 2014, "Sequence to Sequence Learning with Neural Networks",
        section 2, https://arxiv.org/abs/1409.3215; for the smoothing, Vaswani et al. 2017,
        "Attention Is All You Need", section 5.4.
    """

    start_id: int
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"label_smoothing must be in [0, 1); got label_smoothing={self.label_smoothing}."
            )

    def __call__(self, model: nn.Module, batch: PairBatch, generator: torch.Generator) -> LossSum:
        """Sum the surprise at every token of the targets but padding."""
        (source, source_mask), (target, counted) = batch
        device = device_of(model)
        logits = model(
            source.to(device, non_blocking=True),
            shift_right(target, self.start_id).to(device, non_blocking=True),
            padding_of(source_mask, device),
        )
        if not (model.training and self.label_smoothing):
            return _sum_at(logits, target, counted)
        targets = target.masked_fill(~counted, IGNORE_ID).to(device, non_blocking=True)
        total = F.cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(),
            ignore_index=IGNORE_ID,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )
        return LossSum(total, int(counted.sum()))


@dataclass(frozen=True)
class Distillation:
    """Predict each token from those before it, and agree with a teacher about all tokens.

    Attributes:
        teacher: A model with the same vocabulary, on the same device; only asked.
        temperature: Logits of both are divided by it, so that unlikely tokens count more (> 0).
        weight: Share of the agreement in the loss; the rest is that of `CausalLM`.

    Reference:
        Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2,
        https://arxiv.org/abs/1503.02531. Unlike the paper, the teacher's entropy, which the
        student cannot change, is taken off: full agreement costs nothing.
    """

    teacher: nn.Module
    temperature: float = 2.0
    weight: float = 0.5

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"temperature must be > 0; got temperature={self.temperature}.")
        if not 0 <= self.weight <= 1:
            raise ValueError(f"weight must be between 0 and 1; got weight={self.weight}.")

    def __call__(self, model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
        """Sum surprise and disagreement over every token but the first of each and padding."""
        ids = batch.ids[:, :-1].to(device_of(model), non_blocking=True)
        counted = batch.mask[:, 1:]
        logits = model(ids)
        plain = _sum_at(logits, batch.ids[:, 1:], counted)
        if not model.training:
            return plain
        kept = counted.to(logits.device, non_blocking=True)
        total = (1 - self.weight) * plain.total + self.weight * self._disagreement(
            logits[kept], self._ask_teacher(ids)[kept]
        )
        return LossSum(total, plain.n_counted)

    @torch.no_grad()
    def _ask_teacher(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        self.teacher.eval()
        return self.teacher(ids)

    def _disagreement(
        self, logits: Float[Tensor, "N V"], wanted: Float[Tensor, "N V"]
    ) -> Float[Tensor, ""]:
        """Sum KL(teacher ‖ student) · temperature², which keeps the gradient's size."""
        ours, theirs = (
            (x.to(torch.promote_types(x.dtype, torch.float32)) / self.temperature).log_softmax(-1)
            for x in (logits, wanted)
        )
        return self.temperature**2 * F.kl_div(ours, theirs, reduction="sum", log_target=True)
