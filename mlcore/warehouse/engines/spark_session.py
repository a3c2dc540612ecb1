"""Sessions of Spark, of the extra ``[spark]``: the caller's, or our own, whose Java ends with it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from typing import IO, Any

from mlcore.errors import ConfigError, MlcoreError, from_os_error, shorten
from mlcore.memory.available import available_bytes
from mlcore.warehouse.engines.options import SparkOptions
from mlcore.warehouse.engines.spark_errors import quiet_errors, reason_of
from mlcore.warehouse.engines.spark_install import check_java, check_packages, quiet_pandas

__all__ = ["OwnSession", "take_session"]

_LEAST_MEMORY = 2**30
_SECONDS_TO_END = 20
_LOG_TAIL = 2**16
_TASKS_PER_CORE = 4
_FAULT = re.compile(r"(?: ERROR \w+: |^Exception in thread \S+ )(.+)", re.MULTILINE)

# Of every session, even the caller's, so that queries mean the same everywhere.
_SEMANTICS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
}
_QUIET = {
    "spark.app.name": "mlcore",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


class OwnSession:
    """A session that we started, with its context and its Java process.

    Raises:
        MlcoreError: Spark or Java is not installed, or does not start.
    """

    def __init__(self, options: SparkOptions) -> None:
        from pyspark import SparkContext

        self._context_class = SparkContext
        self._options = options
        self._sigint = signal.getsignal(signal.SIGINT)
        self._log = _open_log(options.log)
        self._warehouse = tempfile.TemporaryDirectory(prefix="mlcore-")
        self._gateway: Any = None
        self._context: Any = None
        self.session: Any = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        import py4j.protocol
        from pyspark import SparkConf
        from pyspark.errors import PySparkException
        from pyspark.java_gateway import launch_gateway
        from pyspark.sql import SparkSession

        given = SparkConf(loadDefaults=False).setAll(list(self._settings().items()))
        try:
            if self._context_class._gateway is None:
                with quiet_pandas():
                    import pyspark.testing  # noqa: F401  # which py4j asks for
                streams = {"stdout": self._log, "stderr": subprocess.STDOUT}
                self._gateway = launch_gateway(given, streams)
            gateway = self._gateway or self._context_class._gateway
            # With the defaults of conf/spark-defaults.conf.
            conf = SparkConf(True, _jvm=gateway.jvm).setAll(given.getAll())
            conf.setIfMissing("spark.sql.warehouse.dir", self._warehouse.name)
            # No limit, as a result would be lost when the work is done.
            conf.setIfMissing("spark.driver.maxResultSize", "0")
            # Workers run what this process runs, unless somebody says otherwise.
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            self._context = self._context_class(conf=conf, gateway=gateway)
            self.session = SparkSession(self._context)
            if self.is_local and not conf.contains("spark.sql.shuffle.partitions"):
                # The default of 200 is for clusters; here each more only takes time.
                tasks = _TASKS_PER_CORE * self._context.defaultParallelism
                self.session.conf.set("spark.sql.shuffle.partitions", tasks)
        except (PySparkException, py4j.protocol.Py4JError, OSError) as error:
            raise MlcoreError(
                f"spark: expected a session on {self._options.master}, "
                f"got {shorten(self._fault() or reason_of(error) or str(error), 200)}"
            ) from None
        finally:
            # Spark sets a handler of its own, which would outlive it.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, self._sigint)

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, in one process."""
        return self._options.master.startswith("local")

    @property
    def forgets_tables(self) -> bool:
        """Whether the tables that it stores are gone when it ends."""
        is_ours = self.session.conf.get("spark.sql.warehouse.dir").endswith(self._warehouse.name)
        settings = self._context.getConf().getAll()
        return is_ours and not any(name.startswith("spark.sql.catalog") for name, _ in settings)

    def exit_code(self, seconds: float = 0) -> int | None:
        """Return the exit code of Java, or None if it still runs.

        Args:
            seconds: to wait for the end: a process that was killed closes its connections first.
        """
        process = getattr(self._gateway, "proc", None)
        if process is None:
            return None
        try:
            return int(process.wait(seconds))
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """Cancel what runs, and end Java."""
        try:
            # stop() would warn that Java is gone.
            if self._context is not None and self.exit_code() is None:
                self._context.stop()
        finally:
            if self._gateway is not None:
                _end(self._gateway)
                self._context_class._gateway = self._context_class._jvm = None
                self._forget()
            self._log.close()
            self._warehouse.cleanup()

    def _forget(self) -> None:
        from pyspark.sql import SparkSession

        # stop() does it, unless it fails; then the next session would use a dead one.
        self._context_class._active_spark_context = None
        SparkSession._instantiatedSession = SparkSession._activeSession = None

    def _settings(self) -> dict[str, str]:
        settings = {**_QUIET, "spark.master": self._options.master}
        if self.is_local:
            # Opens no port to the network, and looks up no name of this machine.
            settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
            half = max((available_bytes() or 0) // 2, _LEAST_MEMORY)
            settings["spark.driver.memory"] = f"{half >> 20}m"
        return {**settings, **self._options.conf, **_SEMANTICS}

    def _fault(self) -> str | None:
        """Return the reason in the log why there is no session, or None."""
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _LOG_TAIL))
        text = self._log.read().decode(errors="replace")
        found = _FAULT.search(text)
        if found is not None:
            return found[1]
        # Java that does not start at all says so in a few lines.
        return None if self._gateway is not None else "; ".join(text.split("\n")).strip("; ")


def take_session(options: SparkOptions) -> tuple[Any, OwnSession | None]:
    """Return a session beside the one that the process has, or a new one, which we must close.

    Raises:
        MlcoreError: Spark or Java is not installed, or does not start.
        ConfigError: a session cannot have a setting of the options.
    """
    check_packages()
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is None:
        check_java()
        own = OwnSession(options)
        return own.session, own
    session = SparkSession.builder.getOrCreate().newSession()
    of_sql = {name: one for name, one in options.conf.items() if name.startswith("spark.sql.")}
    for name, value in {**of_sql, **_SEMANTICS}.items():
        try:
            with quiet_errors():
                session.conf.set(name, value)
        except PySparkException as error:
            reason = shorten(reason_of(error) or str(error), 200)
            raise ConfigError(f"{name}: expected a setting of a session, got {reason}") from None
    return session, None


def _open_log(path: str | None) -> IO[bytes]:
    # Not a pipe: nobody reads it while Spark runs, and a full pipe would stop Spark.
    if path is None:
        return tempfile.TemporaryFile()
    try:
        return open(path, "ab+")
    except OSError as error:
        raise from_os_error(error, path, "a writable file for the log of Spark") from error


def _end(gateway: Any) -> None:
    gateway.shutdown()
    if gateway.proc is None:  # spark-submit started Java, and waits for us
        return
    gateway.proc.stdin.close()  # at which Java ends
    try:
        gateway.proc.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()
