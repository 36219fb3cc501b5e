import pytest

from course_lib.finetuning.classifier import Classifier
from course_lib.finetuning.encoders import wrap_encoder
from course_lib.finetuning.fitting import TrainingPlan
from course_lib.finetuning.seeds import fit_seeds
from course_lib.finetuning.strategies import FullFineTuning
from course_lib.models import BERT, BERTConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
DATA = (["a", "b", "a a", "b b"], ["pos", "neg", "pos", "neg"])


def test_seeds_give_mean_and_spread() -> None:
    sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 1, "d_ff": 5}
    model = BERT(BERTConfig(vocab_size=7, **sizes), make_generator(0)).eval()
    encoder = wrap_encoder(model, WordPieceTokenizer([*MARKS, "a", "b"]))
    classifier = Classifier(encoder, FullFineTuning(plan=TrainingPlan(n_epochs=1)))
    found = fit_seeds(classifier, DATA, DATA, seeds=(3, 5))
    assert set(found.scores) == {3, 5}
    assert found.mean == pytest.approx(sum(found.scores.values()) / 2)
    with pytest.raises(ValueError, match="seeds must be two or more, all different"):
        fit_seeds(classifier, DATA, DATA, seeds=(3, 3))
