# SPDX-License-Identifier: Apache-2.0
"""Takes workers away from running streams and holds the streams against an undisturbed run.

Started by scripts/check-recovery: check_recovery.py BINARY MODEL DIRECTORY ROUNDS.
"""

import datetime
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

WORKERS = ["w1", "w2", "w3", "w4"]
# Five ways, and a place in the pipeline that moves on by one each round.
WAYS = ["decode", "prefill", "hang", "decode", "second"]
STREAMS = 16
TOKENS = 96
PREFILL_TOKENS = 24
PREFILL_WORDS = 350
DEAD_SECONDS_MAX = 0.1
HUNG_SECONDS_MAX = 3.5
READY_SECONDS_MAX = 60.0
STREAM_SECONDS_MAX = 120.0
POLL_SECONDS = 0.002
# Longer than the coordinator waits before it looks whether a late worker is worth another plan.
STEADY_SECONDS = 3.5


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def fail(text):
    sys.exit(f"check-recovery: {text}")


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    return [s.getsockname()[1] for s in held]


class Cluster:
    """A coordinator and four workers, with everything they write in one directory."""

    def __init__(self, binary, model, work):
        self.binary, self.model, self.work = binary, model, work
        self.name = os.path.basename(model).removesuffix(".gguf")
        self.api, self.joins = free_ports(2)
        self.workers, self.caches, self.started = {}, {}, 0
        self.log = f"{work}/coordinator.log"
        self.coordinator = self.start(
            "coordinator", "serve", model, "--listen", f"127.0.0.1:{self.api}",
            "--workers-listen", f"127.0.0.1:{self.joins}", "--context", "1024",
            "--slots", str(STREAMS), "--cache", f"{work}/digests",
            "--token-file", f"{work}/token")

    def start(self, log, *arguments):
        out = open(f"{self.work}/{log}.log", "a")
        return subprocess.Popen([self.binary, *arguments], stdin=subprocess.DEVNULL,
                                stdout=out, stderr=out)

    def start_worker(self, name):
        """With an empty cache, so that what it needs has to be shipped."""
        self.started += 1
        cache = f"{self.work}/blobs-{name}-{self.started}"
        # The machine is the same, so it is measured once.
        measured = f"{self.work}/measured"
        if os.path.exists(measured):
            os.mkdir(cache)
            shutil.copy(measured, f"{cache}/speed")
        self.caches[name] = cache
        self.workers[name] = self.start(
            name, "worker", "--join", f"127.0.0.1:{self.joins}", "--name", name, "--memory",
            "1GiB", "--threads", "1", "--cache", cache, "--token-file", f"{self.work}/token")
        if not os.path.exists(measured):
            wait(lambda: os.path.exists(f"{cache}/speed"), "a worker to measure itself")
            shutil.copy(f"{cache}/speed", measured)

    def stop(self):
        for process in [*self.workers.values(), self.coordinator]:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in [*self.workers.values(), self.coordinator]:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def status(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=10)
        try:
            connection.request("GET", "/caravan/status")
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        finally:
            connection.close()

    def wait_until_whole(self):
        """Until all four have joined and no plan is on its way; the workers that serve, in order.

        One on a machine of few cores need not be worth a stage, and is spare then."""
        steady_since, serving = time.monotonic(), []

        def is_whole():
            nonlocal steady_since, serving
            for name, process in [("coordinator", self.coordinator), *self.workers.items()]:
                if process.poll() is not None:
                    fail(f"{name} ended with status {process.returncode}; see {self.work}")
            status = self.status()
            stages = [stage["worker"] for stage in status.get("stages", [])]
            states = {member["name"]: member["role"] for member in status.get("members", [])}
            is_settled = (status.get("state") == "ready" and set(states) == set(WORKERS)
                          and all(states[name] == ("serving" if name in stages else "spare")
                                  for name in WORKERS))
            if not is_settled or stages != serving:
                steady_since, serving = time.monotonic(), stages
            return time.monotonic() - steady_since >= STEADY_SECONDS
        wait(is_whole, "four workers and a steady plan", every=0.1)
        return serving

    def events(self, offset):
        """(time, text) of each line of the coordinator's log from byte `offset` on."""
        with open(self.log, "rb") as file:
            file.seek(offset)
            text = file.read().decode()
        found = []
        for line in text[:text.rfind("\n") + 1].splitlines():
            stamp, level, message = line.split(" ", 2)
            stamp = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00"))
            found.append((stamp.timestamp(), message))
        return found

    def held(self, name):
        """Bytes in a worker's cache, parts of blobs included."""
        return sum(entry.stat().st_size for entry in os.scandir(self.caches[name]))


def wait(condition, what, seconds=READY_SECONDS_MAX, every=POLL_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            fail(f"waited {seconds:.0f} s for {what}")
        time.sleep(every)


class Stream(threading.Thread):
    """One request over server-sent events; what came, and when."""

    def __init__(self, cluster, body):
        super().__init__(daemon=True)
        self.port, self.body = cluster.api, body
        self.tokens, self.times, self.text = [], [], ""
        self.fault = "it did not end"
        self.start()

    def run(self):
        try:
            self.fault = self.read()
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            self.fault = f"broken: {error!r}"

    def read(self):
        """None, or what went wrong."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=STREAM_SECONDS_MAX)
        connection.request("POST", "/v1/completions", json.dumps(self.body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            return f"status {answer.status}: {answer.read()[:200]}"
        reason = None
        for line in answer:
            if not line.startswith(b"data: "):
                continue
            data = line[6:].strip()
            if data == b"[DONE]":
                return None if reason else "no reason for the end"
            event = json.loads(data)
            if "error" in event:
                return f"an error event: {event['error']}"
            for choice in event["choices"]:
                self.take(choice)
                reason = choice["finish_reason"] or reason
        return "the connection ended early"

    def take(self, choice):
        self.text += choice["text"]
        chosen = choice["logprobs"]
        if chosen:
            # The log-probability shows a difference that leaves the token as it is.
            self.tokens += zip(chosen["tokens"], chosen["token_logprobs"])
            self.times += [time.time()] * len(chosen["tokens"])

    def gap_around(self, moment):
        """Seconds from the last token before `moment` to the first after it."""
        before = [t for t in self.times if t <= moment]
        after = [t for t in self.times if t > moment]
        return after[0] - (before[-1] if before else moment) if after else 0.0


def bodies(cluster, number):
    """The requests of prompt set `number`; 0 is for decoding, the others have long prompts."""
    words = "sand water salt camel night star well road merchant silk".split()
    count, tokens = (0, TOKENS) if number == 0 else (PREFILL_WORDS, PREFILL_TOKENS)
    result = []
    for index in range(STREAMS):
        filler = " ".join(words[(index * 7 + number * 3 + i * i) % 10] for i in range(count))
        body = {"model": cluster.name, "prompt": f"{filler} Story {number}.{index}: the caravan",
                "max_tokens": tokens, "ignore_eos": True, "stream": True, "logprobs": 0,
                "temperature": 0 if index < STREAMS // 2 else 1, "seed": index}
        result.append(body)
    return result


def finish(streams):
    for stream in streams:
        stream.join(STREAM_SECONDS_MAX)


class Round:
    """One worker, or two, taken away from the streams; then everyone is back."""

    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        self.way = WAYS[number % 5]
        # One that hangs is killed in the end, or comes back by itself.
        self.resumes = self.way == "hang" and number // 5 % 2 == 1
        # Every prefill has its own prompts, as those of an earlier one may be kept.
        self.prompts = 1 + number // 5 if self.way == "prefill" else 0
        self.faults = []
        self.row = {}

    def signal(self, name, number):
        self.cluster.workers[name].send_signal(number)

    def run(self, expected):
        cluster = self.cluster
        serving = cluster.wait_until_whole()
        self.offset = os.path.getsize(cluster.log)
        self.place = self.number % len(serving)
        self.stage_count = len(serving)
        self.victim = serving[self.place]
        self.victims = [self.victim]
        self.held_before = {name: cluster.held(name) for name in WORKERS}
        streams = [Stream(cluster, body) for body in bodies(cluster, self.prompts)]
        self.await_moment(streams)
        self.moment = time.time()
        self.signal(self.victim, signal.SIGSTOP if self.way == "hang" else signal.SIGKILL)
        self.second_moment = self.take_second() if self.way == "second" else None
        self.survivors = [name for name in WORKERS if name not in self.victims]
        finish(streams)
        self.hold(streams, expected)
        self.read_log(streams)
        self.bring_back()

    def await_moment(self, streams):
        def is_there():
            if any(stream.fault != "it did not end" for stream in streams):
                return True
            if self.way != "prefill":
                return all(len(stream.tokens) > 8 for stream in streams)
            states = [s["state"] for s in self.cluster.status().get("streams", [])]
            return len(states) == STREAMS and "prefill" in states
        wait(is_there, "streams to be under way")
        if self.way == "prefill":
            self.row["way"] = f"prefill ({sum(not s.tokens for s in streams)} without a token)"
            if all(stream.tokens for stream in streams):
                self.faults.append("no stream was in its prefill")

    def take_second(self):
        """Takes a worker out of the plan that the first loss brought, as soon as there is one."""
        def placed():
            texts = [text for _, text in self.cluster.events(self.offset)]
            return [found[1] for text in texts
                    if (found := re.match(r"plan \d+: layers .* on (.*)", text))]
        wait(placed, "a new plan")
        moment = time.time()
        self.victims.append(placed()[0])
        self.signal(self.victims[1], signal.SIGKILL)
        return moment

    def hold(self, streams, expected):
        """Against the undisturbed run."""
        lost = [s for s in streams if s.fault]
        self.faults += [f"a stream was lost: {s.fault}" for s in lost]
        differing = sum(
            sum(a != b for a, b in zip(s.tokens, e.tokens)) + abs(len(s.tokens) - len(e.tokens))
            + (s.text != e.text) for s, e in zip(streams, expected[self.prompts]))
        if differing:
            self.faults.append(f"{differing} tokens differ")
        self.row.update(lost=len(lost), differing=differing)

    def read_log(self, streams):
        events = self.cluster.events(self.offset)

        def first(pattern, since=0.0):
            for moment, text in events:
                if moment >= since - 0.001 and (match := re.search(pattern, text)):
                    return moment, match
            self.faults.append(f"the log does not say '{pattern}'")
            return float("nan"), None

        def last(pattern):
            found = [(m, x) for m, text in events if (x := re.search(pattern, text))]
            if not found:
                self.faults.append(f"the log does not say '{pattern}'")
            return found[-1] if found else (float("nan"), None)

        limit = HUNG_SECONDS_MAX if self.way == "hang" else DEAD_SECONDS_MAX
        noticed, _ = first(f"pipeline is down: worker {self.victim} was lost")
        delays = [max(0.0, noticed - self.moment)]
        if self.second_moment:
            again, _ = first(f"pipeline is down: worker {self.victims[1]} was lost")
            delays.append(max(0.0, again - self.second_moment))
        for delay in delays:
            if not delay <= limit:
                self.faults.append(f"noticed after {delay:.3f} s")
        planned, plan = last(r"^plan (\d+): (\d+) stage")
        ready, shipped = last(r"^plan \d+ is ready.*; (\d+) bytes were shipped")
        on, _ = last(r"go(es)? on .* after the pipeline went down")
        self.row.update(
            noticed=max(delays), planned=planned - self.moment, ready=ready - self.moment,
            stages=plan[2] if plan else "-", on=on - self.moment,
            shipped=int(shipped[1]) if shipped else -1,
            gap=max(s.gap_around(self.moment) for s in streams))
        if plan:
            self.check_shipping(events, plan[1])

    def check_shipping(self, events, epoch):
        """What was shipped for the plan that serves is what its workers did not hold."""
        for name in self.survivors:
            grown = self.cluster.held(name) - self.held_before[name]
            for _, text in events:
                match = re.match(f"worker {name} is ready for plan {epoch}; (\\d+) bytes", text)
                if match and int(match[1]) > grown:
                    self.faults.append(f"{match[1]} bytes were shipped to {name}, which held all "
                                       f"but {grown}")
        total = sum(self.cluster.held(n) - self.held_before[n] for n in self.survivors)
        if self.way != "second" and self.row["shipped"] != total:
            self.faults.append(f"{self.row['shipped']} bytes were shipped for {total}")

    def bring_back(self):
        cluster = self.cluster
        if self.resumes:
            self.signal(self.victim, signal.SIGCONT)
            return
        for name in self.victims:
            self.signal(name, signal.SIGKILL)
            cluster.workers[name].wait()
            shutil.rmtree(cluster.caches[name], ignore_errors=True)
            cluster.start_worker(name)

    def show(self):
        row = self.row
        way = row.get("way", self.way)
        if self.way == "second":
            way = f"decode, then {self.victims[1]}"
        if self.way == "hang":
            way = "hang, comes back" if self.resumes else "hang"
        place = f"{self.place + 1} of {self.stage_count}"
        print(f"{self.number + 1:>5} {self.victim:<6} {place:<6} {way:<28} {row['noticed']:>8.3f} "
              f"{row['planned']:>8.3f} {row['ready']:>8.3f} {row['on']:>8.3f} "
              f"{row['gap']:>8.3f} {row['stages']:>6} {row['shipped']:>11,} "
              f"{row['lost']:>4} {row['differing']:>7}", flush=True)
        for fault in self.faults:
            print(f"      FAILED: {fault}", flush=True)


def main():
    binary, model, work, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    cluster = Cluster(binary, model, work)
    try:
        for name in WORKERS:
            cluster.start_worker(name)
        cluster.wait_until_whole()
        plan = [Round(cluster, number) for number in range(rounds)]
        say("the undisturbed run")
        expected = {}
        for prompts in sorted({r.prompts for r in plan}):
            expected[prompts] = [Stream(cluster, body) for body in bodies(cluster, prompts)]
            finish(expected[prompts])
            for stream in expected[prompts]:
                if stream.fault:
                    fail(f"a stream of the undisturbed run: {stream.fault}")
        print("Seconds from the signal; the pause is the longest that a client saw.")
        print("round worker stage  how                           noticed  planned    ready "
              "going on    pause stages     shipped lost differs")
        for one in plan:
            one.run(expected)
            one.show()
    finally:
        cluster.stop()
    dead = [r.row["noticed"] for r in plan if r.way != "hang"]
    hung = [r.row["noticed"] for r in plan if r.way == "hang"]
    failed = sum(bool(r.faults) for r in plan)
    print(f"{rounds} rounds, {rounds * STREAMS} streams: {sum(r.row['lost'] for r in plan)} lost, "
          f"{sum(r.row['differing'] for r in plan)} tokens differ; noticed within "
          f"{max(dead):.3f} s (dead)" + (f", {max(hung):.3f} s (hung)" if hung else "")
          + f"; {failed} rounds failed")
    sys.exit(1 if failed else 0)


main()
