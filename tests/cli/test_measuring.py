import torch

from course_lib.cli.measuring import all_windows, evaluate_documents, join_ids
from course_lib.models import GPT, GPTConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer

DOCUMENTS = ["the cat sees the cat", "小猫 and <|endoftext|>", "a cat"]


def make_tokenizer() -> BPETokenizer:
    return BPETokenizer.train(DOCUMENTS, vocab_size=263, special_tokens=["<|endoftext|>"])


def test_a_mark_stands_before_each_document_and_nowhere_else() -> None:
    tokenizer = make_tokenizer()
    ids = join_ids(tokenizer, DOCUMENTS)
    assert tokenizer.decode(ids.tolist()) == "".join("<|endoftext|>" + d for d in DOCUMENTS)
    assert int((ids == tokenizer.id_of("<|endoftext|>")).sum()) == len(DOCUMENTS)


def test_every_token_is_asked_for_once_in_its_window() -> None:
    ids = torch.arange(5003)
    windows = all_windows(ids, 7)
    batches = [windows[index] for index in range(windows.n_batches)]
    asked = torch.cat([batch.ids[:, 1:][batch.mask[:, 1:]] for batch in batches])
    assert torch.equal(asked, ids[1:])
    assert batches[0].ids.shape == (585, 8)  # 585 windows of 7 tokens are 4,095
    assert all_windows(ids[:3], 7)[0].ids.tolist() == [[0, 1, 2]]
    assert all_windows(ids, 5001)[0].ids.shape == (1, 5002)


@torch.no_grad()
def test_the_figures_are_those_of_a_sum_by_hand() -> None:
    tokenizer = make_tokenizer()
    sizes = {"max_len": 5, "d_model": 6, "n_heads": 3, "n_layers": 2}
    config = GPTConfig(vocab_size=tokenizer.vocab_size, **sizes)
    model = GPT(config, make_generator(0)).eval()
    ids = join_ids(tokenizer, DOCUMENTS).long()
    nats = 0.0
    for start in range(0, len(ids) - 1, 5):
        window = ids[start : start + 6]
        log_probs = model(window[None, :-1])[0].double().log_softmax(-1)
        nats -= float(log_probs.gather(1, window[1:, None]).sum())
    n_tokens, n_bytes = len(ids) - 1, len("".join(DOCUMENTS).encode())
    lines = evaluate_documents(model, tokenizer, DOCUMENTS).splitlines()
    rows = [line[18:] for line in lines]
    assert rows[0] == f"{nats / n_tokens:.4f}"
    assert rows[1] == f"{torch.tensor(nats / n_tokens).exp():.2f}"
    assert rows[2] == f"{nats / 0.6931471805599453 / n_bytes:.4f}"
    assert rows[3] == f"{n_tokens} tokens, {n_bytes} bytes"
