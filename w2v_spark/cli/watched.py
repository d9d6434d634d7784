"""What all commands that train have in common: events, and an end on a signal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from w2v_spark.run.progress import Progress
from w2v_spark.run.stopping import Stopped


@contextlib.contextmanager
def watched(progress: Progress, command: str, output: str) -> Iterator[None]:
    """Tell those who watch the events when a command begins and how it ends; a signal that ends it ends Spark as well.

    Raises
    ------
    Stopped
        Also where the signal has reached Java first, so that something of Spark has failed.
    """
    from w2v_spark.cli.main import FAILED, INTERRUPTED, describe
    from w2v_spark.spark.ending import end_spark

    begin, emit = time.monotonic(), progress.events.emit
    emit("start", command=command, output=output)
    try:
        yield
        emit("end", seconds=round(time.monotonic() - begin, 3), exit_code=0)
    except KeyboardInterrupt as interruption:
        end_spark()
        text, code = str(interruption) or "interrupted", getattr(interruption, "exit_code", INTERRUPTED)
        emit("error", text=text, exit_code=code)
        raise
    except Exception as error:
        if (number := progress.stopping.requested) is not None:  # the signal has reached Java as well
            end_spark()
            signalled = Stopped(number, "; where a run has begun it is kept, and --resume goes on")
            emit("error", text=str(signalled), exit_code=signalled.exit_code)
            raise signalled from error
        text, code = describe(error) or (f"{type(error).__name__}: {error}", FAILED)
        emit("error", text=text, exit_code=code)
        raise
    finally:
        progress.events.close()
