"""Our loop and `transformers.Trainer` learn the same from the same texts.

How to hold one against the other, for whoever does it with a model of his own:

1. The same start. `Encoder.save` writes a folder that `AutoModelForSequenceClassification` reads.
   Its head is new and drawn otherwise than ours: copy ours. Between encoder and head transformers'
   BERT has a pooler, a linear map and a tanh, which we do not have; `FirstToken` takes its place.
   Where accuracies are compared and not parameters, its pooler may stay.
2. The same chance, or none: dropout 0, and every step reads all texts, whose order within a batch
   does not matter. With mini-batches the two orders differ whatever the seed.
3. The same optimiser: AdamW with the same betas and eps. Trainer's default weight decay is 0; above
   0 it lets the embeddings decay too, we do not (`training.groups`).
4. The same clipping: both shorten gradients longer than 1.
5. The same schedule. Both fall in a line to 0, but in the warm-up Trainer's step k of n has the
   factor k / n, from 0, ours (k + 1) / n: its first step moves nothing. Without warm-up they agree.
6. float64. The keys' biases have a gradient of 0 in theory; in float32 rounding leaves a little of
   it, and AdamW divides that by its own size. (Of this model they alone differ by more than 1e-7.)
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    EvalPrediction,
    Trainer,
    TrainingArguments,
)

from course_lib.evaluation import accuracy, mean_and_sd
from course_lib.finetuning import (
    Classifier,
    ClassifierConfig,
    Encoder,
    FullFineTuning,
    SequenceClassifier,
    TrainingPlan,
    fit_seeds,
    load_encoder,
    wrap_encoder,
)
from course_lib.models import BERT, BERTConfig, bert_to_hf
from course_lib.seeding import make_generator
from course_lib.tokenizers import WordPieceTokenizer
from course_lib.training import AdamWConfig, WarmupLinear
from course_lib.training.groups import parameter_groups

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
GOOD, BAD = ["fine", "fun", "great"], ["dull", "poor", "sad"]
OTHERS = ["film", "it", "plot", "the", "was", "scene", "and"]
WORDS = [*GOOD, *BAD, *OTHERS]
RATE = 1e-2
SEEDS = (0, 1, 2)


class FirstToken(nn.Module):
    """Gives the head the first token's vector, in place of a pooler."""

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden[:, 0]


def planted(n_texts: int, seed: int) -> tuple[list[str], list[int]]:
    """Make texts of class 1 where good words outnumber bad ones; one label in ten is wrong."""
    chance = random.Random(seed)
    texts, labels = [], []
    while len(texts) < n_texts:
        words = chance.choices(GOOD + BAD, k=3) + chance.choices(OTHERS, k=chance.randint(1, 5))
        chance.shuffle(words)
        is_good = sum(word in GOOD for word in words) > sum(word in BAD for word in words)
        texts.append(" ".join(words))
        labels.append(int(is_good != (chance.random() < 0.1)))
    return texts, labels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny BERT that `Encoder.save` has written."""
    encoder = make_encoder(dropout=0.0)
    encoder.save(tmp_path / "bert")
    return tmp_path / "bert"


def make_encoder(dropout: float) -> Encoder:
    sizes = {"max_len": 13, "d_model": 12, "n_heads": 3, "n_layers": 2, "d_ff": 17}
    config = BERTConfig(vocab_size=len(MARKS) + len(WORDS), dropout=dropout, **sizes)
    tokenizer = WordPieceTokenizer([*MARKS, *WORDS])
    return wrap_encoder(BERT(config, make_generator(0)).eval(), tokenizer)


def make_trainer(
    model_init: Callable[[], nn.Module],
    folder: Path,
    train: tuple[list[str], list[int]],
    test: tuple[list[str], list[int]],
    **arguments: Any,
) -> Trainer:
    """Set up a Trainer with the arguments of transformers 5."""
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def encode(data: tuple[list[str], list[int]]) -> list[dict[str, Any]]:
        return [dict(tokenizer(text), labels=label) for text, label in zip(*data, strict=True)]

    def compute_metrics(found: EvalPrediction) -> dict[str, float]:
        return {"accuracy": accuracy(found.predictions.argmax(axis=1), found.label_ids)}

    settings = TrainingArguments(
        output_dir=str(folder / "runs"),
        learning_rate=RATE,
        eval_strategy="epoch",
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **arguments,
    )
    return Trainer(
        model_init=model_init,
        args=settings,
        train_dataset=encode(train),
        eval_dataset=encode(test),
        processing_class=tokenizer,
        compute_metrics=compute_metrics,
    )


def our_plan(n_epochs: int, n_rows: int, warmup_share: float = 0.0) -> FullFineTuning:
    optimizer = AdamWConfig(learning_rate=RATE, weight_decay=0.0)
    return FullFineTuning(
        plan=TrainingPlan(
            n_epochs=n_epochs, n_rows=n_rows, optimizer=optimizer, warmup_share=warmup_share
        )
    )


def hidden_part(classifier: Classifier) -> dict[str, Tensor]:
    """Give the fitted encoder's weights under transformers' names, without heads."""
    backbone = classifier.model.encoder.backbone
    assert isinstance(backbone, BERT)
    tensors = bert_to_hf(backbone).state_dict()
    return {
        name.removeprefix("bert."): tensor
        for name, tensor in tensors.items()
        if name.startswith("bert.") and not name.startswith("bert.pooler.")
    }


def decaying(model: nn.Module, groups: list[dict[str, Any]]) -> set[str]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(p)] for group in groups if group["weight_decay"] > 0 for p in group["params"]}


@pytest.mark.parametrize("n_steps", [1, 4])
def test_the_same_steps_give_the_same_parameters(folder: Path, n_steps: int) -> None:
    train = planted(23, seed=0)
    encoder = load_encoder(folder).double()
    classifier = Classifier(
        encoder, our_plan(n_steps, n_rows=23), ClassifierConfig(pooling="first", dropout=0.0)
    )
    fitted = classifier.fit(*train)
    assert fitted.history.grad_norms[0] > 1  # so both clip

    def same_start() -> nn.Module:
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2).double()
        model.bert.pooler = FirstToken()
        ours = SequenceClassifier(encoder, 2, generator=make_generator(0))
        model.classifier.load_state_dict(ours.classifier.state_dict())
        return model

    trainer = make_trainer(
        same_start,
        folder,
        train,
        train,
        num_train_epochs=n_steps,
        per_device_train_batch_size=23,
        lr_scheduler_type="linear",
        weight_decay=0.0,
    )
    tokens = [row["input_ids"] for row in trainer.train_dataset]
    assert tokens == encoder.encode_all(train[0])
    before = {name: tensor.clone() for name, tensor in same_start().state_dict().items()}
    trainer.train()
    theirs = trainer.model.state_dict()
    assert trainer.state.global_step == n_steps
    found = {f"bert.{k}": v for k, v in hidden_part(classifier).items()}
    found |= {f"classifier.{k}": v for k, v in classifier.model.classifier.state_dict().items()}
    assert set(found) == set(theirs)
    for name, tensor in found.items():  # torch's clipping divides by the length + 1e-6
        assert_close(tensor, theirs[name], rtol=0, atol=1e-8, msg=lambda m, n=name: f"{n}: {m}")
    moved = {name for name, tensor in theirs.items() if not torch.equal(tensor, before[name])}
    assert {"bert.embeddings.word_embeddings.weight", "classifier.bias"} <= moved
    probabilities = trainer.predict(trainer.train_dataset).predictions
    assert_close(
        torch.tensor(probabilities).softmax(dim=1),
        torch.tensor(classifier.predict_proba(train[0])),
        rtol=0,
        atol=1e-6,  # predictions pass through float32
    )


def test_what_decays_differs_in_the_embeddings_only(folder: Path) -> None:
    train = planted(5, seed=0)

    def start() -> nn.Module:
        return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)

    trainer = make_trainer(start, folder, train, train, weight_decay=0.1)
    trainer.create_optimizer()
    theirs = decaying(trainer.model, trainer.optimizer.param_groups)
    ours = decaying(trainer.model, parameter_groups(trainer.model, weight_decay=0.1))
    assert ours < theirs
    assert {name.split(".")[-2] for name in theirs - ours} == {
        "word_embeddings",
        "position_embeddings",
        "token_type_embeddings",
    }


def test_warm_up_begins_at_zero_there_and_one_step_later_here(folder: Path) -> None:
    train = planted(20, seed=0)

    def start() -> nn.Module:
        return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)

    trainer = make_trainer(
        start,
        folder,
        train,
        train,
        num_train_epochs=2,
        per_device_train_batch_size=2,
        warmup_steps=0.2,
        lr_scheduler_type="linear",
    )
    trainer.create_optimizer_and_scheduler(num_training_steps=20)
    scheduler = trainer.lr_scheduler
    assert isinstance(scheduler, torch.optim.lr_scheduler.LambdaLR)
    (theirs,) = set(scheduler.lr_lambdas)
    ours = WarmupLinear(n_warmup=4)
    assert [theirs(step) for step in range(5)] == [0, 0.25, 0.5, 0.75, 1]
    assert [ours(step, 20) for step in range(5)] == [0.25, 0.5, 0.75, 1, 1]
    assert [ours(step, 20) for step in range(4, 20)] == [theirs(step) for step in range(4, 20)]


def test_over_seeds_the_accuracies_agree_within_the_spread(folder: Path) -> None:
    train, test = planted(240, seed=1), planted(400, seed=2)
    encoder = make_encoder(dropout=0.1)
    encoder.save(folder)
    ours = fit_seeds(
        Classifier(encoder, our_plan(10, n_rows=16, warmup_share=0.1)), train, test, seeds=SEEDS
    )
    theirs = {}
    for seed in SEEDS:
        trainer = make_trainer(
            lambda: AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2),
            folder,
            train,
            test,
            num_train_epochs=10,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=200,
            warmup_steps=0.1,  # below 1: a share of the steps
            seed=seed,
        )
        trainer.train()
        theirs[seed] = trainer.evaluate()["eval_accuracy"]
    mean, sd = mean_and_sd(list(theirs.values()))
    assert min(*ours.scores.values(), *theirs.values()) > 0.8  # one label in ten is wrong
    assert abs(ours.mean - mean) <= 2 * max(ours.sd, sd)
