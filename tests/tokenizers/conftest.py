"""What several tests of tokenizers share: `tokenizers` trained as the reference."""

from collections.abc import Callable, Iterable, Sequence

import pytest
import tokenizers

TrainReference = Callable[..., tokenizers.Tokenizer]


@pytest.fixture
def train_reference() -> TrainReference:
    """Hugging Face's byte-level BPE, trained in Rust."""

    def train(
        texts: Iterable[str], vocab_size: int, special_tokens: Sequence[str] = ()
    ) -> tokenizers.Tokenizer:
        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
        byte_level = tokenizers.pre_tokenizers.ByteLevel
        tokenizer.pre_tokenizer = byte_level(add_prefix_space=False)
        tokenizer.decoder = tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(special_tokens),
            initial_alphabet=byte_level.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        return tokenizer

    return train
