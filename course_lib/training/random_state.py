"""The states of the global random generators: Python's, NumPy's, torch's, and those of the GPUs."""

import random

import numpy as np
import torch

from course_lib.training.packing import Packed, pack, unpack


def random_state() -> Packed:
    """Take down where every global generator stands, for safetensors and JSON.

    Example:
        >>> saved = random_state()
        >>> first = torch.rand(3)
        >>> set_random_state(saved)
        >>> bool((torch.rand(3) == first).all())
        True
    """
    version, words, gauss = random.getstate()
    numpy_state = np.random.get_state(legacy=False)
    numpy_words = torch.from_numpy(numpy_state["state"]["key"].astype(np.int64))
    states = {
        "python": (version, torch.tensor(words), gauss),
        "numpy": {**numpy_state, "state": {**numpy_state["state"], "key": numpy_words}},
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    return pack(states)


def set_random_state(packed: Packed) -> None:
    """Set every global generator to where it stood.

    Args:
        packed: What `random_state` gave. The states of GPUs that are not here are passed over.
    """
    states = unpack(packed)
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    key = states["numpy"]["state"]["key"].numpy().astype(np.uint32)
    states["numpy"]["state"]["key"] = key
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    for device, state in enumerate(states["cuda"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(state, device)
