"""The right versions against independent references, and the broken ones as they fail in public."""

import inspect
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, Dataset, TensorDataset
from transformers import BertConfig, BertForSequenceClassification
from transformers.trainer_pt_utils import get_parameter_names

from course_lib.lesson import clinic, clinic_broken

NAMES = [name for name, _ in inspect.getmembers(clinic_broken, inspect.isfunction)]
LOGITS = [[2.0, -1.0, 0.5], [0.0, 0.25, 3.0], [1.0, 1.5, -2.0], [0.0, 0.5, 0.25], [4.0, 1.0, 1.0]]
ENCODINGS = {"input_ids": [[5, 6], [7, 8], [9, 0]], "attention_mask": [[1, 1], [1, 1], [1, 0]]}


def tiny_bert() -> BertForSequenceClassification:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=11,
        hidden_size=6,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=7,
        num_labels=3,
    )
    return BertForSequenceClassification(config)


class Logits(nn.Module):
    """A model of transformers whose output is the logits alone."""

    def __init__(self, bert: BertForSequenceClassification) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.bert(input_ids=input_ids).logits


def test_there_is_a_right_version_of_each_broken_one() -> None:
    assert len(NAMES) == 5
    for name in NAMES:
        right, broken = getattr(clinic, name), getattr(clinic_broken, name)
        assert str(inspect.signature(right)) == str(inspect.signature(broken))


def test_loss_and_accuracy_are_those_of_scikit_learn() -> None:
    labels = [0, 2, 0, 1, 2]
    logits = torch.tensor(LOGITS, dtype=torch.float64)
    loss, share = clinic.score_batch(logits, labels)
    assert_close(loss, log_loss(labels, logits.softmax(dim=1).numpy(), labels=[0, 1, 2]))
    assert share == accuracy_score(labels, logits.argmax(dim=1).tolist()) == 0.6


def test_as_many_labels_as_texts() -> None:
    with pytest.raises(ValueError, match="labels must be as many as the texts; got 4 for 5"):
        clinic.score_batch(torch.tensor(LOGITS), [0, 1, 2, 0])


def test_a_loader_batches_the_data_set() -> None:
    data = clinic.make_dataset(ENCODINGS, [1, 0, 2])
    assert isinstance(data, Dataset)
    columns = [torch.tensor(rows) for rows in ENCODINGS.values()]
    reference = TensorDataset(*columns, torch.tensor([1, 0, 2]))
    for mine, due in zip(
        DataLoader(data, batch_size=2), DataLoader(reference, batch_size=2), strict=True
    ):
        assert_close(list(mine.values()), list(due))
        assert list(mine) == ["input_ids", "attention_mask", "labels"]
        assert mine["labels"].ndim == 1


@pytest.mark.parametrize("labels", [[1, 0], [1, 0, 2, 1]])
def test_no_text_is_without_a_label(labels: list[int]) -> None:
    with pytest.raises(
        ValueError, match=f"input_ids must be as many as labels; got 3, {len(labels)}"
    ):
        clinic.make_dataset(ENCODINGS, labels)


def test_what_decays_is_what_transformers_lets_decay() -> None:
    model = tiny_bert()
    model.bert.embeddings.requires_grad_(False)
    optimizer = clinic.make_optimizer(model, learning_rate=3e-5, weight_decay=0.2)
    assert type(optimizer) is torch.optim.AdamW
    spared = ["bias", "layernorm", "rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]
    decaying = set(get_parameter_names(model, [nn.LayerNorm], spared))
    names = {parameter: name for name, parameter in model.named_parameters()}
    settled = {
        names[parameter]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert settled == {
        name: (3e-5, 0.2 if name in decaying else 0.0)
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    assert len({decay for _, decay in settled.values()}) == 2


@pytest.mark.parametrize("learning_rate", [0.0, -1e-3])
def test_a_learning_rate_must_be_above_0(learning_rate: float) -> None:
    with pytest.raises(ValueError, match="learning_rate must be > 0"):
        clinic.make_optimizer(nn.Linear(2, 2), learning_rate, 0.01)


@pytest.mark.parametrize("is_training", [True, False])
def test_predictions_throw_no_dice_and_leave_the_mode(is_training: bool) -> None:
    model = Logits(tiny_bert())
    batches = [{"input_ids": torch.tensor(rows)} for rows in ([[1, 2, 3], [4, 5, 6]], [[7, 8, 9]])]
    due = [int(row.argmax()) for b in batches for row in model.eval()(**b)]
    model.train(is_training)
    for _ in range(3):
        assert clinic.predict_classes(model, batches) == due
    assert model.training is is_training
    assert torch.is_grad_enabled()


def test_predictions_keep_nothing_for_gradients() -> None:
    seen: list[bool] = []

    class Noting(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            seen.append(super().forward(input).requires_grad)
            return input

    assert clinic.predict_classes(Noting(2, 2), [{"input": torch.eye(2)}]) == [0, 1]
    assert seen == [False]


TEXTS = st.lists(
    st.sampled_from(["So good!", "so good", "SO  GOOD", "bad", "Bad.", "很好！", "很好"])
)


@settings(deadline=None)
@given(texts=TEXTS, test_share=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_a_split_keeps_equal_texts_together(texts, test_share, seed) -> None:
    train, test = clinic.split_texts(texts, test_share, seed)
    assert sorted(train + test) == list(range(len(texts)))
    assert clinic.split_texts(texts, test_share, seed) == (train, test)
    keys = ["".join(re.findall(r"[a-z很好]", text.lower())) for text in texts]
    assert not {keys[row] for row in train} & {keys[row] for row in test}


def test_a_split_of_texts_that_come_once_has_the_share_asked_for() -> None:
    texts = [f"text {number}" for number in range(50)]
    train, test = clinic.split_texts(texts, 0.3, seed=1)
    assert (len(train), len(test)) == (35, 15)
    assert sorted(test) != test
    assert clinic.split_texts(texts, 0.3, seed=2) != (train, test)


@pytest.mark.parametrize("test_share", [0.0, 1.0, -0.5, 20.0])
def test_a_share_is_between_0_and_1(test_share: float) -> None:
    for version in (clinic, clinic_broken):
        with pytest.raises(ValueError, match="test_share must be above 0, below 1"):
            version.split_texts(["a", "b"], test_share, 0)


def test_broken_labels_in_a_column() -> None:
    with pytest.raises(RuntimeError, match="multi-target not supported"):
        clinic_broken.score_batch(torch.tensor(LOGITS), [0, 2, 0, 1, 2])
    with pytest.raises(ValueError, match="got 1 for 5"):
        clinic_broken.score_batch(torch.tensor(LOGITS), [0])


def test_a_broken_data_set() -> None:
    with pytest.raises(TypeError, match="takes no arguments"):
        clinic_broken.make_dataset(ENCODINGS, [1, 0, 2])
    with pytest.raises(ValueError, match="got 3, 1"):
        clinic_broken.make_dataset(ENCODINGS, [1])


def test_a_broken_optimiser() -> None:
    with pytest.raises(ImportError, match="cannot import name 'AdamW' from 'transformers'"):
        clinic_broken.make_optimizer(nn.Linear(2, 2), 1e-3, 0.01)


def test_broken_predictions_throw_dice() -> None:
    model = nn.Dropout(0.5).train()
    torch.manual_seed(0)
    batches = [{"input": 1 + torch.rand(97, 5)}]
    assert clinic_broken.predict_classes(model, batches) != clinic_broken.predict_classes(
        model, batches
    )


def test_a_broken_split_has_the_same_text_on_both_sides() -> None:
    texts = ["a", "b", "c", "d", "e"] * 4
    train, test = clinic_broken.split_texts(texts, 0.25, seed=0)
    assert (len(train), len(test)) == (15, 5)
    assert sorted(train + test) == list(range(20))
    assert {texts[row] for row in train} & {texts[row] for row in test}
