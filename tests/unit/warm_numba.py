"""Numba as it is after its first compilation, for processes that are copies of one that has imported this."""

import numba

numba.njit(lambda a: a + 1)(1)
