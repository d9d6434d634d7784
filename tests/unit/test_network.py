"""The network that tests of clusters stand on: hosts see each other alone, at the speed that is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests import network as networks
from tests.network import HUB, Unavailable, network

SENT = 4_000_000  # bytes
SPEED = 100  # Mbit/s
RECEIVE = "import socket, sys; s = socket.create_server((sys.argv[1], 9000)); print(flush=True); c = s.accept()[0]\n"
RECEIVE += "n = 0\nwhile data := c.recv(1 << 20): n += len(data)\nprint(n)"
SEND = "import socket, sys; c = socket.create_connection((sys.argv[1], 9000), 5); c.sendall(bytes(int(sys.argv[2])))"


def test_links_are_as_slow_as_is_said_and_counted() -> None:
    try:
        networks.check()
    except Unavailable as error:
        pytest.skip(str(error))
    with network({"one": SPEED, "other": 0}) as hosts:
        command = hosts.command("one", sys.executable, "-c", RECEIVE, hosts.address("one"))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as receiver:
            assert receiver.stdout is not None
            receiver.stdout.readline()
            begin = time.monotonic()
            sender = hosts.command("other", sys.executable, "-c", SEND, hosts.address("one"), SENT)
            subprocess.run(sender, check=True, timeout=60)
            said, _ = receiver.communicate(timeout=60)
            seconds = time.monotonic() - begin
        assert int(said) == SENT
        assert seconds > 0.8 * 8 * SENT / (SPEED * 1e6)
        assert hosts.traffic()["one"].received > SENT
        assert hosts.traffic()["other"].sent > SENT
        assert hosts.call(os.listdir, "/")  # in a thread of the hub, which changes no other thread's network
        assert hosts.address(HUB) == "10.77.0.1"
        name = hosts.name
    assert (
        name not in subprocess.run([networks._tool("ip"), "netns"], capture_output=True, text=True, check=True).stdout
    )


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "PATH", "/nowhere")
    with pytest.raises(Unavailable, match="there is no ip: install iproute2"), network({}):
        pass
    monkeypatch.undo()
    monkeypatch.setattr(networks.shutil, "which", lambda name, path: name)
    monkeypatch.setattr(networks.os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="need root"), network({}):
        pass
