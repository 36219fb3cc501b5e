"""The peer of training.py and time_to_loss.py: Hugging Face's GPT-2 and a plain training step."""

import sys
from pathlib import Path
from types import ModuleType

import torch.nn.functional as F
from torch import Tensor, nn, optim


def import_gpt2() -> ModuleType:
    """Import transformers, which must not take the script beside this for the tokenizers."""
    here, folders = Path(__file__).resolve().parent, list(sys.path)
    sys.path[:] = [folder for folder in folders if Path(folder).resolve() != here]
    from transformers.models import gpt2

    gpt2.GPT2LMHeadModel  # noqa: B018 - imported now, not when it is used
    sys.path[:] = folders
    return gpt2


class PeerModel(nn.Module):
    """Hugging Face's GPT-2 of 4 layers, 4 heads and width 128, without dropout, as ids to logits.

    Args:
        vocab_size: Number of tokens.
        n_positions: The longest text, in tokens.
    """

    def __init__(self, vocab_size: int, n_positions: int) -> None:
        super().__init__()
        gpt2 = import_gpt2()
        config = gpt2.GPT2Config(
            vocab_size=vocab_size,
            n_positions=n_positions,
            n_embd=128,
            n_layer=4,
            n_head=4,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=None,
            eos_token_id=None,
            use_cache=False,
        )
        self.inner = gpt2.GPT2LMHeadModel(config)

    def forward(self, ids: Tensor) -> Tensor:
        """Score the next token."""
        return self.inner(input_ids=ids).logits


def peer_step(model: nn.Module, optimizer: optim.Optimizer, windows: Tensor) -> None:
    """Take an optimiser step on windows of equal length, the next token being the target."""
    logits = model(windows[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
