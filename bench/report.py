"""Tables of what was measured."""
import re
from pathlib import Path
from statistics import median


def processor():
    try:
        return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        return "unknown"


def at_peak(row, result):
    """Nanoseconds for the multiply-adds of one example."""
    return 2 * row["multiply_adds"] / result["peak_gflops"]


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def ratio(value):
    return f"{value:.2f}" if value < 10 else number(value)


def show_row(name, result):
    row = result["rows"][name]
    best, plain = at_peak(row, result), row["columns"].get("plain")
    print(f"\n{name}: {row['multiply_adds']:,} multiply-adds, {number(best)} ns at the peak of {result['peak_gflops']:.0f} GFLOP/s")
    print(f"  {'':16}{'min ns':>12}{'median ns':>12}{'of peak':>9}{'to plain':>10}{'nnc s':>8}{'cc s':>8}{'code bytes':>12}")
    for column, found in row["columns"].items():
        least = min(found["ns"])
        line = f"  {column:16}{number(least):>12}{number(median(found['ns'])):>12}{best / least:9.0%}"
        line += f"{ratio(least / min(plain['ns'])):>10}" if plain else f"{'':10}"
        if "cc_seconds" in found:
            line += f"{found['nnc_seconds']:8.2f}{found['cc_seconds']:8.2f}{found['code_bytes']:12,}"
        print(line.rstrip(), flush=True)


def show_table(result):
    """A line for each row: of this compiler's columns the better of gcc and clang; of the others also by how much they are slower
    than native."""
    names = dict.fromkeys(column for row in result["rows"].values() for column in row["columns"])
    modes = dict.fromkeys(name.split()[0] for name in names)
    peers = [mode for mode in modes if mode in names]
    print(f"\nNanoseconds for one example, the least of {result['starts']} starts; in parentheses by native's.\n")
    print("| row | at peak | " + " | ".join(mode + (" | of peak" if mode == "native" else "") for mode in modes) + " |")
    print("| --- " * (2 + len(modes) + ("native" in modes)) + "|")
    for name, row in result["rows"].items():
        least = {}
        for column, found in row["columns"].items():
            mode = column.split()[0]
            least[mode] = min(least.get(mode, float("inf")), *found["ns"])
        best = at_peak(row, result)
        cells = [name, number(best)]
        for mode in modes:
            cell = number(least[mode]) if mode in least else "–"
            if mode in least and mode in peers and "native" in least:
                cell += f" ({ratio(least[mode] / least['native'])})"
            cells.append(cell)
            if mode == "native":
                cells.append(f"{best / least[mode]:.0%}" if mode in least else "–")
        print("| " + " | ".join(cells) + " |")
    print(f"\n{result['processor']}, one core, peak {result['peak_gflops']:.1f} GFLOP/s in this run")
    for name, why in result["skipped"].items():
        print(f"not measured: {name}, {why}")


def compare(old, new):
    """New by old, least by least: below 1 it became faster."""
    print(f"\nNew by old: below 1 is faster. Peak {new['peak_gflops'] / old['peak_gflops']:.2f}\n")
    names = list(dict.fromkeys(column for row in new["rows"].values() for column in row["columns"]))
    print(f"{'':16}" + "".join(f"{name:>15}" for name in names))
    for name, row in new["rows"].items():
        before = old["rows"].get(name, {"columns": {}})["columns"]
        ratios = [
            f"{min(row['columns'][c]['ns']) / min(before[c]['ns']):15.2f}" if c in before and c in row["columns"] else f"{'–':>15}"
            for c in names
        ]
        print(f"{name:16}" + "".join(ratios))
