# SPDX-License-Identifier: Apache-2.0
"""Compares Caravan with llama.cpp; started by scripts/bench-peers.

`compare` runs both in turn, each in a process of its own that may use only as many CPUs as it has
threads. `llama` is such a process: it measures llama.cpp once and prints one JSON object.
`remote` compares both on two workers; `server` is one of llama.cpp's.
"""

import argparse
import ctypes
import json
import os
import socket
import statistics
import subprocess
import sys
import time

import cluster

PROMPT = 512
GENERATE = 64
STREAMS = 8
# What each run measures; for memory less is better.
WORKS = {
    "decode": "decode, 1 stream",
    "streams": f"decode, {STREAMS} streams",
    "prefill": f"prefill {PROMPT}",
    "memory": "resident memory",
}
# What is wanted of the ratios, by model, work and threads: at least, of memory at most.
WANTED = {
    "SmolLM2 Q4_1": {"decode": {1: 1.3, 2: 1.3}},
    "1B Q4_0": {
        "decode": {1: 1.25, 2: 1.03}, "prefill": {1: 1.8, 2: 1.8}, "streams": {1: 3, 2: 3},
        "memory": {1: 0.65, 2: 0.65},
    },
    "1B Q4_K_M": {"decode": {1: 1.15, 2: 1.0}, "prefill": {1: 1.15, 2: 1.15}},
    "1B Q8_0": {"decode": {1: 1.25, 2: 1.1}, "prefill": {1: 2.0, 2: 2.0}},
    "8B Q4_0": {"decode": {1: 1.2, 2: 1.0}},
}
# On two workers: a long prompt, in parts that suit llama.cpp best (-ub).
REMOTE_PROMPT, REMOTE_PART = 2048, 128
REMOTE_WORKS = {
    "streams": f"decode, {STREAMS} streams",
    "decode": "decode, 1 stream",
    "prefill": f"prefill {REMOTE_PROMPT}",
}
# The least ratio, by type of weights.
REMOTE_WANTED = {
    "Q4_0": {"streams": 6, "decode": 1.8, "prefill": 2.5},
    "Q4_K_M": {"decode": 1.2, "prefill": 1.2},
}


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


# --- llama.cpp, one measurement


class Llama:
    """With `servers`, the layers are computed by these, as far as they can be."""

    def __init__(self, path, threads, repacks=True, prompt=PROMPT, part=PROMPT, servers=()):
        import llama_cpp

        self.api = llama_cpp
        llama_cpp.llama_backend_init()
        quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(quiet, None)
        self.kept = quiet
        model = llama_cpp.llama_model_default_params()
        model.use_extra_bufts = repacks
        self.devices = remote_devices(servers)
        if servers:
            model.n_gpu_layers = 999
            model.devices = ctypes.cast(self.devices, ctypes.c_void_p)
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), model)
        if not self.model:
            sys.exit(f"llama.cpp cannot load {path}")
        context = llama_cpp.llama_context_default_params()
        # One store for all sequences, with room for the longest run and no more.
        context.n_ctx = max(prompt + 8, STREAMS * (GENERATE + 8))
        context.n_batch, context.n_ubatch = prompt, part
        context.n_seq_max = STREAMS
        context.kv_unified = True
        context.n_threads = context.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        self.batch = llama_cpp.llama_batch_init(prompt, 0, 1)
        vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.vocabulary_count = llama_cpp.llama_vocab_n_tokens(vocabulary)

    def step(self, rows):
        """rows: (sequence, position, wants logits)."""
        for index, (sequence, position, wanted) in enumerate(rows):
            self.batch.token[index] = (position * 7919 + sequence * 31) % self.vocabulary_count
            self.batch.pos[index] = position
            self.batch.n_seq_id[index] = 1
            self.batch.seq_id[index][0] = sequence
            self.batch.logits[index] = wanted
        self.batch.n_tokens = len(rows)
        if self.api.llama_decode(self.context, self.batch) != 0:
            sys.exit("llama.cpp could not run a step")

    def clear(self):
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)

    def prefill(self, count):
        self.clear()
        start = time.perf_counter()
        self.step([(0, position, position == count - 1) for position in range(count)])
        return count / (time.perf_counter() - start)

    def decode(self, streams, count):
        self.clear()
        self.step([(stream, 0, True) for stream in range(streams)])
        start = time.perf_counter()
        for position in range(1, count + 1):
            self.step([(stream, position, True) for stream in range(streams)])
        return streams * count / (time.perf_counter() - start)


def ggml(name):
    """One of ggml's libraries as llama_cpp has them."""
    import llama_cpp

    return ctypes.CDLL(os.path.join(os.path.dirname(llama_cpp.__file__), "lib", f"lib{name}.so"))


def remote_devices(addresses):
    """One device for each server, and a null at the end."""
    devices = []
    for address in addresses:
        add = ggml("ggml-rpc").ggml_backend_rpc_add_server
        add.restype, add.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
        get = ggml("ggml-base").ggml_backend_reg_dev_get
        get.restype, get.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t]
        registry = add(address.encode())
        if not registry:
            sys.exit(f"llama.cpp cannot reach its server at {address}")
        devices.append(get(registry, 0))
    return (ctypes.c_void_p * (len(devices) + 1))(*devices, None)


def serve_llama(arguments):
    """A llama.cpp RPC server with one thread; ends by a signal."""
    find = ggml("ggml").ggml_backend_dev_by_type
    find.restype, find.argtypes = ctypes.c_void_p, [ctypes.c_int]
    device = (ctypes.c_void_p * 1)(find(0))
    start = ggml("ggml-rpc").ggml_backend_rpc_start_server
    start.argtypes = [
        ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
    start.restype = None
    start(arguments.address.encode(), None, 1, 1, device)


def resident_bytes():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def measure_llama(arguments):
    before = resident_bytes()
    llama = Llama(
        arguments.model, arguments.threads, arguments.repack, arguments.prompt,
        arguments.part or arguments.prompt, arguments.server)
    works = arguments.works.split(",")
    llama.decode(1, 8)
    result = {"decode": llama.decode(1, GENERATE)}
    if "streams" in works:
        result["streams"] = llama.decode(STREAMS, GENERATE)
    if "prefill" in works:
        llama.prefill(min(PROMPT, arguments.prompt))
        result["prefill"] = llama.prefill(arguments.prompt)
    # Python itself does not count.
    result["memory"] = resident_bytes() - before
    print(json.dumps(result))


# --- Both in turn


def place(count):
    if count > len(os.sched_getaffinity(0)):
        sys.exit(f"bench-peers: {count} threads and fewer CPUs; use --threads")
    return ",".join(str(cpu) for cpu in cluster.cpus(count))


def run(command, threads):
    """On as many CPUs as `threads`, or on all."""
    before = [] if threads is None else ["taskset", "-c", place(threads)]
    done = subprocess.run(before + command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench-peers: {' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def run_caravan(binary, path, threads, works):
    streams = f"1,{STREAMS}" if "streams" in works else "1"
    prompt = PROMPT if "prefill" in works else 8
    report = run(
        [binary, "bench", path, "--threads", str(threads), "--prompt", str(prompt)]
        + ["--generate", str(GENERATE), "--streams", streams, "--repeat", "1", "--json"],
        threads,
    )
    rates = {line["streams"]: line["tokensPerSecond"] for line in report["decode"]}
    return {
        "prefill": report["prefill"]["tokensPerSecond"],
        "decode": rates[1],
        "streams": rates.get(STREAMS),
        "memory": report["residentBytes"],
        "share": report["decode"][0].get("bandwidthShare"),
    }


def run_llama(path, threads, repacks, works):
    flag = ["--repack"] if repacks else []
    script = os.path.abspath(__file__)
    command = [sys.executable, script, "llama", path, "--threads", str(threads)]
    return run(command + ["--works", ",".join(works)] + flag, threads)


def shown(work, value):
    return f"{value / 1e6:.0f} MB" if work == "memory" else f"{value:.1f} tok/s"


def table_line(name, work, threads, caravan, peers):
    """A line, and whether the ratio is as wanted. peers: rounds by setting. The peer counts with
    the setting that serves it best; its memory is that of the setting that decodes fastest, since
    nobody gets both."""
    judged = "decode" if work == "memory" else work
    setting = max(peers, key=lambda key: statistics.median(r[judged] for r in peers[key]))
    ours = [result[work] for result in caravan]
    theirs = [result[work] for result in peers[setting]]
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    ratio = statistics.median(ratios)
    wanted = WANTED.get(name, {}).get(work, {}).get(threads)
    sign = -1 if work == "memory" else 1
    share = "-"
    if work == "decode":
        share = f"{statistics.median(result['share'] or 0 for result in caravan):.0%}"
    line = " | ".join(
        [
            f"| {name}: {WORKS[work]}",
            str(threads),
            shown(work, statistics.median(ours)),
            f"{shown(work, statistics.median(theirs))} ({setting})",
            f"**{ratio:.2f}**",
            f"{ratios[0]:.2f} to {ratios[-1]:.2f}",
            "-" if wanted is None else f"{'at most' if work == 'memory' else 'at least'} {wanted}",
            f"{share} |",
        ]
    )
    return line, wanted is None or sign * ratio >= sign * wanted


def chosen_files(arguments, others={}):
    """Paths by name: those that were asked for, or all."""
    files = dict(text.split("=", 1) for text in arguments.file) | others
    names = arguments.models.split(",") if arguments.models else list(files)
    unknown = [name for name in names if name not in files]
    if unknown:
        sys.exit(f"bench-peers: no model {unknown[0]}; there are {', '.join(files)}")
    return {name: files[name] for name in names}


def compare(arguments):
    large = dict(text.split("=", 1) for text in arguments.large_file)
    files = chosen_files(arguments, large)
    print("| work | threads | Caravan | llama.cpp (better setting) | ratio | spread of ratio "
          "| wanted | of the memory's speed |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    missed = 0
    for name in files:
        works = ["decode", "memory"] if name in large else list(WORKS)
        for threads in (int(text) for text in arguments.threads.split(",")):
            caravan, peers = [], {"repacked": [], "not repacked": []}
            for number in range(arguments.rounds):
                say(f"{name}, {threads} threads, round {number + 1} of {arguments.rounds}")
                caravan.append(run_caravan(arguments.caravan, files[name], threads, works))
                for setting, results in peers.items():
                    results.append(run_llama(files[name], threads, setting == "repacked", works))
            for work in works:
                line, is_met = table_line(name, work, threads, caravan, peers)
                missed += not is_met
                print(line, flush=True)
    leave(missed)


# --- Both on two workers of one thread


def run_caravan_workers(binary, path):
    report = cluster.run_pinned(
        [binary, "bench", path, "--local", "2", "--threads", "1", "--prompt", str(REMOTE_PROMPT)]
        + ["--generate", str(GENERATE), "--streams", f"1,{STREAMS}", "--repeat", "1", "--json"],
        cluster.cpus(2))
    rates = {line["streams"]: line["tokensPerSecond"] for line in report["decode"]}
    return {
        "prefill": report["prefill"]["tokensPerSecond"], "decode": rates[1],
        "streams": rates[STREAMS],
    }


def run_llama_workers(path):
    script = os.path.abspath(__file__)
    servers, addresses = [], []
    try:
        for cpu in cluster.cpus(2):
            with socket.create_server(("127.0.0.1", 0)) as free:
                addresses.append(f"127.0.0.1:{free.getsockname()[1]}")
            servers.append(
                subprocess.Popen(
                    ["taskset", "-c", str(cpu), sys.executable, script, "server", addresses[-1]],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL))
        for address in addresses:
            await_listening(int(address.split(":")[1]))
        command = [sys.executable, script, "llama", path, "--threads", "1"]
        command += ["--prompt", str(REMOTE_PROMPT), "--part", str(REMOTE_PART)]
        command += [word for address in addresses for word in ("--server", address)]
        return run(command, None)
    finally:
        for server in servers:
            server.kill()
            server.wait()


def await_listening(port):
    """Looks at the kernel's table: a connection would count as a client."""
    for _ in range(600):
        with open("/proc/net/tcp") as table:
            if any(f":{port:04X} 00000000:0000 0A" in line for line in table):
                return
        time.sleep(0.1)
    sys.exit(f"bench-peers: no llama.cpp server began to listen on port {port}")


def compare_remote(arguments):
    print("| work, 2 workers of 1 thread | Caravan | llama.cpp, RPC | ratio | spread | wanted |")
    print("| --- | --- | --- | --- | --- | --- |")
    missed = 0
    for name, path in chosen_files(arguments).items():
        ours, theirs = [], []
        for number in range(arguments.rounds):
            say(f"{name}, round {number + 1} of {arguments.rounds}")
            ours.append(run_caravan_workers(arguments.caravan, path))
            theirs.append(run_llama_workers(path))
        for work, wanted in REMOTE_WANTED[name.split()[-1]].items():
            ratios = sorted(a[work] / b[work] for a, b in zip(ours, theirs))
            ratio = statistics.median(ratios)
            missed += ratio < wanted
            print(
                f"| {name}: {REMOTE_WORKS[work]} "
                f"| {shown(work, statistics.median(r[work] for r in ours))} "
                f"| {shown(work, statistics.median(r[work] for r in theirs))} | **{ratio:.2f}** "
                f"| {ratios[0]:.2f} to {ratios[-1]:.2f} | {wanted} |", flush=True)
    leave(missed)


def leave(missed):
    sys.exit(f"bench-peers: {missed} ratios are not as wanted" if missed else 0)


def main():
    parser = argparse.ArgumentParser(prog="bench-peers")
    commands = parser.add_subparsers(required=True)
    both = commands.add_parser("compare")
    both.add_argument("--caravan", required=True)
    both.add_argument("--file", action="append", required=True, metavar="NAME=PATH")
    both.add_argument("--large-file", action="append", default=[], metavar="NAME=PATH")
    both.add_argument("--rounds", type=int, default=5)
    both.add_argument("--threads", default="1,2")
    both.add_argument("--models")
    both.set_defaults(run=compare)
    one = commands.add_parser("llama")
    one.add_argument("model")
    one.add_argument("--threads", type=int, required=True)
    one.add_argument("--repack", action="store_true")
    one.add_argument("--works", default=",".join(WORKS))
    one.add_argument("--prompt", type=int, default=PROMPT)
    one.add_argument("--part", type=int, help="tokens of a prompt in a step (-ub)")
    one.add_argument("--server", action="append", default=[], metavar="HOST:PORT")
    one.set_defaults(run=measure_llama)
    server = commands.add_parser("server")
    server.add_argument("address", metavar="HOST:PORT")
    server.set_defaults(run=serve_llama)
    remote = commands.add_parser("remote")
    remote.add_argument("--caravan", required=True)
    remote.add_argument("--file", action="append", required=True, metavar="NAME=PATH")
    remote.add_argument("--rounds", type=int, default=5)
    remote.add_argument("--models")
    remote.set_defaults(run=compare_remote)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
