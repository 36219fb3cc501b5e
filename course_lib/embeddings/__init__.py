"""Static word vectors: from counts, from Word2Vec, from GloVe; and how to judge them."""

from course_lib.embeddings.analogies import AnalogyScore, evaluate_analogies
from course_lib.embeddings.counts import (
    TokenStream,
    bag_of_words,
    cooccurrence_counts,
    encode_stream,
    frequent_vocabulary,
    ppmi,
    tf_idf,
    truncated_svd,
)
from course_lib.embeddings.glove import GloVe, GloVeConfig, glove_gradients, glove_weights
from course_lib.embeddings.sgns import (
    keep_probabilities,
    negative_weights,
    sgns_gradients,
    sgns_loss,
    skip_gram_pairs,
)
from course_lib.embeddings.similarity import (
    SimilarityScore,
    cosine_similarity,
    evaluate_similarity,
)
from course_lib.embeddings.vectors import WordVectors, analogy_scores, load_course_vectors
from course_lib.embeddings.word2vec import CBOW, SkipGram, Word2VecConfig

__all__ = [
    "CBOW",
    "AnalogyScore",
    "GloVe",
    "GloVeConfig",
    "SimilarityScore",
    "SkipGram",
    "TokenStream",
    "Word2VecConfig",
    "WordVectors",
    "analogy_scores",
    "bag_of_words",
    "cooccurrence_counts",
    "cosine_similarity",
    "encode_stream",
    "evaluate_analogies",
    "evaluate_similarity",
    "frequent_vocabulary",
    "glove_gradients",
    "glove_weights",
    "keep_probabilities",
    "load_course_vectors",
    "negative_weights",
    "ppmi",
    "sgns_gradients",
    "sgns_loss",
    "skip_gram_pairs",
    "tf_idf",
    "truncated_svd",
]
