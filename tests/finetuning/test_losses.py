import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from course_lib.data.batches import pad_texts
from course_lib.finetuning.examples import LabelledBatch, SpanBatch, TaggedBatch
from course_lib.finetuning.losses import ClassifierLoss, SpanLoss, TaggerLoss, balanced_weights
from course_lib.nn.loss import IGNORE_ID
from course_lib.seeding import make_generator
from course_lib.training import TrainingConfig, train

CHANCE = make_generator(0)
WEIGHTS = (0.5, 2.25, 1.3)


class Toy(nn.Module):
    """A score for each id, and for a text their mean."""

    def __init__(self, n_outputs: int = 3) -> None:
        super().__init__()
        weights = torch.randn(11, n_outputs, generator=make_generator(1), dtype=torch.float64)
        self.weight = nn.Parameter(weights)

    def tokens(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.weight)


class Classes(Toy):
    def forward(self, ids: Tensor, mask: Tensor | None, segments: Tensor | None) -> Tensor:
        shown = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        return (self.tokens(ids) * shown[..., None]).sum(dim=1) / shown.sum(dim=1, keepdim=True)


class Tags(Toy):
    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        return self.tokens(ids)


class Spans(Toy):
    def forward(self, ids: Tensor, mask: Tensor | None, segments: Tensor) -> tuple[Tensor, Tensor]:
        scores = self.tokens(ids)
        if mask is not None:
            scores = scores.masked_fill(~mask[..., None], -torch.inf)
        return scores[..., 0], scores[..., 1]


TEXTS = [[1, 4, 5], [2], [3, 7], [6, 8, 9, 10], [5]]
LABELS = [2, 0, 1, 1, 2]


def batch_of(rows: list[int]) -> LabelledBatch:
    ids, mask = pad_texts([TEXTS[row] for row in rows])
    return LabelledBatch(ids, mask, None, torch.tensor([LABELS[row] for row in rows]))


class Given:
    """Batches as they are listed."""

    def __init__(self, *batches: object) -> None:
        self.batches, self.n_batches = batches, len(batches)

    def __getitem__(self, index: int) -> object:
        return self.batches[index]


@pytest.mark.parametrize("weights", [(), WEIGHTS])
def test_classifier_loss_is_torchs_weighted_mean(weights: tuple[float, ...]) -> None:
    model, batch = Classes(), batch_of([0, 1, 2, 3, 4])
    total, n_counted = ClassifierLoss(class_weights=weights)(model, batch, CHANCE)
    weight = torch.tensor(weights, dtype=torch.float64) if weights else None
    logits = model(batch.ids, batch.mask, None)
    assert_close(total / n_counted, F.cross_entropy(logits, batch.labels, weight=weight))


def test_evaluation_is_plain() -> None:
    model, batch = Classes().eval(), batch_of([0, 1, 2])
    total, n_counted = ClassifierLoss(class_weights=WEIGHTS)(model, batch, CHANCE)
    assert n_counted == 3
    assert_close(total / 3, F.cross_entropy(model(batch.ids, batch.mask, None), batch.labels))


@pytest.mark.parametrize("weights", [(), WEIGHTS])
def test_micro_batches_train_as_one_batch(weights: tuple[float, ...]) -> None:
    whole, parts = Classes(), Classes()
    loss = ClassifierLoss(class_weights=weights)
    one = train(whole, Given(batch_of([0, 1, 2, 3, 4])), TrainingConfig(n_steps=1), objective=loss)  # pyright: ignore
    config = TrainingConfig(n_steps=1, n_micro_batches=2)
    two = train(parts, Given(batch_of([3]), batch_of([1, 0, 2, 4])), config, objective=loss)  # pyright: ignore
    assert_close(parts.weight, whole.weight, rtol=0, atol=1e-12)
    assert one.losses == pytest.approx(two.losses, abs=1e-12)
    assert one.grad_norms == pytest.approx(two.grad_norms, abs=1e-12)


def test_tagger_loss_is_torchs_mean_over_tagged_tokens() -> None:
    model, (ids, mask) = Tags(), pad_texts(TEXTS)
    tags = pad_texts([[IGNORE_ID] + [1] * (len(text) - 1) for text in TEXTS], IGNORE_ID).ids
    total, n_counted = TaggerLoss()(model, TaggedBatch(ids, mask, tags), CHANCE)
    assert n_counted == 6
    logits = model(ids, mask)
    assert_close(total / n_counted, F.cross_entropy(logits.mT, tags, ignore_index=IGNORE_ID))


def test_span_loss_adds_both_ends_and_padding_has_no_gradient() -> None:
    model, (ids, mask) = Spans(2), pad_texts(TEXTS, pad_id=0)
    spans = torch.tensor([[1, 2], [0, 0], [1, 1], [0, 3], [0, 0]])
    batch = SpanBatch(ids, mask, torch.zeros_like(ids), spans)
    total, n_counted = SpanLoss()(model, batch, CHANCE)
    start, end = model(ids, mask, batch.segment_ids)
    expected = F.cross_entropy(start, spans[:, 0]) + F.cross_entropy(end, spans[:, 1])
    assert_close(total / n_counted, expected)
    total.backward()
    assert model.weight.grad is not None
    assert model.weight.grad.isfinite().all()
    assert not model.weight.grad[0].any()


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    expected = compute_class_weight("balanced", classes=np.arange(3), y=[0, 2, 2, 1, 2, 2])
    assert balanced_weights([0, 2, 2, 1, 2, 2], 3) == pytest.approx(expected)


def test_bad_weights_and_labels_are_named() -> None:
    with pytest.raises(ValueError, match="class_weights must be finite and > 0"):
        ClassifierLoss(class_weights=(1.0, 0.0))
    with pytest.raises(ValueError, match="class_weights must be one for each of 3 classes; got 2"):
        ClassifierLoss(class_weights=(1.0, 2.0))(Classes(), batch_of([0]), CHANCE)
    with pytest.raises(ValueError, match="labels must hold every class; got none of class 1"):
        balanced_weights([0, 0, 2], 3)
    with pytest.raises(ValueError, match="labels must be from 0 to 1; got 2 in row 1"):
        balanced_weights([0, 2], 2)
