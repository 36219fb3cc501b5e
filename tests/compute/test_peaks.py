import pytest

from course_lib.compute import peak_flops_per_second


@pytest.mark.parametrize(
    ("device_name", "peak"),
    [
        ("Tesla V100-SXM2-16GB", 125e12),
        ("Tesla T4", 65e12),
        ("NVIDIA A100-SXM4-40GB", 312e12),
        ("NVIDIA A100-PCIE-40GB", 312e12),
        ("NVIDIA A100 80GB PCIe", 312e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA H100 80GB HBM3", 989.4e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H200", 989.4e12),
    ],
)
def test_names_as_cuda_gives_them(device_name: str, peak: float) -> None:
    assert peak_flops_per_second(device_name) == peak


@pytest.mark.parametrize(
    "device_name",
    ["", "cpu", "NVIDIA L40S", "NVIDIA T400", "NVIDIA H100 NVL", "NVIDIA H200 NVL", "Tesla V100"],
)
def test_a_card_that_is_not_in_the_table_has_no_peak(device_name: str) -> None:
    assert peak_flops_per_second(device_name) is None


def test_a_dense_product_is_half_of_what_the_data_sheet_says_with_sparsity() -> None:
    with_sparsity = {"NVIDIA L4": 242e12, "NVIDIA H100 80GB HBM3": 1979e12, "NVIDIA H200": 1979e12}
    for device_name, peak in with_sparsity.items():
        assert peak_flops_per_second(device_name) == pytest.approx(peak / 2, rel=1e-3)
