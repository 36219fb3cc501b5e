import random

import pytest
import torch
import torch.nn.functional as F

from course_lib.models import TreeNetwork, TreeNetworkConfig
from course_lib.models.tree import Tree

NOT, N_WORDS = 0, 10  # words 1-3 are good, 4-6 bad, 7-9 neither


def make_network(d_model: int = 5) -> TreeNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = TreeNetwork(
            TreeNetworkConfig(vocab_size=N_WORDS, n_classes=3, d_model=d_model)
        ).double()
        torch.nn.init.normal_(network.embedding.weight)
    return network


def vector_by_recursion(network: TreeNetwork, tree: Tree) -> torch.Tensor:
    """The paper's equation for one node at a time, coordinate by coordinate."""
    if isinstance(tree, int):
        return network.embedding.weight[tree]
    parts = torch.cat([vector_by_recursion(network, part) for part in tree])
    products = torch.stack([parts @ matrix @ parts for matrix in network.pair])
    return torch.tanh(products + network.linear.weight @ parts + network.linear.bias)


TREES: list[Tree] = [3, (1, 2), (NOT, (1, (7, 2))), ((4, 5), (NOT, 6)), (((1, 2), 3), 9), 8]


def test_scores_follow_the_equation_node_by_node() -> None:
    network = make_network()
    expected = [
        network.output.weight @ vector_by_recursion(network, tree) + network.output.bias
        for tree in TREES
    ]
    torch.testing.assert_close(network(TREES), torch.stack(expected))


def test_composition_by_hand() -> None:
    network = TreeNetwork(TreeNetworkConfig(vocab_size=2, n_classes=1, d_model=1)).double()
    with torch.no_grad():
        network.pair.copy_(torch.tensor([[[0.0, 0.5], [0.0, 0.0]]]))  # half of left times right
        network.linear.weight.copy_(torch.tensor([[0.1, 0.2]]))
        network.linear.bias.fill_(-0.3)
    left, right = torch.tensor([[2.0]]).double(), torch.tensor([[-3.0]]).double()
    expected = torch.tensor([[-3 + 0.2 - 0.6 - 0.3]], dtype=torch.float64).tanh()
    torch.testing.assert_close(network.compose(left, right), expected)


def test_a_tree_is_scored_alone_as_in_a_batch() -> None:
    network = make_network()
    for tree, together in zip(TREES, network(TREES), strict=True):
        torch.testing.assert_close(network([tree])[0], together)


def test_order_and_bracketing_matter() -> None:
    network = make_network()
    scores = network([((1, 2), 3), (1, (2, 3)), ((2, 1), 3)])
    assert not torch.isclose(scores[0], scores[1]).any()
    assert not torch.isclose(scores[0], scores[2]).any()


def test_phrase_logits_are_those_of_each_subtree() -> None:
    network = make_network()
    tree: Tree = (NOT, (1, (7, 2)))
    phrases, logits = network.phrase_logits(tree)
    assert phrases == [NOT, 1, 7, 2, (7, 2), (1, (7, 2)), tree]
    torch.testing.assert_close(logits, network(phrases))


@pytest.mark.parametrize(
    "bad", [(1, (2, 3, 4)), ((1,), 2), ("good", 1), (1, [2, 3]), (1, (2, None))]
)
def test_refuses_what_is_no_binary_tree(bad: Tree) -> None:
    with pytest.raises(ValueError, match="a tree must be a token id or a pair of trees; got"):
        make_network()([bad])


def test_refuses_an_empty_batch() -> None:
    with pytest.raises(ValueError, match="trees must hold at least one tree"):
        make_network()([])


def test_settings() -> None:
    assert TreeNetworkConfig(vocab_size=1, n_classes=1).d_model == 16
    TreeNetworkConfig(vocab_size=1, n_classes=1, d_model=1)
    sizes = {"vocab_size": 2, "n_classes": 2}
    for name in ("vocab_size", "n_classes", "d_model"):
        with pytest.raises(ValueError, match=f"{name} must be ≥ 1; got {name}=0"):
            TreeNetworkConfig(**(sizes | {name: 0}))


def random_tree(chance: random.Random, height: int) -> Tree:
    if height == 0 or chance.random() < 0.2:
        return chance.randint(1, N_WORDS - 1)
    if chance.random() < 0.3:
        return (NOT, random_tree(chance, height - 1))
    return (random_tree(chance, height - 1), random_tree(chance, height - 1))


def sentiment(tree: Tree) -> int:
    if isinstance(tree, int):
        return (1 <= tree <= 3) - (4 <= tree <= 6)
    if tree[0] == NOT:
        return -sentiment(tree[1])
    return max(-1, min(1, sentiment(tree[0]) + sentiment(tree[1])))


def words_of(tree: Tree) -> list[int]:
    return [tree] if isinstance(tree, int) else words_of(tree[0]) + words_of(tree[1])


def test_learns_what_not_turns_around_and_carries_it_to_deeper_trees() -> None:
    chance = random.Random(0)
    train = [random_tree(chance, 4) for _ in range(1500)]
    deeper = [random_tree(chance, 6) for _ in range(300)]
    torch.manual_seed(0)
    network = TreeNetwork(TreeNetworkConfig(vocab_size=N_WORDS, n_classes=3))
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(150):
        batch = chance.sample(train, 64)
        labels = torch.tensor([sentiment(tree) + 1 for tree in batch])
        optimiser.zero_grad()
        F.cross_entropy(network(batch), labels).backward()
        optimiser.step()
    right = network(deeper).argmax(dim=-1) == torch.tensor([sentiment(t) + 1 for t in deeper])
    assert right.double().mean() > 0.95
    same_words: list[Tree] = [((NOT, 1), (7, 4)), ((NOT, 4), (7, 1))]
    assert sorted(words_of(same_words[0])) == sorted(words_of(same_words[1]))
    assert network(same_words).argmax(dim=-1).tolist() == [0, 2]


def test_pairs_start_small_enough_that_phrases_stay_in_range() -> None:
    network = make_network(d_model=11)
    assert network.pair.std().item() == pytest.approx(1 / 22, rel=0.05)
