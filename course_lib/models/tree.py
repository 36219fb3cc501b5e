"""A recursive network: the meaning of a phrase is computed from the meanings of its two parts.

Not to be confused with a recurrent network, which reads from left to right: this one follows a
parse, from the words up, with the same weights at every branching.

Letters: B = trees, N = nodes, D = d_model, C = n_classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.nn import TokenEmbedding

Tree: TypeAlias = int | tuple[Any, Any]
"""A token id, or a pair of trees: `(NOT, (VERY, GOOD))`. (Its own type cannot hold itself.)"""


@dataclass(frozen=True, kw_only=True)
class TreeNetworkConfig:
    """Settings of `TreeNetwork`.

    Attributes:
        vocab_size: Number of tokens.
        n_classes: Number of labels, such as negative, neutral, positive.
        d_model: Length of the vector of a word and of a phrase. The number of weights grows with
            its cube.
    """

    vocab_size: int
    n_classes: int
    d_model: int = 16

    def __post_init__(self) -> None:
        for name in ("vocab_size", "n_classes", "d_model"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be ≥ 1; got {name}={getattr(self, name)}.")


class TreeNetwork(nn.Module):
    """Classify a phrase, and every phrase within it, along its parse.

    Nodes of equal height are computed together, so that a batch takes as many steps as its deepest
    tree has storeys.

    Args:
        config: Its settings.

    Attributes:
        config: Its settings.
        embedding: Vectors of the words.
        pair: For each coordinate of a phrase's vector, a matrix between the parts: products of two
            coordinates, with which one part can turn the other around, as "not" does.
        linear: The part of the composition without products.
        output: Scores every class.

    Reference:
        Socher et al. 2013, "Recursive Deep Models for Semantic Compositionality Over a Sentiment
        Treebank", section 4.3 (recursive neural tensor network),
        https://aclanthology.org/D13-1170

    Example:
        >>> network = TreeNetwork(TreeNetworkConfig(vocab_size=5, n_classes=3))
        >>> network([4, (0, (1, 2))]).shape
        torch.Size([2, 3])
    """

    def __init__(self, config: TreeNetworkConfig) -> None:
        super().__init__()
        self.config = config
        d = config.d_model
        self.embedding = TokenEmbedding(config.vocab_size, d)
        self.pair = nn.Parameter(torch.randn(d, 2 * d, 2 * d) / (2 * d))
        self.linear = nn.Linear(2 * d, d)
        self.output = nn.Linear(d, config.n_classes)

    def compose(
        self, left: Float[Tensor, "N D"], right: Float[Tensor, "N D"]
    ) -> Float[Tensor, "N D"]:
        """Compute the vectors of phrases from those of their two parts.

        Args:
            left: Vectors of the first parts.
            right: Vectors of the second parts.

        Returns:
            tanh(cᵀ Vᵈ c + W c + b) in coordinate d, where c is both vectors end to end.
        """
        parts = torch.cat((left, right), dim=-1)
        products = torch.einsum("ni,dij,nj->nd", parts, self.pair, parts)
        return (products + self.linear(parts)).tanh()

    def forward(self, trees: Sequence[Tree]) -> Float[Tensor, "B C"]:
        """Score every class for each whole tree.

        Args:
            trees: The parses; a single token id is a tree too.

        Returns:
            Unnormalised scores.

        Raises:
            ValueError: If there is no tree, or a node has not exactly two parts.
        """
        forest = _Forest(trees)
        vectors = self._vectors(forest)
        return self.output(vectors[[forest.rows[root] for root in forest.roots]])

    def phrase_logits(self, tree: Tree) -> tuple[list[Tree], Float[Tensor, "N C"]]:
        """Score every class for each phrase and word of one tree: who turned the mood around?

        Args:
            tree: The parse.

        Returns:
            All its subtrees, parts before the whole and left before right, and their scores.

        Raises:
            ValueError: If a node has not exactly two parts.
        """
        forest = _Forest([tree])
        rows = [forest.rows[node] for node in range(len(forest.nodes))]
        return forest.nodes, self.output(self._vectors(forest)[rows])

    def _vectors(self, forest: "_Forest") -> Float[Tensor, "N D"]:
        """Compute the vectors of all nodes, storey by storey, in the order of `forest.rows`."""
        words = [forest.nodes[node] for node in forest.storeys[0]]
        vectors = self.embedding(torch.tensor(words, device=self.pair.device))
        for storey in forest.storeys[1:]:
            left = [forest.rows[forest.parts[node][0]] for node in storey]
            right = [forest.rows[forest.parts[node][1]] for node in storey]
            vectors = torch.cat((vectors, self.compose(vectors[left], vectors[right])))
        return vectors


class _Forest:
    """All nodes of some trees, numbered, and sorted by height: words lie on storey 0."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self.nodes: list[Tree] = []
        self.parts: dict[int, tuple[int, int]] = {}
        self.storeys: list[list[int]] = []
        self.roots = [self._add(tree)[0] for tree in trees]
        if not self.roots:
            raise ValueError("trees must hold at least one tree; got none.")
        upwards = (node for storey in self.storeys for node in storey)
        self.rows = {node: row for row, node in enumerate(upwards)}

    def _add(self, tree: Any) -> tuple[int, int]:
        """Number a tree's nodes from the words up; give the root's number and its height."""
        height, parts = 0, None
        if isinstance(tree, tuple) and len(tree) == 2:
            (left, left_height), (right, right_height) = self._add(tree[0]), self._add(tree[1])
            height, parts = 1 + max(left_height, right_height), (left, right)
        elif not isinstance(tree, int):
            raise ValueError(f"a tree must be a token id or a pair of trees; got {tree!r}.")
        node = len(self.nodes)
        self.nodes.append(tree)
        if parts is not None:
            self.parts[node] = parts
        if height == len(self.storeys):
            self.storeys.append([])
        self.storeys[height].append(node)
        return node, height
