#!/usr/bin/env python3
"""Mutation testing of the compiler: see README.md beside this file."""
import difflib
import hashlib
import json
import os
import random
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutate import mutations

PROJECT = Path(__file__).resolve().parents[2]
PLACE = PROJECT / "build" / "mutants"
SOURCE, BUILD, CACHE = PLACE / "source", PLACE / "build", PLACE / "cache"
STATE, CHANGED = PLACE / "results.jsonl", PLACE / "changed.json"  # what is known; the file that is changed now, as it was
EXPECTED = PLACE / "expected.json"  # the C of all models, without a mutant
SEED, WANTED = 1, 300

# Files of compiler/ by group; a mutant is drawn from each group in turn, from one of its files.
GROUPS = {
    "derivatives": "tensor/ops.def tensor/differentiate.c tensor/gather.c tensor/scan.c tensor/normalize.c",
    "rewriting": "tensor/rules.def tensor/rules.c tensor/rewrite.c tensor/algebra.c tensor/sums.c tensor/reductions.c tensor/stabilize.c "
    "tensor/exponentials.c tensor/choices.c tensor/expression.c tensor/inline.c tensor/share.c tensor/keep.c tensor/plan.c tensor/simplify.c",
    "indices": "tensor/affine.c tensor/rows.c loop/digits.c loop/split.c loop/borders.c loop/unroll.c loop/rings.c loop/place.c "
    "loop/group.c loop/fuse.c loop/scans.c",
    "emitters": "c_text/expression.c c_text/statements.c c_text/program.c c_text/structs.c c_text/names.c c_text/wrap.c loop_to_c.c "
    "tensor_to_loop.c loop/lower.c loop/rows.c loop/reduce.c",
}

# The tests, from the quickest to the slowest: (stage, seconds of processor time for each process, tests). A test is a name
# of ctest, with arguments if its program takes some; a pattern stands for all files of a folder. MODELS is no test of ctest:
# all models that the tests have must compile, and where every one gives the same C, byte for byte, as without the mutant, tests
# that look at nothing but what C computes could only pass.
MODELS, DIFFERENT = "models", "models that differ"
STAGES = [
    ("golden", 10, ["golden.*"]),
    ("short", 20, ["unit.derive", "unit.ops", "unit.stable", "unit.evaluate", "unit.program", "docs.compiler/README.md"]),
    ("models", 10, [MODELS]),
    ("algebra and facts", 60, ["unit.algebra", "unit.facts"]),
    ("different models", 60, [DIFFERENT]),
    ("gradients", 80, ["unit.gradients"]),
]
SLOW_STAGES = [
    ("wrong", 10, ["wrong.*"]),
    ("command line", 60, ["cli.dump", "cli.limits", "cli.compile", "cli.compile_names", "cli.warnings", "cli.files", "cli.sizes",
                          "cli.metrics",
                          "docs.README.md", "docs.examples/01_step_by_step/README.md", "docs.examples/07_lenet/README.md"]),
    ("random models", 60, [f"unit.random_models {first} 20 0" for first in (41, 61)]),
]  # fmt: skip
LOOK_AT_MORE = {"unit.algebra", "wrong.*", "cli.dump", "cli.limits", "cli.warnings", "docs.README.md"}
RANDOM_MODELS = 40
MOST_OF_A_KIND = 5  # of the models that differ
OPTIONS = (["--gradients"], ["--math=fast", "--unroll=none"])
WALL = 12  # so much longer than its processor time a test may take: the machine may be busy


# ---- The copy that is mutated


def run(command, folder, seconds=600, **options):
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=seconds, **options)


COPIED = ("CMakeLists.txt", "compiler", "runtime", "grammar", "examples", "tests", "README.md", "LICENSE")


def copy_sources():
    """Only what differs is written, so that a build has to do no more."""
    there = [PROJECT / name for name in COPIED]
    there += [path for folder in there if folder.is_dir() for path in folder.rglob("*")]
    wanted = {path.relative_to(PROJECT) for path in there if path.is_file() and "__pycache__" not in path.parts}
    for path in wanted:
        copy = SOURCE / path
        if not copy.exists() or copy.read_bytes() != (PROJECT / path).read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / path, copy)
            shutil.copymode(PROJECT / path, copy)
    for copy in [path for path in SOURCE.rglob("*") if path.is_file() and path.relative_to(SOURCE) not in wanted]:
        copy.unlink()


def build():
    """With the checks after every step, and without what slows down the build."""
    options = ["-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O1", "-DNNC_CHECK=ON", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
    run(["cmake", "-S", SOURCE, "-B", BUILD, *options], PLACE)
    run(["cmake", "--build", BUILD, "--parallel", "1"], PLACE, seconds=3600)
    (BUILD / "prepared").touch()


def change_back():
    """Also after an interruption: what a mutant was made of is as it was."""
    if CHANGED.exists():
        path, text = json.loads(CHANGED.read_text())
        (SOURCE / path).write_text(text)
        CHANGED.unlink()
        return path
    return None


def commands():
    """For each file the command that compiles it, and what it makes."""
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        command = shlex.split(entry["command"])
        found[str(Path(entry["file"]).relative_to(SOURCE)) if entry["file"].startswith(str(SOURCE)) else entry["file"]] = (
            command + ["-Werror=int-conversion", "-Werror=incompatible-pointer-types", "-Werror=implicit-function-declaration"],
            BUILD / command[command.index("-o") + 1],
        )
    return found


def compiled_with(path, all_commands):
    """A .c file, or the files that include a .def file: expression.h needs only the names in it, which no mutant touches."""
    if path.endswith(".c"):
        return [path]
    include = f'#include "{path.removeprefix("compiler/")}"'
    return [file for file in all_commands if file.endswith(".c") and not file.startswith("/") and include in (SOURCE / file).read_text()]


# ---- Mutants


class Mutant:
    def __init__(self, number, group, path, text, change):
        self.number, self.group, self.path = number, group, path
        begin, end, replacement, self.kind = change
        self.text = text[:begin] + replacement + text[end:]
        self.line = text.count("\n", 0, begin) + 1
        changed = difflib.unified_diff(text.splitlines(), self.text.splitlines(), lineterm="", n=0)
        self.diff = "\n".join(line for line in changed if not line.startswith(("---", "+++", "@@")))
        self.id = hashlib.sha1(f"{path}\n{self.text}".encode()).hexdigest()[:12]


def all_mutants():
    """Every mutant there is, in an order that chance gave: the groups in turn, in a group a file, in a file a change."""
    chance = random.Random(SEED)
    texts, changes = {}, {}
    for group, files in GROUPS.items():
        for file in files.split():
            path = f"compiler/{file}"
            texts[path] = (SOURCE / path).read_text()
            changes[path] = mutations(path, texts[path])
            chance.shuffle(changes[path])
    number = 0
    while any(changes.values()):
        for group, files in GROUPS.items():
            paths = [f"compiler/{file}" for file in files.split() if changes[f"compiler/{file}"]]
            if paths:
                number += 1
                path = chance.choice(paths)
                yield Mutant(number, group, path, texts[path], changes[path].pop())


# ---- Judging


def limits(seconds):
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200 << 20, 200 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def passes(command, folder, seconds):
    environment = dict(os.environ, NNC=str(BUILD / "nnc"), SOURCE=str(SOURCE), XDG_CACHE_HOME=str(CACHE), BLESS="")
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=lambda: limits(seconds))  # fmt: skip
    try:
        return process.wait(timeout=seconds * WALL) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)  # what it started and left
        except ProcessLookupError:
            pass
        process.wait()


class Bench:
    """Where mutants are built and tested; programs are linked when a test first needs them."""

    def __init__(self):
        self.commands = commands()
        self.linked = set()
        self.originals = {}
        self.same, self.differ = False, []
        self.expected = {tuple(key): value for key, value in json.loads(EXPECTED.read_text())} if EXPECTED.exists() else {}
        archive = shlex.split((BUILD / "CMakeFiles/nnc_core.dir/link.txt").read_text().splitlines()[0])
        self.objects = [word for word in archive if word.endswith(".o")]

    def compile(self, path):
        """The objects of a file as it is, or None where it does not compile."""
        objects = {}
        for file in compiled_with(path, self.commands):
            command, made = self.commands[file]
            if subprocess.run(command, cwd=BUILD, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300).returncode != 0:
                return None
            objects[made] = made.read_bytes()
        return objects

    def originals_of(self, path):
        if path not in self.originals:
            self.originals[path] = self.compile(path)
        return self.originals[path]

    def restore(self, path):
        for made, content in self.originals_of(path).items():
            made.write_bytes(content)
        self.linked = set()

    def link(self, target):
        if target not in self.linked:
            command = shlex.split((BUILD / f"CMakeFiles/{target}.dir/link.txt").read_text())
            at = command.index("libnnc_core.a")
            run(command[:at] + self.objects + command[at + 1 :], BUILD, stderr=subprocess.DEVNULL)
            self.linked.add(target)

    def tests_of_different(self):
        kinds = {"generated": [], "random_models": [], "interpreter": []}
        for model in map(Path, self.differ):
            if "facts" in model.parts:
                kinds["generated"].append([model.parent.name])
            elif model.parent.name == "models":
                kinds["random_models"].append([model.stem, "1", "0"])
            else:
                kinds["interpreter"].append([str(model)])
        for program, models in kinds.items():
            if models:
                self.link(f"test_{program}")
            for words in models[:: -(-len(models) // MOST_OF_A_KIND) or 1]:
                yield f"unit.{program} {' '.join(words).removeprefix(str(SOURCE) + '/')}", [BUILD / f"test_{program}", *words], BUILD

    def tests_of(self, name):
        """The commands behind the name of a test: (name, command, folder)."""
        if name == DIFFERENT:
            return self.tests_of_different()
        words = name.split()
        kind, _, rest = words[0].partition(".")
        if kind == "unit":
            self.link(f"test_{rest}")
            arguments = [str(match) for word in words[1:] for match in sorted(SOURCE.glob(word))] if "/" in name else words[1:]
            return [(name, [BUILD / f"test_{rest}", *arguments], BUILD)]
        self.link("nnc")
        if kind == "docs":
            files = [SOURCE / rest]
        else:
            files = [f for f in sorted((SOURCE / "tests" / kind).glob(f"{rest}.*")) if f.suffix != ".expected" and f.name[0] != "_"]
        return [(f"{kind}.{f.stem if kind != 'docs' else rest}", [SOURCE / "tests" / "run", kind, f], SOURCE) for f in files]

    def models(self):
        """Every model that the tests have, and the first random ones."""
        folder = PLACE / "models"
        folder.mkdir(exist_ok=True)
        for seed in range(1, RANDOM_MODELS + 1):
            path = folder / f"{seed}.nn"
            if not path.exists():
                self.link("test_random_models")
                path.write_bytes(subprocess.run([BUILD / "test_random_models", "--text", str(seed)], check=True, capture_output=True).stdout)
        places = (SOURCE.glob("tests/facts/*/model.nn"), SOURCE.glob("tests/gradients/*.nn"), SOURCE.glob("examples/*/*.nn"), folder.glob("*.nn"))
        return [path for place in places for path in sorted(place)]

    def c_of(self, model, options, seconds):
        """What the compiler writes of a model, or None where it fails."""
        place = PLACE / "c" / hashlib.sha1(f"{model} {options}".encode()).hexdigest()
        shutil.rmtree(place, ignore_errors=True)
        if not passes([BUILD / "nnc", "compile", model, "--library", "--quiet", *options, "-o", place], PLACE, seconds):
            return None
        names = [file for file in sorted(place.iterdir()) if file.is_file() and file.suffix in (".c", ".h")]
        c = b"".join(file.read_bytes() for file in names)
        shutil.rmtree(place)
        return hashlib.sha1(c).hexdigest()

    def all_c(self, seconds):
        """Of all models, or up to the first that fails; a few at a time, since each is a moment's work."""
        self.link("nnc")
        found = {}
        (PLACE / "c").mkdir(exist_ok=True)

        def one(key):
            if None not in found.values():
                found[key] = self.c_of(key[0], key[1:], seconds)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, [(str(model), *options) for model in self.models() for options in OPTIONS]))
        return found

    def remember_c(self):
        """Of the compiler without a mutant."""
        self.expected = self.all_c(10)
        if None in self.expected.values():
            sys.exit(f"{list(self.expected)[-1][0]} does not compile without a mutant")
        EXPECTED.write_text(json.dumps(list(self.expected.items())))

    def compare_models(self, seconds):
        """The first model that does not compile any more, or None; notes whether all C is the same."""
        found = self.all_c(seconds)
        self.same = found == self.expected
        self.differ = sorted({key[0] for key in found if found[key] != self.expected[key]})
        failed = [key[0] for key in found if found[key] is None]
        return str(Path(failed[0]).relative_to(PLACE)) if failed else None

    def first_failure(self, stages):
        for stage, seconds, names in stages:
            for name in names:
                if name == MODELS:
                    model = self.compare_models(seconds)
                    if model:
                        return stage, model
                    continue
                if self.same and name not in LOOK_AT_MORE:
                    continue
                for test, command, folder in self.tests_of(name):
                    if not passes(command, folder, seconds):
                        return stage, test
        return None, None

    def judge(self, mutant, stages):
        """broken: does not compile; equivalent: the same object code; else caught, with stage and test, or survived."""
        originals, file = self.originals_of(mutant.path), SOURCE / mutant.path
        CHANGED.write_text(json.dumps([mutant.path, file.read_text()]))
        try:
            file.write_text(mutant.text)
            objects = self.compile(mutant.path)
            if objects is None:
                return {"status": "broken"}
            if all(objects[made] == originals[made] for made in objects if "nnc_core.dir" in str(made)):
                return {"status": "equivalent"}
            self.linked = set()
            self.same, self.differ = False, []
            stage, test = self.first_failure(stages)
            return {"status": "caught", "stage": stage, "test": test} if stage else {"status": "survived", "same_c": self.same}
        except subprocess.CalledProcessError: # does not link
            return {"status": "broken"}
        finally:
            change_back()
            self.restore(mutant.path)


# ---- What is known so far


def read_state():
    """The last word on each mutant."""
    known = {}
    if STATE.exists():
        for line in STATE.read_text().splitlines():
            known.update({json.loads(line)["id"]: json.loads(line)})
    return known


def remember(known, mutant, result):
    known[mutant.id] = {"id": mutant.id, "number": mutant.number, "group": mutant.group, "file": mutant.path, "line": mutant.line,
                        "kind": mutant.kind, "diff": mutant.diff, **result}  # fmt: skip
    with STATE.open("a") as file:
        file.write(json.dumps(known[mutant.id]) + "\n")
    test = known[mutant.id].get("test") or ""
    print(f"{mutant.number:5} {mutant.path}:{mutant.line} {mutant.kind}: {known[mutant.id]['status']} {test}", flush=True)


def judge(bench, known, mutant, stages, slow):
    began = time.monotonic()
    result = bench.judge(mutant, stages)
    remember(known, mutant, {**result, "slow": slow, "seconds": round(time.monotonic() - began, 1)})


def report(known):
    counted = [r for r in known.values() if r["status"] in ("caught", "survived")]
    stages = [stage for stage, _, _ in STAGES + SLOW_STAGES]
    print(f"\n{'':<20}" + "".join(f"{group:>13}" for group in GROUPS) + f"{'all':>8}")

    def row(title, chosen):
        numbers = [sum(1 for r in chosen if r["group"] == group) for group in GROUPS]
        print(f"{title:<20}" + "".join(f"{number:>13}" for number in numbers) + f"{len(chosen):>8}")

    for stage in stages:
        row(stage, [r for r in counted if r.get("stage") == stage])
    row("survived", [r for r in counted if r["status"] == "survived"])
    row("counted", counted)
    row("the same code", [r for r in known.values() if r["status"] == "equivalent"])
    row("do not compile", [r for r in known.values() if r["status"] == "broken"])
    row("text is gone", [r for r in known.values() if r["status"] == "gone"])
    caught = sum(1 for r in counted if r["status"] == "caught")
    print(f"\n{caught} of {len(counted)} mutants caught: {100 * caught / max(1, len(counted)):.1f} %")
    for r in sorted(known.values(), key=lambda r: (r["file"], r["line"])):
        if r["status"] == "survived":
            notes = ("" if r["slow"] else " (quick tests only)") + (" (the same C of all models)" if r.get("same_c") else "")
            print(f"\n{r['number']}: {r['file']}:{r['line']}{notes}\n{r['diff']}")


def is_counted(known, mutant):
    return known[mutant.id]["status"] in ("caught", "survived")


def run_range(bench, known, first, count):
    chosen = []
    for mutant in all_mutants():
        if mutant.number < first:
            continue
        if mutant.id not in known:
            judge(bench, known, mutant, STAGES, False)
        if is_counted(known, mutant):
            chosen.append(mutant)
        if len(chosen) == count:
            break
    for mutant in chosen:  # the slow tests, last, of those that are left
        if known[mutant.id]["status"] == "survived" and not known[mutant.id]["slow"]:
            judge(bench, known, mutant, [stage for stage in STAGES if stage[0] == MODELS] + SLOW_STAGES, True)


def change_in(text, diff, line):
    """The text with the change that the diff shows, at the place nearest to the line, or None where it has no such lines."""
    lines, removed, added = text.split("\n"), [], []
    for shown in [*diff.split("\n"), "-"]:
        if shown.startswith("+"):
            added.append(shown[1:])
        elif not added:
            removed.append(shown[1:])
        else:
            places = [i for i in range(len(lines)) if lines[i : i + len(removed)] == removed]
            if not places:
                return None
            at = min(places, key=lambda i: abs(i - line))
            lines[at : at + len(removed)] = added
            removed, added = [shown[1:]], []
    return "\n".join(lines)


class Recorded:
    """A mutant that is known, in the sources as they are now."""

    def __init__(self, record):
        self.number, self.group, self.path, self.line = record["number"], record["group"], record["file"], record["line"]
        self.kind, self.diff, self.id = record["kind"], record["diff"], record["id"]
        self.text = change_in((SOURCE / self.path).read_text(), self.diff, self.line)


def run_again(bench, known, chosen):
    """Survivors, or those with these numbers, with compiler and tests as they are now."""
    for record in sorted(known.values(), key=lambda record: record["number"]):
        if record["number"] in chosen if chosen else record["status"] == "survived":
            mutant = Recorded(record)
            if mutant.text is None:
                remember(known, mutant, {"status": "gone"})
            else:
                judge(bench, known, mutant, STAGES + SLOW_STAGES, True)


def check_unmutated(bench, stages):
    """The tests must pass for the compiler as it is, or each mutant would be caught."""
    stage, test = bench.first_failure(stages)
    if stage:
        sys.exit(f"{test} fails without a mutant")


def main(words):
    again = words[:1] == ["again"]
    if words[:1] == ["report"]:
        return report(read_state())
    numbers = [int(word) for word in words[again:]]
    PLACE.mkdir(parents=True, exist_ok=True)
    changed = change_back()
    known = read_state()
    if again or not (BUILD / "prepared").exists():
        copy_sources()
        build()
    bench = Bench()
    if changed:
        bench.restore(changed)
    CACHE.mkdir(exist_ok=True)
    if again or not bench.expected:
        bench.remember_c()
    if not (PLACE / "checked").exists() or again:
        check_unmutated(bench, STAGES + SLOW_STAGES)
        (PLACE / "checked").touch()
    if again:
        run_again(bench, known, numbers)
    else:
        run_range(bench, known, *(numbers + [1, WANTED][len(numbers) :]))
    report(known)


if __name__ == "__main__":
    main(sys.argv[1:])
