#!/usr/bin/env python3
"""Measures generated code against its peers: see README.md beside this file."""
import argparse
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import build
import report
from rows import ROWS


def options():
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measures what training costs, against peers: see bench/README.md.")
    parser.add_argument("pattern", nargs="?", default="", help="only the rows whose name matches, as 'mnist b32$'")
    parser.add_argument("--columns", metavar="PATTERN", default="", help="only the columns whose name matches, as 'native|plain'")
    parser.add_argument("--starts", metavar="N", type=int, help="processes for each number (5)")
    parser.add_argument("--quick", action="store_true", help="3 starts, gcc, and no peers but plain loops")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    parser.add_argument("--compare", metavar="OLD", help="then show new by old, of a file that --json wrote")
    parser.add_argument("--from", metavar="FILE", dest="source", help="show the numbers of a file instead of measuring")
    parser.add_argument("--core", metavar="N", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on (the last)")
    return parser.parse_args()


def measure(row, built, starts, core, peaks):
    """Numbers of a row by column. The columns take turns, so that a machine that slows down slows them all."""
    found = {column.name: {"ns": [], "loss": []} for column, _ in built}
    pinned = ["taskset", "-c", str(core)]
    for _ in range(starts):
        peaks.append(float(build.run(pinned + [build.peak()]).out))
        for column, made in built:
            ns, loss = build.run(pinned + made.command).out.split()[-2:]
            found[column.name]["ns"].append(float(ns))
            found[column.name]["loss"].append(float(loss))
    for column, made in built:
        found[column.name].update(made.facts)
    return found


def disagreements(row, numbers, columns):
    """What is compared has to compute the same: the mean loss of the first steps says so."""
    expected = next(iter(numbers.values()))["loss"][0]
    for column in columns:
        tolerance = column.tolerance(row)
        if tolerance is None or column.name not in numbers:
            continue
        for loss in numbers[column.name]["loss"]:
            if not abs(loss - expected) <= tolerance * max(1.0, abs(expected)):
                yield f"{row.name}: {column.name} has another loss: {loss:.9g} instead of {expected:.9g}"
                break


def run_all(chosen):
    columns = [c for c in build.COLUMNS if re.search(chosen.columns, c.name) and (c.quick or not chosen.quick)]
    skipped = {column.name: why for column in columns if (why := column.missing())}
    columns = [column for column in columns if column.name not in skipped]
    for name, why in skipped.items():
        print(f"bench: SKIPPED {name}: {why}", file=sys.stderr)
    rows = [row for row in ROWS if re.search(chosen.pattern, row.name) and any(column.can(row) for column in columns)]
    if not rows:
        sys.exit("bench: there is no such row and column")
    result = {"processor": report.processor(), "starts": chosen.starts or (3 if chosen.quick else 5), "skipped": skipped, "rows": {}}
    peaks, wrong = [], []
    for row in rows:
        wanted = [column for column in columns if column.can(row)]
        build.start_file(row)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            built = list(zip(wanted, pool.map(lambda column: column.build(row), wanted)))
        numbers = measure(row, built, result["starts"], chosen.core, peaks)
        wrong += disagreements(row, numbers, columns)
        result["peak_gflops"] = max(peaks)
        result["rows"][row.name] = {"multiply_adds": row.multiply_adds, "columns": numbers}
        report.show_row(row.name, result)
    return result, wrong


def read(path):
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"bench: {path}: {error}")


def main():
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    build.choose_openblas_core()
    chosen = options()
    old = read(chosen.compare) if chosen.compare else None
    result, wrong = (read(chosen.source), []) if chosen.source else run_all(chosen)
    report.show_table(result)
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(result, indent=1) + "\n")
    if old:
        report.compare(old, result)
    for sentence in wrong:
        print(f"bench: {sentence}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
