"""Named arrays as a file of the run directory: they come back as they were, and damage is told with the file's name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_spark.errors import StoreError
from w2v_spark.storage import arrays_from_bytes, arrays_to_bytes, damage_naming

ARRAYS = {
    "a": np.arange(3.0),
    "b": np.array(2.5),
    "c": np.frombuffer("größe".encode(), np.uint8),
    "d": np.empty((0, 4)),
}
DATA = arrays_to_bytes(ARRAYS)


def assert_same(arrays):
    assert list(arrays) == list(ARRAYS)
    for name, array in arrays.items():
        assert (array.dtype, array.shape) == (ARRAYS[name].dtype, ARRAYS[name].shape)
        np.testing.assert_array_equal(array, ARRAYS[name])


def test_arrays_come_back_as_they_were():
    assert_same(arrays_from_bytes(DATA, "run/x.npz"))


def test_a_file_that_is_cut_off():
    for length in range(len(DATA)):
        with pytest.raises(StoreError, match=r"^run/x\.npz is damaged: ."):
            arrays_from_bytes(DATA[:length], "run/x.npz")


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_changed_byte_is_told_or_does_not_matter(place, change):
    """Some bytes say nothing, such as times; no other error than ours comes out."""
    data = bytearray(DATA)
    data[place] ^= change
    try:
        arrays = arrays_from_bytes(bytes(data), "run/x.npz")
    except StoreError:
        return
    assert len(arrays) <= len(ARRAYS)
    for array in arrays.values():  # a name may have changed; the content is covered by a checksum
        assert any(array.tobytes() == before.tobytes() for before in ARRAYS.values())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("files"), "run/x.json is damaged: KeyError('files')"),
        (ValueError("the tables differ in length"), "run/x.json is damaged: the tables differ in length"),
        (TypeError("no list"), "run/x.json is damaged: TypeError('no list')"),
        (StoreError("run/y.npy is missing"), "run/y.npy is missing"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_name(error, said):
    with pytest.raises(StoreError) as caught, damage_naming("run/x.json"):
        raise error
    assert str(caught.value) == said
