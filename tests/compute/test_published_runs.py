import re

import pytest

from course_lib.compute import peak_flops_per_second, published_runs
from course_lib.compute.published_runs import runs_from
from course_lib.data.paths import read_facts

ROWS = read_facts("models")

COMPUTED = {  # MWh, tonnes of CO2e, share of the peak by 6ND
    "GPT-3": (1289, 553, 0.20),
    "BLOOM": (433, 24.7, 0.32),
    "LLaMA-13B": (59, 22.9, 0.51),
    "LLaMA-65B": (450, 173, 0.48),
    "Llama-2-70B": (757, 291.4, 0.43),
    "Llama-3-70B": (4928, 1897, 0.28),
    "Llama-3.1-8B": (1124, 433, 0.14),
    "Llama-3.1-405B": (23747, 9143, 0.35),
    "Llama-3.3-70B": (5390, 2075, 0.25),
}


@pytest.mark.parametrize("model", COMPUTED)
def test_energy_emissions_and_mfu_recomputed(model: str) -> None:
    mwh, tonnes, share = COMPUTED[model]
    run = published_runs()[model]
    energy = run.estimated_energy()
    assert energy.kwh / 1000 == pytest.approx(mwh, abs=0.5)
    assert energy.kg_co2e / 1000 == pytest.approx(tonnes, abs=0.5 if tonnes > 25 else 0.05)
    assert run.implied_mfu() == pytest.approx(share, abs=0.006)


def test_all_runs_are_recomputed() -> None:
    assert set(published_runs()) == {*COMPUTED, "DeepSeek-V3"}
    assert published_runs()["DeepSeek-V3"].implied_mfu() == pytest.approx(0.35, abs=0.005)


@pytest.mark.parametrize("model", COMPUTED)
def test_reported_figures_agree_or_the_note_says_why(model: str) -> None:
    run = published_runs()[model]
    energy = run.estimated_energy()
    computed = {"reported_mwh": energy.kwh / 1000, "reported_tonnes": energy.kg_co2e / 1000}
    for name, number in computed.items():
        if name in run.figures:
            agrees = number == pytest.approx(run.number(name), rel=0.01)
            assert agrees or "omputed" in run.figure(name).note, (name, number)


def test_the_error_of_a_card_is_found() -> None:
    run = published_runs()["Llama-3.3-70B"]
    ratio = run.estimated_energy().kg_co2e / 1000 / run.number("reported_tonnes")
    assert ratio == pytest.approx(160.8, abs=0.1)
    assert "the card's error" in run.figure("reported_tonnes").note


def test_the_removed_row_of_llama_2() -> None:
    """Its total of hours holds those of a model of which the card has no row."""
    assert 3_311_616 - (184_320 + 368_640 + 1_720_320) == 1_038_336
    assert round(31.22 + 62.44 + 291.42, 2) == 385.08
    note = published_runs()["Llama-2-70B"].figure("reported_tonnes").note
    assert "385.08" in note
    assert "1,038,336" in note


def test_llama_3_1_fits_another_grid() -> None:
    for model in ("Llama-3.1-8B", "Llama-3.1-405B"):
        run = published_runs()[model]
        fitting = 1000 * run.number("reported_tonnes") / run.estimated_energy().kwh
        assert 0.373 < fitting < 0.378


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['model']} {row['figure']}")
def test_every_figure_rests_on_words(row: dict[str, str]) -> None:
    assert 0 < len(row["words"].split()) <= 15
    assert re.match(r"https://(arxiv\.org/abs|github\.com|huggingface\.co)/", row["url"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", row["seen"])
    assert row["status"] in {"verified", "unverified"}
    assert row["source"]
    if row["figure"] != "gpu":
        assert float(row["value"]) > 0


def test_a_figure_stands_once_in_the_table() -> None:
    keys = [(row["model"], row["figure"]) for row in ROWS]
    assert len(set(keys)) == len(keys)


def test_peaks_are_those_of_the_other_table() -> None:
    for run in published_runs().values():
        known = peak_flops_per_second(run.figure("gpu").value)
        assert known in (None, run.number("peak_flops_per_second"))


def test_what_was_not_seen_at_its_source_is_left_out() -> None:
    row = {**ROWS[0], "model": "X", "figure": "tokens", "value": "3e9"}
    seen = runs_from([row, {**row, "figure": "watts", "status": "unverified"}])
    assert list(seen["X"].figures) == ["tokens"]
    assert seen["X"].number("tokens") == 3e9
    with pytest.raises(ValueError, match=r"published for X: tokens; got 'watts'"):
        seen["X"].number("watts")
    assert runs_from([{**row, "status": "unverified"}]) == {}


def test_the_source_of_each_input_reaches_the_report() -> None:
    report = published_runs()["BLOOM"].estimated_energy().report()
    assert "g CO2e per kWh: 57 (Luccioni et al. 2022, table 1" in report
    assert "https://arxiv.org/abs/2211.02001" in report
