"""Hosts of their own on one machine: network namespaces of Linux, joined by a switch, each behind a link of some speed.

Needs root and iproute2 (``ip`` and ``tc``). Namespaces have names with the number of this process, live as long as
`network`'s block, and change nothing of the machine's own network. Those of a process that was killed meanwhile are
removed by the next one.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

HUB: Final = "hub"
"""The host that has the switch, as fast as the machine is."""
PREFIX: Final = "10.77.0"  # of addresses that nobody outside the namespaces sees
OWN: Final = "w2v"
"""What the names of namespaces begin with; a process's number follows."""
TOOLS: Final = ("ip", "tc")
PATH: Final = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])  # not in every user's

_CLONE_NEWNET: Final = 0x40000000
_numbers = itertools.count()

Result = TypeVar("Result")


class Unavailable(Exception):
    """The machine cannot have such a network; says why."""


class Traffic(NamedTuple):
    """Bytes that a host has received and sent, headers and what was sent again included."""

    received: int
    sent: int


@dataclass
class Network:
    """A switch and hosts.

    Attributes
    ----------
    name : str
        What the names of all namespaces begin with.
    links : dict of str to int
        Mbit/s of the link of each host, in both directions; 0 for one that is as fast as the machine.
    """

    name: str
    links: Mapping[str, int]
    _made: list[str] = field(default_factory=list)
    _inside: ThreadPoolExecutor | None = None

    def address(self, host: str) -> str:
        """Of a host, or of the hub."""
        return f"{PREFIX}.{1 + [HUB, *self.links].index(host)}"

    def command(self, host: str, *words: object) -> list[str]:
        """What runs a command on a host; the process is that of the command."""
        return [_tool("ip"), "netns", "exec", self._namespace(host), *map(str, words)]

    def call(self, function: Callable[..., Result], *args: Any) -> Result:
        """Call a function on the hub, in a thread that has its network."""
        assert self._inside is not None
        return self._inside.submit(function, *args).result()

    def traffic(self) -> dict[str, Traffic]:
        """What has passed each host's link since the start, as the switch has seen it."""
        told = _run("ip", "-n", self._namespace(HUB), "-s", "-j", "link", "show", "type", "veth")
        ports = {link["ifname"]: link["stats64"] for link in json.loads(told)}
        return {host: Traffic(ports[host]["tx"]["bytes"], ports[host]["rx"]["bytes"]) for host in self.links}

    def make(self) -> None:
        """Make all of it. Raises `subprocess.CalledProcessError`; what was made until then is for `remove`."""
        hub = self._add(HUB)
        _run("ip", "-n", hub, "link", "add", "name", "switch", "type", "bridge")
        _run("ip", "-n", hub, "address", "add", f"{self.address(HUB)}/24", "dev", "switch")
        _run("ip", "-n", hub, "link", "set", "switch", "up")
        for host, speed in self.links.items():
            space = self._add(host)
            _run("ip", "-n", hub, "link", "add", "name", host, "type", "veth", "peer", "name", "eth0", "netns", space)
            _run("ip", "-n", hub, "link", "set", "dev", host, "master", "switch", "up")
            _run("ip", "-n", space, "address", "add", f"{self.address(host)}/24", "dev", "eth0")
            _run("ip", "-n", space, "link", "set", "eth0", "up")
            for place, device in ((hub, host), (space, "eth0")) if speed else ():
                _run("tc", "-n", place, "qdisc", "add", "dev", device, "root", *_shape(speed))
        self._inside = ThreadPoolExecutor(1, "hub", lambda: _enter(hub))

    def remove(self) -> None:
        """Remove what was made; links go with the namespaces, once their last processes have ended."""
        if self._inside is not None:
            self._inside.shutdown()
        while self._made:
            _run("ip", "netns", "delete", self._made.pop())

    def _add(self, host: str) -> str:
        name = self._namespace(host)
        _run("ip", "netns", "add", name)
        self._made.append(name)
        _run("ip", "-n", name, "link", "set", "lo", "up")
        return name

    def _namespace(self, host: str) -> str:
        return f"{self.name}-{host}"


@contextlib.contextmanager
def network(links: Mapping[str, int]) -> Iterator[Network]:
    """A network, removed whatever happens. Whoever starts processes in it ends them before.

    Raises
    ------
    Unavailable
        The machine, its kernel or who runs this cannot have one.
    """
    check()
    made = Network(f"{OWN}-{os.getpid()}-{next(_numbers)}", links)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def check() -> None:
    """Make one link, shape it and remove it, so that what fails afterwards is a fault. Raises `Unavailable`."""
    if missing := [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]:
        raise Unavailable(f"there is no {missing[0]}: install iproute2")
    if os.geteuid() != 0:
        raise Unavailable("network namespaces need root")
    _remove_abandoned()
    tried = Network(f"{OWN}-{os.getpid()}-{next(_numbers)}", {"one": 100})
    try:
        tried.make()
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{' '.join(error.cmd)}: {error.stderr.strip()}") from error
    finally:
        tried.remove()


def _remove_abandoned() -> None:
    """Remove the namespaces of a process that was killed before it could."""
    for space in json.loads(_run("ip", "-j", "netns", "list") or "[]"):
        own, _, rest = space["name"].partition("-")
        process = rest.partition("-")[0]
        if own == OWN and process.isdigit() and not Path("/proc", process).exists():
            with contextlib.suppress(subprocess.CalledProcessError):  # somebody else was faster
                _run("ip", "netns", "delete", space["name"])


def _shape(speed: int) -> list[str]:
    """A token bucket of so many Mbit/s; it fills for 4 ms, the longest that the kernel's clock takes to a tick."""
    burst = max(speed * 125 * 4, 1 << 17)
    return ["tbf", "rate", f"{speed}mbit", "burst", str(burst), "latency", "100ms"]


def _enter(namespace: str) -> None:
    """Let this thread, and no other, have the network of a namespace."""
    handle = os.open(Path("/run/netns", namespace), os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns to {namespace}")
    finally:
        os.close(handle)


def _tool(name: str) -> str:
    return shutil.which(name, path=PATH) or name


def _run(tool: str, *words: str) -> str:
    done = subprocess.run([_tool(tool), *words], capture_output=True, text=True, check=True)
    return done.stdout
