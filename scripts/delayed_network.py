# SPDX-License-Identifier: Apache-2.0
"""Hosts with a network of their own between them, on which every packet takes a given time.

Each host is a network namespace with a TUN device; a thread of this process carries the packets
from one to the other. Nothing is lost or limited in rate, and what is sent together arrives
together. Runs in namespaces made by `unshare --user --map-root-user --net`.
"""

import collections
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
# Large, as on loopback, so that carrying the packets takes little of the machine that is measured.
MTU = 65_000
libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def own_namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


class DelayedNetwork:
    """Host 0 is the namespace of the thread that makes this; all have addresses 10.77.0.N."""

    def __init__(self, host_count, seconds):
        self.seconds = seconds
        self.cpu_seconds = 0.0
        self.addresses = [f"10.77.0.{number + 1}" for number in range(host_count)]
        home = own_namespace()
        self.namespaces, self.devices = [], []
        for number, address in enumerate(self.addresses):
            if number > 0 and libc.unshare(CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            self.namespaces.append(own_namespace())
            self.devices.append(self.open_device(address))
        enter(home)
        self.closing, self.closed = os.pipe()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    @staticmethod
    def open_device(address):
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"delayed", IFF_TUN | IFF_NO_PI))
        for words in (
            "link set lo up", f"addr add {address}/24 dev delayed",
            f"link set delayed mtu {MTU} up",
        ):
            subprocess.run(["ip", *words.split()], check=True)
        return device

    def enter(self, host):
        """For a process that is about to begin on `host`."""
        return lambda: enter(self.namespaces[host])

    def carry(self):
        sinks = {bytes(map(int, a.split("."))): d for a, d in zip(self.addresses, self.devices)}
        waiting = collections.deque()
        while True:
            left = max(0, waiting[0][0] - time.monotonic()) if waiting else None
            ready, _, _ = select.select([self.closing, *self.devices], [], [], left)
            if self.closing in ready:
                return
            self.cpu_seconds = time.thread_time()
            for device in ready:
                self.take(device, sinks, waiting)
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, sink, packet = waiting.popleft()
                os.write(sink, packet)

    def take(self, device, sinks, waiting):
        while True:
            try:
                packet = os.read(device, MTU + 64)
            except BlockingIOError:
                return
            # IPv4 to one of the hosts; the kernel also says things that concern nobody here.
            if packet[0] >> 4 == 4 and packet[16:20] in sinks:
                waiting.append((time.monotonic() + self.seconds, sinks[packet[16:20]], packet))

    def close(self):
        os.write(self.closed, b".")
        self.thread.join()
        for descriptor in [self.closing, self.closed, *self.devices, *self.namespaces]:
            os.close(descriptor)
