"""Settings that do not go with vectors of counts."""

from __future__ import annotations

import pytest

from w2v_spark.config import COUNTED, Config, Objective, PublishedRows
from w2v_spark.errors import ConfigError


@pytest.mark.parametrize("objective", COUNTED)
@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("model", "architecture", "cbow"),
        ("model", "architecture", "pv_dbow"),
        ("model", "subwords", True),
        ("train", "freeze", "output"),
    ],
)
def test_what_counts_do_not_have_is_refused(objective: Objective, section: str, key: str, value: object) -> None:
    values: dict[str, dict[str, object]] = {"model": {"objective": objective}, "train": {}}
    values[section][key] = value
    with pytest.raises(
        ConfigError, match=rf"{section}\.{key} = .* is not allowed with model\.objective = '{objective}': .*; expected "
    ):
        Config.from_dict(values)


def test_lsa_has_one_vector_a_word() -> None:
    counted = {"objective": "ppmi_svd", "published_rows": "sum"}
    assert Config.from_dict({"model": counted}).model.published_rows is PublishedRows.SUM
    with pytest.raises(ConfigError, match=r"model\.published_rows = 'sum' is not allowed with .* 'lsa'"):
        Config.from_dict({"model": {**counted, "objective": "lsa"}})
