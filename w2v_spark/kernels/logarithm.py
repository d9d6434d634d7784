"""A natural logarithm of the same bits on every processor; that of a C library may differ in the last one."""

from __future__ import annotations

import math
from typing import Final

from w2v_spark.kernels.jit import inline

_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_ROOT_HALF: Final = 0.7071067811865476
# The polynomial of fdlibm's e_log.c (Sun Microsystems, 1993), in powers of s^2; the error is below a unit in the last
# place.
_P1: Final = 6.666666666666735130e-01
_P2: Final = 3.999999999940941908e-01
_P3: Final = 2.857142874366239149e-01
_P4: Final = 2.222219843214978396e-01
_P5: Final = 1.818357216161805012e-01
_P6: Final = 1.531383769920937332e-01
_P7: Final = 1.479819860511658591e-01


@inline
def log_of(x):
    """The natural logarithm of a finite number above 0, float64."""
    mantissa, exponent = math.frexp(x)
    if mantissa < _ROOT_HALF:
        mantissa, exponent = 2.0 * mantissa, exponent - 1
    k = float(exponent)
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (_P2 + w * (_P4 + w * _P6))
    odd = z * (_P1 + w * (_P3 + w * (_P5 + w * _P7)))
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + (even + odd)) + k * _LN2_LOW)) - f)
