# SPDX-License-Identifier: Apache-2.0
"""A coordinator with its workers, as processes of this machine, and requests to it over HTTP; for
the scripts that measure them."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

READY_SECONDS_MAX = 180.0
STOP_SECONDS_MAX = 10.0
ANSWER_SECONDS_MAX = 600.0


def fail(text):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {text}")


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    return [s.getsockname()[1] for s in held]


def cpus(count):
    """A CPU for each of `count` workers: one of each core, then the other hardware threads, then
    the same again where there are too few."""
    allowed = sorted(os.sched_getaffinity(0))
    cores = {}
    for cpu in allowed:
        cores.setdefault(core(cpu), []).append(cpu)
    places = [(place, cpu) for siblings in cores.values() for place, cpu in enumerate(siblings)]
    ordered = [cpu for _, cpu in sorted(places)]
    return [ordered[number % len(ordered)] for number in range(count)]


def core(cpu):
    """What a CPU shares with the other hardware threads of its core."""
    try:
        with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") as file:
            return file.read()
    except OSError:
        return cpu


def run_pinned(command, places):
    """What `command` prints as JSON, while each of its child processes, with all its threads, is
    kept on one of the CPUs `places`."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True)
    stopped = threading.Event()
    pinning = threading.Thread(target=pin_children, args=(process, places, stopped))
    pinning.start()
    try:
        output, errors = process.communicate()
    finally:
        stopped.set()
        pinning.join()
    if process.returncode != 0:
        fail(f"{' '.join(command)} failed: {errors.strip()[-500:]}")
    return json.loads(output)


def pin_children(process, places, stopped):
    begun = time.monotonic()
    # Less often once all have started: what this costs is taken from the first of the CPUs.
    while not stopped.wait(0.05 if time.monotonic() - begun < 5 else 1):
        try:
            folder = f"/proc/{process.pid}/task"
            lists = [open(f"{folder}/{task}/children").read() for task in os.listdir(folder)]
            children = sorted(int(child) for text in lists for child in text.split())
            for child, cpu in zip(children, places):
                for thread in os.listdir(f"/proc/{child}/task"):
                    os.sched_setaffinity(int(thread), {cpu})
        except OSError:
            # Something ended meanwhile.
            continue


def percentile(values, share):
    """The smallest that at least `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered), max(1, -int(-share * len(ordered) // 1))) - 1]


class Place:
    """Where a process runs: the address that others reach it at, and what it does before it
    begins."""

    def __init__(self, host="127.0.0.1", enter=lambda: None):
        self.host = host
        self.enter = enter


class Cluster:
    """`places` are the coordinator's and one for each worker. Each worker has one thread, on a CPU
    of its own."""

    def __init__(self, binary, model, work, serve=(), places=None, memory="2GiB"):
        places = places or [Place() for _ in range(3)]
        self.model = os.path.basename(model).removesuffix(".gguf")
        self.port, joins = free_ports(2)
        token = f"{work}/token"
        if not os.path.exists(token):
            text = subprocess.run([binary, "token", "new"], capture_output=True, check=True).stdout
            with open(os.open(token, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
                file.write(text)
        join = f"{places[0].host}:{joins}"
        self.processes, self.logs = [], []
        # So that its processes end with a script that is told to.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        try:
            self.start(
                f"{work}/coordinator.log", places[0], None,
                [binary, "serve", model, "--listen", f"127.0.0.1:{self.port}"]
                + ["--workers-listen", join, "--token-file", token, *serve])
            for number, (place, cpu) in enumerate(zip(places[1:], cpus(len(places) - 1)), 1):
                self.start(
                    f"{work}/worker-{number}.log", place, cpu,
                    [binary, "worker", "--join", join, "--name", f"w{number}", "--memory", memory]
                    + ["--threads", "1", "--token-file", token, "--model", model])
            self.await_ready()
        except BaseException:
            self.stop()
            raise

    def start(self, log, place, cpu, command):
        def prepare():
            place.enter()
            # Not with the real-time priority that a script may have given itself.
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})

        self.logs.append(log)
        with open(log, "w") as file:
            self.processes.append(subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=prepare))

    @property
    def workers(self):
        return self.processes[1:]

    def await_ready(self):
        end = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < end:
            for process, log in zip(self.processes, self.logs):
                if process.poll() is not None:
                    fail(f"{' '.join(process.args[:2])} ended early: {open(log).read()[-500:]}")
            try:
                status = self.status()
                if status["state"] == "ready" and len(status["stages"]) == len(self.workers):
                    return
            except OSError:
                pass
            time.sleep(0.05)
        fail("the cluster never became ready")

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS_MAX)

    def status(self):
        connection = self.connect()
        connection.request("GET", "/caravan/status")
        status = json.load(connection.getresponse())
        connection.close()
        return status

    def stream(self, prompt, count, patience=ANSWER_SECONDS_MAX, **fields):
        """A completion as it comes: (time, event) for each, which is one a token.

        Closing the generator closes the connection, as a client that leaves does; so does the end
        of `patience`, in seconds."""
        body = {"model": self.model, "prompt": prompt, "max_tokens": count, "temperature": 0}
        body |= {"stream": True, "ignore_eos": True, "logprobs": 0}
        connection = self.connect()
        end = time.monotonic() + patience
        try:
            connection.request(
                "POST", "/v1/completions", json.dumps(body | fields),
                {"Content-Type": "application/json"})
            stream = connection.sock
            stream.settimeout(patience)
            answer = connection.getresponse()
            if answer.status != 200:
                fail(f"the answer was {answer.status}: {answer.read()[:300]}")
            while line := answer.readline():
                stream.settimeout(max(0.001, end - time.monotonic()))
                if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                    continue
                now = time.monotonic()
                event = json.loads(line[6:])
                if "error" in event:
                    fail(f"a stream ended with {event['error']}")
                if event["choices"] and event["choices"][0].get("logprobs"):
                    yield now, event
        except TimeoutError:
            if patience == ANSWER_SECONDS_MAX:
                raise
        finally:
            connection.close()
