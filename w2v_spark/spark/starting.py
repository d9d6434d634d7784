"""A Spark that starts in a thread, while this one imports what it is to be used for."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Final, Self

import pyspark
from pyspark.sql import SparkSession

from w2v_spark.spark.ending import end_spark
from w2v_spark.spark.java_log import JAVA_LOG
from w2v_spark.spark.session import get_session
from w2v_spark.spark.warm_up import warm_workers

_OF_OTHERS: Final = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_API_MODE")


class StartingSession:
    """A session that is on its way, with its Python workers; a context, at whose end no half of it is left.

    Only where this process is to start Java: a session that is there already, one of ``spark-submit`` and one of Spark
    Connect are taken by `result`, as `get_session` takes them.

    Parameters
    ----------
    threads : int
        See `get_session`.
    is_small : bool
        See `get_session`.

    Notes
    -----
    Java takes some two seconds of one core until it answers, and Spark as many again; the modules of a training take
    one or two of the other.
    """

    def __init__(self, threads: int, is_small: bool = False) -> None:
        self._threads, self._is_small = threads, is_small
        self._pool = ThreadPoolExecutor(1, "w2v-start")
        self._session: Future[SparkSession] | None = None

    def __enter__(self) -> Self:
        if starts_java():
            self._session = self._pool.submit(
                get_session, threads=self._threads, is_small=self._is_small, begun=warm_workers
            )
        return self

    def result(self) -> SparkSession:
        """The session, once it is there.

        Raises
        ------
        Exception
            What `get_session` raises.
        """
        if self._session is None:
            return get_session(threads=self._threads)
        session = self._session.result()
        java: Any = SparkSession._get_j_spark_session_class(session._jvm)
        java.setActiveSession(session._jsparkSession)  # which Java knows by threads
        return session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None and not self._session.done():  # something else has failed meanwhile
            while not wait([self._session], 0.05).done:
                end_spark()  # nothing yet, where Java is still being looked for
            JAVA_LOG.remove()
        self._pool.shutdown()


def starts_java() -> bool:
    """Whether `get_session` would start Java in this process, and no Spark is there yet."""
    return pyspark.SparkContext._gateway is None and not any(name in os.environ for name in _OF_OTHERS)
