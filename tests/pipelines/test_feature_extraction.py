from pathlib import Path

import numpy as np
import pytest
from transformers import pipeline as their_pipeline

from course_lib.pipelines import FeatureExtractionPipeline, pipeline
from tests.pipelines.tiny import make_folder

TEXTS = ["the cat sat on a mat.", "a dog", "rome is not good, not in rome"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("encoder"), "BertModel")


@pytest.fixture(scope="module")
def read(folder: Path) -> FeatureExtractionPipeline:
    return pipeline("feature-extraction", folder, batch_size=2)


def test_vectors_are_those_of_transformers(folder: Path, read: FeatureExtractionPipeline) -> None:
    theirs = their_pipeline("feature-extraction", model=str(folder))
    for ours, expected in zip(read(TEXTS), theirs(TEXTS), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-5)
    assert np.shape(read(TEXTS[1])) == (1, 4, 24)


def test_pooling_makes_one_vector(read: FeatureExtractionPipeline) -> None:
    vectors = np.array(read(TEXTS[0])[0])
    np.testing.assert_allclose(read(TEXTS[0], pooling="mean"), vectors.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(read(TEXTS[0], pooling="first"), vectors[0], atol=1e-6)
    np.testing.assert_allclose(read(TEXTS[0], pooling="last"), vectors[-1], atol=1e-6)
    with pytest.raises(ValueError, match="pooling must be None, first, mean or last; got 'max'"):
        read("a cat", pooling="max")  # pyright: ignore


def test_embeddings_have_length_one_and_the_order_of_the_texts(
    read: FeatureExtractionPipeline,
) -> None:
    found = read.embed(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    for row, text in zip(found, TEXTS, strict=True):
        mean = np.array(read(text, pooling="mean"))
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-5)


def test_bad_texts(read: FeatureExtractionPipeline) -> None:
    with pytest.warns(UserWarning, match="1 of 2 inputs"):
        found = read(["", "a cat"])
    assert "error" in found[0]
    np.testing.assert_allclose(found[1], read("a cat"), atol=1e-6)
    with pytest.warns(UserWarning, match="lost their ends"):
        assert np.shape(read("cat " * 100)) == (1, 64, 24)
