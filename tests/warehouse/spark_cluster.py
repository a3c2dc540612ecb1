"""A standalone cluster of Spark on loopback: one master and some workers, processes of this test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["QUICK_JAVA", "Cluster", "is_running", "standalone_cluster", "wait_until"]

SECONDS = 60
# Short tests spend their time in Java's compiler and in the check of classes that come with Spark: it
# compiles quickly and checks none.
_JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
QUICK_JAVA = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": _JAVA_OPTIONS,
    "spark.executor.extraJavaOptions": _JAVA_OPTIONS,
    # No pages about a query: writing its plan out takes a quarter of a small one.
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxPlanStringLength": "10",
}


def is_running(pid: int) -> bool:
    """Return whether there is such a process that has not ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def executors_of(worker: int) -> list[int]:
    """Return the executors that a worker has started, and not what else it asks the system."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:  # ended meanwhile
            continue
        if parent == worker and b"CoarseGrainedExecutorBackend" in command:
            found.append(int(folder.name))
    return found


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something that happens in another process."""
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end, f"{what}: not within {SECONDS} s"
        time.sleep(0.05)


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs.

    Attributes:
        url: of the master.
        workers: process ids.
    """

    url: str
    workers: Sequence[int]

    def kill_worker(self, number: int) -> None:
        """Kill a worker and its executors: the worker first, as it would start new ones."""
        executors = executors_of(self.workers[number])
        for pid in (self.workers[number], *executors):
            os.kill(pid, signal.SIGKILL)

    def executors(self) -> list[int]:
        """Return the process ids of all executors."""
        return [pid for worker in self.workers for pid in executors_of(worker)]


@contextmanager
def standalone_cluster(folder: Path, num_workers: int, memory: str = "512m") -> Iterator[Cluster]:
    """Start a cluster whose workers have one core each; end it, whatever happens.

    Args:
        folder: for its logs and what executors write.
        num_workers: how many.
        memory: of the executors on each.
    """
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SPARK_")},
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",  # the web pages, too
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": _JAVA_OPTIONS,
        "SPARK_WORKER_DIR": str(folder / "work"),
    }
    processes: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> Path:
        log = folder / f"{len(processes)}.log"
        command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}"]
        ports = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        with log.open("wb") as stream:
            processes.append(
                subprocess.Popen(
                    [*command, *ports, *arguments],
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                )
            )
        return log

    started: set[int] = set()
    try:
        log = start("master.Master")
        address = re.compile(r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        wait_until(lambda: address.search(log.read_text()) is not None, "master")
        found = address.search(log.read_text())
        assert found is not None
        for _ in range(num_workers):
            start("worker.Worker", "--cores", "1", "--memory", memory, found[1])
        registered = "Registering worker"
        wait_until(lambda: log.read_text().count(registered) == num_workers, "workers")
        cluster = Cluster(found[1], [process.pid for process in processes[1:]])
        yield cluster
        started.update(cluster.executors())
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    wait_until(lambda: not any(map(is_running, started)), "end of the executors")
