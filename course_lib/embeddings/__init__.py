"""Static word vectors: from counts, from Word2Vec, from GloVe; and how to judge them."""

from course_lib.embeddings.analogies import AnalogyScore, evaluate_analogies
from course_lib.embeddings.counts import (
    TokenStream,
    bag_of_words,
    cooccurrence_counts,
    encode_stream,
    ppmi,
    tf_idf,
    truncated_svd,
)
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

__all__ = [
    "AnalogyScore",
    "SimilarityScore",
    "TokenStream",
    "WordVectors",
    "analogy_scores",
    "bag_of_words",
    "cooccurrence_counts",
    "cosine_similarity",
    "encode_stream",
    "evaluate_analogies",
    "evaluate_similarity",
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
