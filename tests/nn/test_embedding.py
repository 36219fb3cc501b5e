import torch

from course_lib.nn import TokenEmbedding
from course_lib.nn.embedding import INITIAL_STD
from course_lib.seeding import make_generator


def test_looks_up_rows_and_scores_with_the_same_table() -> None:
    embedding = TokenEmbedding(3, 2)
    with torch.no_grad():
        embedding.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]))
    assert embedding(torch.tensor([[2, 0]])).tolist() == [[[5.0, 7.0], [1.0, 2.0]]]
    assert embedding.logits(torch.tensor([10.0, 1.0])).tolist() == [12.0, 34.0, 57.0]


def test_agrees_with_torch_forward_and_backward() -> None:
    embedding = TokenEmbedding(11, 5).double()
    theirs = torch.nn.Embedding(11, 5, _weight=embedding.weight.detach().clone())
    ids = torch.randint(11, (2, 3), generator=make_generator(0))
    ours_loss = embedding.logits(embedding(ids)).square().sum()
    theirs_loss = (theirs(ids) @ theirs.weight.mT).square().sum()
    torch.testing.assert_close(ours_loss, theirs_loss)
    torch.testing.assert_close(
        torch.autograd.grad(ours_loss, embedding.weight),
        torch.autograd.grad(theirs_loss, theirs.weight),
    )


def test_takes_any_leading_axes() -> None:
    embedding = TokenEmbedding(11, 5)
    assert embedding(torch.tensor(3)).shape == (5,)
    assert embedding(torch.zeros(2, 3, 7, dtype=torch.int64)).shape == (2, 3, 7, 5)
    assert embedding.logits(torch.zeros(2, 3, 7, 5)).shape == (2, 3, 7, 11)


def test_starts_small() -> None:
    weight = TokenEmbedding(101, 97).weight
    assert INITIAL_STD == 0.02
    assert abs(weight.std().item() / INITIAL_STD - 1) < 0.05
    assert abs(weight.mean().item()) < 0.1 * INITIAL_STD
    assert list(TokenEmbedding(3, 2).state_dict()) == ["weight"]
