import pytest
import torch

from course_lib.finetuning.encoders import wrap_encoder
from course_lib.finetuning.examples import LabelledTexts
from course_lib.finetuning.fitting import FitData, TrainingPlan
from course_lib.finetuning.heads import SequenceClassifier
from course_lib.finetuning.losses import ClassifierLoss
from course_lib.finetuning.strategies import FrozenFeatures, GradualUnfreezing, read_features
from course_lib.models import BERT, BERTConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = LabelledTexts([[2, 5, 3], [2, 6, 6, 3], [2, 5, 5, 3]], [0, 1, 0], n_classes=2, n_rows=2)
DATA = FitData(train=TEXTS, dev=None, loss=ClassifierLoss(), seed=0)


def make_model() -> SequenceClassifier:
    sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 3, "d_ff": 5}
    model = BERT(BERTConfig(vocab_size=7, **sizes), make_generator(0)).eval()
    encoder = wrap_encoder(model, WordPieceTokenizer([*MARKS, "a", "b"]))
    return SequenceClassifier(encoder, 2, generator=make_generator(1)).eval()


def test_gradual_unfreezing_opens_a_block_an_epoch_from_the_top() -> None:
    model = make_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    history = GradualUnfreezing(plan=TrainingPlan(n_epochs=2, n_rows=2)).fit(model, DATA)
    moved = {name for name, tensor in model.state_dict().items() if not tensor.equal(before[name])}
    assert len(history.losses) == 4
    assert "classifier.weight" in moved
    assert any(".blocks.2." in name for name in moved)
    assert not any(".blocks.1." in name or ".blocks.0." in name for name in moved)
    assert not any("tokens" in name for name in moved)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_features_come_in_the_order_of_the_texts() -> None:
    model = make_model()
    features = read_features(model, TEXTS)
    alone = model.features(torch.tensor([[2, 5, 3]]))
    torch.testing.assert_close(features[:1], alone)


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match=r"inverse_penalty must be > 0; got 0\.0"):
        FrozenFeatures(inverse_penalty=0.0)
