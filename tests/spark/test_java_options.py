"""How hard Java's compilers work, where the user has not said anything about it."""

from __future__ import annotations

import pytest

from tests.java_start import VARIABLE
from w2v_spark.spark import java_options
from w2v_spark.spark.java_options import economical_options


@pytest.fixture(autouse=True)
def _no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in java_options._VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_a_small_job_is_not_optimised_and_another_later_than_java_would() -> None:
    assert "-XX:TieredStopAtLevel=1" in economical_options({}, is_small=True)
    later = economical_options({}, is_small=False)
    assert "TieredStopAtLevel" not in later
    assert "-XX:Tier4InvocationThreshold=50000" in later


@pytest.mark.parametrize("option", ["-XX:TieredStopAtLevel=4", "-XX:-TieredCompilation", "-Xint"])
@pytest.mark.parametrize("place", [VARIABLE, "spark.driver.extraJavaOptions"])
@pytest.mark.parametrize("is_small", [True, False])
def test_what_the_user_has_said_about_compilers_counts(
    option: str, place: str, is_small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == VARIABLE:
        monkeypatch.setenv(place, option)
    assert "Tier" not in economical_options({} if place == VARIABLE else {place: option}, is_small)


def test_a_collector_of_the_user_is_left_alone() -> None:
    assert "UseSerialGC" in economical_options({}, is_small=True)
    assert "GC" not in economical_options({"spark.driver.extraJavaOptions": "-XX:+UseZGC"}, is_small=True)


def test_other_options_of_the_user_are_no_matter() -> None:
    assert economical_options({"spark.driver.extraJavaOptions": "-Xss4m"}, is_small=True) != ""
