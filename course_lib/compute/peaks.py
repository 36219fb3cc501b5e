"""What graphics cards promise: the highest number of operations that a data sheet names."""

import re

PEAK_FLOPS_PER_SECOND = (
    (("V100", "SXM2"), 125e12),
    (("T4",), 65e12),
    (("A100",), 312e12),
    (("L4",), 121e12),
    (("H100", "HBM3"), 989.4e12),
    (("H100", "PCIe"), 756e12),
    (("H200",), 989.4e12),
)
"""Words of a card's name, and its peak. With "HBM3" CUDA names the H100 of the form SXM."""


def peak_flops_per_second(device_name: str) -> float | None:
    """Look up how many operations a second a card promises for products of 16-bit matrices.

    The figures are for dense matrices. Most data sheets print the one for sparse matrices (half of
    the numbers 0 in a fixed pattern), which is twice as high, and no model here uses.

    Args:
        device_name: As `torch.cuda.get_device_name` gives it.

    Returns:
        The peak for float16, which from A100 and L4 on is that of bfloat16, too (V100 and T4 have
        none for it); None for a card that is not in the table.

    Reference:
        NVIDIA's data sheets, as collected with their addresses in Lightning Fabric,
        "throughput.py", https://github.com/Lightning-AI/pytorch-lightning. The sheets of L4 (242
        teraFLOPS), H100 (SXM 1,979, PCIe 1,513) and H200 (1,979) print the sparse figure.

    Example:
        >>> peak_flops_per_second("NVIDIA A100-SXM4-40GB")
        312000000000000.0
    """
    words = set(re.split(r"[^A-Za-z0-9]+", device_name))
    if "NVL" in words:  # other clocks, same name
        return None
    fitting = (peak for needed, peak in PEAK_FLOPS_PER_SECOND if words.issuperset(needed))
    return next(fitting, None)
