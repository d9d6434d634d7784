"""How hard Java works on its own code and memory: not for what is over before it pays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

_VARIABLES: Final = ("SPARK_SUBMIT_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
_SETTINGS: Final = ("spark.driver.extraJavaOptions", "spark.driver.defaultJavaOptions")
_OF_COMPILERS: Final = ("Tier", "CompileThreshold", "-Xint", "-Xcomp", "JVMCI", "-XX:Flags", "-server", "-client")
_QUICK_CODE: Final = "-XX:TieredStopAtLevel=1"
_PLAIN_COLLECTOR: Final = "-XX:+UseSerialGC"
# Ten times Java's own: what runs for seconds is still optimised, what has run while Spark started is not.
_LATE_OPTIMISATION: Final = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 -XX:Tier4CompileThreshold=150000 "
    "-XX:Tier4BackEdgeThreshold=400000"
)


def options_of_user(configured: Mapping[str, str]) -> list[str]:
    """Texts with all options for Java that the user has chosen, in settings of Spark and in the environment."""
    return [os.environ.get(name, "") for name in _VARIABLES] + [configured.get(name, "") for name in _SETTINGS]


def economical_options(configured: Mapping[str, str], is_small: bool) -> str:
    """Options that keep Java from optimising its own code while Spark starts, on cores that others wait for.

    Java compiles what runs often, and compiles it again, optimised, what runs very often. While Spark starts the second
    takes as much time as all the rest together, and is for nothing: it pays where the same code runs for seconds.

    Parameters
    ----------
    configured : mapping of str to str
        Settings of Spark.
    is_small : bool
        Whether nothing in Java will run for long, so that it need not optimise at all, nor collect garbage beside the
        program with threads of its own.

    Returns
    -------
    str
        Without those about which the user has options.
    """
    said = options_of_user(configured)
    options = []
    if not any(word in text for text in said for word in _OF_COMPILERS):
        options.append(_QUICK_CODE if is_small else _LATE_OPTIMISATION)
    if is_small and not any("GC" in text for text in said):
        options.append(_PLAIN_COLLECTOR)
    return " ".join(options)
