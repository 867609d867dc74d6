# SPDX-License-Identifier: Apache-2.0
"""Compares Caravan with llama.cpp; started by scripts/bench-peers.

`compare` runs both in turn, each in a process of its own that may use only as many CPUs as it has
threads. `llama` is such a process: it measures llama.cpp once and prints one JSON object.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

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


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


# --- llama.cpp, one measurement


class Llama:
    def __init__(self, path, threads, repacks):
        import llama_cpp

        self.api = llama_cpp
        llama_cpp.llama_backend_init()
        quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(quiet, None)
        self.kept = quiet
        model = llama_cpp.llama_model_default_params()
        model.use_extra_bufts = repacks
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), model)
        if not self.model:
            sys.exit(f"llama.cpp cannot load {path}")
        context = llama_cpp.llama_context_default_params()
        # One store for all sequences, with room for the longest run and no more.
        context.n_ctx = max(PROMPT + 8, STREAMS * (GENERATE + 8))
        context.n_batch = context.n_ubatch = PROMPT
        context.n_seq_max = STREAMS
        context.kv_unified = True
        context.n_threads = context.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        self.batch = llama_cpp.llama_batch_init(PROMPT, 0, 1)
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

    def prefill(self):
        self.clear()
        start = time.perf_counter()
        self.step([(0, position, position == PROMPT - 1) for position in range(PROMPT)])
        return PROMPT / (time.perf_counter() - start)

    def decode(self, streams, count):
        self.clear()
        self.step([(stream, 0, True) for stream in range(streams)])
        start = time.perf_counter()
        for position in range(1, count + 1):
            self.step([(stream, position, True) for stream in range(streams)])
        return streams * count / (time.perf_counter() - start)


def resident_bytes():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def measure_llama(arguments):
    before = resident_bytes()
    llama = Llama(arguments.model, arguments.threads, arguments.repack)
    works = arguments.works.split(",")
    llama.decode(1, 8)
    result = {"decode": llama.decode(1, GENERATE)}
    if "streams" in works:
        result["streams"] = llama.decode(STREAMS, GENERATE)
    if "prefill" in works:
        llama.prefill()
        result["prefill"] = llama.prefill()
    # Python itself does not count.
    result["memory"] = resident_bytes() - before
    print(json.dumps(result))


# --- Both in turn


def cpus(count):
    """One hardware thread of each core, as far as there are cores."""
    allowed = sorted(os.sched_getaffinity(0))
    firsts = []
    for cpu in allowed:
        try:
            path = f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
            first = int(open(path).read().replace("-", ",").split(",")[0])
        except OSError:
            first = cpu
        if first == cpu or first not in allowed:
            firsts.append(cpu)
    ordered = firsts + [cpu for cpu in allowed if cpu not in firsts]
    if len(ordered) < count:
        sys.exit(f"bench-peers: {count} threads and only {len(ordered)} CPUs; use --threads")
    return ",".join(str(cpu) for cpu in ordered[:count])


def run(command, threads):
    done = subprocess.run(
        ["taskset", "-c", cpus(threads)] + command, capture_output=True, text=True
    )
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
    """peers: rounds by setting. The peer counts with the setting that serves it best; its memory
    is that of the setting that decodes fastest, since nobody gets both."""
    judged = "decode" if work == "memory" else work
    setting = max(peers, key=lambda key: statistics.median(r[judged] for r in peers[key]))
    ours = [result[work] for result in caravan]
    theirs = [result[work] for result in peers[setting]]
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    return " | ".join(
        [
            f"| {name}: {WORKS[work]}",
            str(threads),
            shown(work, statistics.median(ours)),
            f"{shown(work, statistics.median(theirs))} ({setting})",
            f"**{statistics.median(ratios):.2f}**",
            f"{ratios[0]:.2f} to {ratios[-1]:.2f} |",
        ]
    )


def compare(arguments):
    files = dict(text.split("=", 1) for text in arguments.file)
    large = dict(text.split("=", 1) for text in arguments.large_file)
    files.update(large)
    names = arguments.models.split(",") if arguments.models else list(files)
    unknown = [name for name in names if name not in files]
    if unknown:
        sys.exit(f"bench-peers: no model {unknown[0]}; there are {', '.join(files)}")
    print("| work | threads | Caravan | llama.cpp (better setting) | ratio | spread of ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in names:
        works = ["decode", "memory"] if name in large else list(WORKS)
        for threads in (int(text) for text in arguments.threads.split(",")):
            caravan, peers = [], {"repacked": [], "not repacked": []}
            for number in range(arguments.rounds):
                say(f"{name}, {threads} threads, round {number + 1} of {arguments.rounds}")
                caravan.append(run_caravan(arguments.caravan, files[name], threads, works))
                for setting, results in peers.items():
                    results.append(run_llama(files[name], threads, setting == "repacked", works))
            for work in works:
                print(table_line(name, work, threads, caravan, peers), flush=True)


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
    one.set_defaults(run=measure_llama)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
