from pathlib import Path

import pytest

from course_lib.errors import WeightsNotFoundError
from course_lib.finetuning.framing import END, frame_for_decoder
from course_lib.finetuning.framing_files import load_framing, save_framing
from course_lib.tokenizers import BPETokenizer


@pytest.mark.parametrize("model_type", ["gpt2", "marian"])
def test_a_tokenizer_of_ours_comes_back_with_its_end(model_type: str, tmp_path: Path) -> None:
    tokenizer = BPETokenizer.train(["aab"], vocab_size=259, special_tokens=["<pad>", END])
    save_framing(frame_for_decoder(tokenizer), tmp_path)
    framing = load_framing(tmp_path, model_type, is_decoder=True)
    assert isinstance(framing.tokenizer, BPETokenizer)
    assert framing.frame("aab", 9)[0] == [*tokenizer.encode("aab"), 1]


def test_a_folder_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match="must hold the model's tokenizer, too"):
        load_framing(tmp_path, "bert", is_decoder=False)
