"""Which part of a pretrained model learns from the labels, and how: one class a strategy.

Letters: N = texts, D = d_model, K = classes.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.data.batches import InOrder
from course_lib.finetuning.examples import LabelledTexts
from course_lib.finetuning.fitting import FitData, TrainingPlan, fit_plan, join_histories
from course_lib.finetuning.freezing import kept_trainable, unfreeze_last
from course_lib.finetuning.heads import EncoderWithHead, SequenceClassifier
from course_lib.finetuning.lora import LoRAConfig, add_lora, merge_lora
from course_lib.finetuning.losses import ClassifierLoss
from course_lib.seeding import make_generator
from course_lib.training import AdamWConfig, History
from course_lib.training.objectives import device_of, padding_of


@runtime_checkable
class Strategy(Protocol):
    """Fits an encoder with a head, such as a classifier, to labelled texts."""

    def fit(self, model: EncoderWithHead, data: FitData) -> History:
        """Change the model in place; leave it in evaluation mode."""
        ...

    @property
    def n_rows(self) -> int:
        """Texts per batch."""
        ...


@dataclass(frozen=True, kw_only=True)
class FrozenFeatures:
    """The encoder stays as it is; scikit-learn's logistic regression reads its vectors.

    The vectors are first brought to mean 0 and variance 1. The dev split is not used. It fits a
    `Classifier` only.

    Attributes:
        inverse_penalty: The smaller, the stronger weights are held back (> 0); scikit-learn's `C`.
        max_iterations: Of the solver (≥ 1).
        n_rows: Texts that the encoder reads at once (≥ 1).
    """

    inverse_penalty: float = 1.0
    max_iterations: int = 1000
    n_rows: int = 64

    def __post_init__(self) -> None:
        if not self.inverse_penalty > 0:
            raise ValueError(f"inverse_penalty must be > 0; got {self.inverse_penalty}.")
        for name in ("max_iterations", "n_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be ≥ 1; got {name}={getattr(self, name)}.")

    def fit(self, model: EncoderWithHead, data: FitData) -> History:
        """See `Strategy`; no optimiser step is taken, so the history is empty.

        Raises:
            ValueError: If the model is no `SequenceClassifier`.
        """
        from sklearn.linear_model import LogisticRegression

        texts, loss = data.train, data.loss
        if not (
            isinstance(model, SequenceClassifier)
            and isinstance(texts, LabelledTexts)
            and isinstance(loss, ClassifierLoss)
        ):
            raise ValueError(
                "the strategy of a tagger or an answerer must train with gradients; got "
                f"FrozenFeatures for a {type(model).__name__}. To leave the encoder as it is, take "
                "GradualUnfreezing(plan=TrainingPlan(n_epochs=1))."
            )
        model.eval()
        features = read_features(model, texts).double().cpu().numpy()
        centre, spread = features.mean(axis=0), features.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        weights = dict(enumerate(loss.class_weights)) or None
        regression = LogisticRegression(
            C=self.inverse_penalty, max_iter=self.max_iterations, class_weight=weights
        )
        regression.fit((features - centre) / spread, texts.labels.numpy())
        slopes = regression.coef_ / spread
        offsets = regression.intercept_ - slopes @ centre
        if texts.n_classes == 2:  # scikit-learn keeps one row: the logit of class 1
            slopes, offsets = (np.concatenate((-x / 2, x / 2)) for x in (slopes, offsets))
        _set_head(model, slopes, offsets)
        return History(stopped_by="n_steps")


@dataclass(frozen=True, kw_only=True)
class FullFineTuning:
    """Everything is trained, the encoder and the head.

    Attributes:
        plan: How long and how fast.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", section 4 and appendix A.3, https://arxiv.org/abs/1810.04805
    """

    plan: TrainingPlan = field(default_factory=TrainingPlan)

    @property
    def n_rows(self) -> int:
        """See `Strategy`."""
        return self.plan.n_rows

    def fit(self, model: EncoderWithHead, data: FitData) -> History:
        """See `Strategy`."""
        return fit_plan(model, data, self.plan)


@dataclass(frozen=True, kw_only=True)
class FromScratch:
    """The control: the same sizes with untrained weights, all of them trained.

    Attributes:
        plan: How long and how fast.
    """

    plan: TrainingPlan = field(default_factory=TrainingPlan)

    @property
    def n_rows(self) -> int:
        """See `Strategy`."""
        return self.plan.n_rows

    def fit(self, model: EncoderWithHead, data: FitData) -> History:
        """See `Strategy`; the encoder gives way to a fresh one."""
        model.encoder = model.encoder.fresh(data.seed)
        return fit_plan(model, data, self.plan)


@dataclass(frozen=True, kw_only=True)
class GradualUnfreezing:
    """First the head alone is trained; each epoch opens one more block, from the top down.

    Every epoch has its own warm-up, and begins with the best weights of the one before.

    Attributes:
        plan: How long and how fast; patience counts within an epoch.

    Reference:
        Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification",
        section 3.3, https://arxiv.org/abs/1801.06146
    """

    plan: TrainingPlan = field(default_factory=TrainingPlan)

    @property
    def n_rows(self) -> int:
        """See `Strategy`."""
        return self.plan.n_rows

    def fit(self, model: EncoderWithHead, data: FitData) -> History:
        """See `Strategy`."""
        plan = replace(self.plan, n_epochs=1)
        histories = []
        with kept_trainable(model):
            for epoch in range(self.plan.n_epochs):
                unfreeze_last(model, min(epoch, model.encoder.n_layers))
                texts = data.train.with_seed(data.seed + epoch)
                histories.append(fit_plan(model, data._replace(train=texts), plan))
                if histories[-1].stopped_by == "interrupt":
                    break
        return join_histories(histories)


@dataclass(frozen=True, kw_only=True)
class LoRAFineTuning:
    """The encoder's matrices get small corrections, which are trained with the head, then merged.

    Attributes:
        lora: Which matrices, and how wide the corrections are; the head is always trained.
        plan: How long and how fast.

    Reference:
        Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models",
        https://arxiv.org/abs/2106.09685
    """

    lora: LoRAConfig = field(default_factory=LoRAConfig)
    plan: TrainingPlan = field(
        default_factory=lambda: TrainingPlan(optimizer=AdamWConfig(learning_rate=1e-3))
    )

    @property
    def n_rows(self) -> int:
        """See `Strategy`."""
        return self.plan.n_rows

    def fit(self, model: EncoderWithHead, data: FitData) -> History:
        """See `Strategy`."""
        config = replace(self.lora, heads=(*self.lora.heads, "classifier"))
        with kept_trainable(model):
            add_lora(model, config, make_generator(data.seed))
            history = fit_plan(model, data, self.plan)
            merge_lora(model)
        return history


@torch.inference_mode()
def read_features(model: SequenceClassifier, texts: LabelledTexts) -> Float[Tensor, "N D"]:
    """Compute the vector of each text, in the order of the texts.

    Args:
        model: In evaluation mode.
        texts: The texts; labels are not looked at.
    """
    device = device_of(model)
    parts = [
        model.features(batch.ids.to(device), padding_of(batch.mask, device))
        for batch in InOrder(texts)
    ]
    return torch.cat(parts)


@torch.no_grad()
def _set_head(model: SequenceClassifier, slopes: np.ndarray, offsets: np.ndarray) -> None:
    head = model.classifier
    head.weight.copy_(torch.as_tensor(slopes))
    head.bias.copy_(torch.as_tensor(offsets))
