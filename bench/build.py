"""The columns: what each is, what it needs, and how its program comes about."""
import ctypes
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
NNC = PROJECT / "build" / "release" / "nnc"
PLACE = PROJECT / "build" / "bench"
CC = os.environ.get("CC", "gcc")
C = ["-std=c11", "-O2", "-D_POSIX_C_SOURCE=200809L"]  # what is not measured
BY_HAND = ["-std=c11", "-O3", "-march=native", "-ffast-math", "-D_POSIX_C_SOURCE=200809L"]


@dataclass
class Ran:
    out: str
    seconds: float  # of processor time


@dataclass
class Built:
    command: list  # prints nanoseconds for one example, and the mean loss of the first steps
    facts: dict = field(default_factory=dict)


def run(command, **more):
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True, **more)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: exit code {process.returncode}: {shlex.join(map(str, command))}")
    return Ran(out, usage.ru_utime + usage.ru_stime)


def folder(*parts):
    path = PLACE.joinpath(*(part.replace(" ", "-") for part in parts))
    path.mkdir(parents=True, exist_ok=True)
    return path


@functools.cache
def peak():
    program = folder() / "peak"
    run([CC, "-std=gnu99", "-O3", "-march=native", HERE / "peak.c", "-o", program])
    return program


# ---- This compiler's output


@dataclass(frozen=True)
class Ours:
    mode: str
    options: tuple
    cc: str
    flags: tuple = ()  # instead of those that nnc says
    quick = property(lambda self: self.cc == CC)
    name = property(lambda self: f"{self.mode} {self.cc}")

    def missing(self):
        return "" if shutil.which(self.cc) else f"there is no {self.cc}"

    def can(self, row):
        return True

    def tolerance(self, row):
        return 1e-6

    @functools.cache
    def build(self, row):
        """NAME.c as `nnc compile` says, or by other flags; the rest only prepares, or measures."""
        work = folder(row.name, self.name)
        told = run([NNC, "compile", HERE / f"{row.network}.nn", *self.options, "--batch", row.batch, "-o", work])
        flags = self.flags or re.search(r"^ +cc (-.*?) \S+\.c", told.out, re.M).group(1).split()
        source, code, program = work / f"{row.network}.c", work / f"{row.network}.o", work / "program"
        compiled = run([self.cc, *flags, "-w", "-c", source, "-o", code])
        around = [work / f"{row.network}_main.c", work / "runtime/member.c", work / "runtime/random.c", HERE / "ours.c", HERE / "measure.c"]
        run([self.cc, *C, f"-I{work}", *around, code, "-lm", "-o", program])
        facts = {
            "nnc_seconds": told.seconds,
            "cc_seconds": compiled.seconds,
            "code_bytes": int(run(["size", code]).out.split("\n")[1].split()[0]),
        }
        return Built([program, row.examples], facts)


def start_file(row):
    """Examples and initial parameters, which portable C writes: see ours.c."""
    path = folder(row.name) / "start"
    program = COLUMNS[0].build(row).command
    run([*program, path])
    return path


# ---- Peers in C


@dataclass(frozen=True)
class Peer:
    name: str
    source: object  # of a row: the C file, or None
    libraries: tuple = ()
    exact: float = 1e-4
    quick: bool = False

    def missing(self):
        probe = folder() / "probe"
        command = [CC, "-x", "c", "-", "-o", probe, *self.libraries]
        found = subprocess.run(command, input="int main(void) { return 0; }", text=True, stderr=subprocess.DEVNULL).returncode == 0
        return "" if found else f"cannot link with {' '.join(self.libraries)}"

    def can(self, row):
        return self.source(row) is not None

    def tolerance(self, row):
        return None if self.name == "FANN" and row.activation != "SIGMOID" else self.exact

    def build(self, row):
        defined = [f"-D{k}={v}" for k, v in (("BATCH", row.batch), ("INPUTS", row.inputs), ("TARGETS", row.targets), ("RATE", f"{row.rate}f"))]
        if row.layers:
            defined += [f"-DSIZES={','.join(map(str, row.layers))}", *(f"-DSIZE{i}={n}" for i, n in enumerate(row.layers))]
            defined += [f"-DLAYERS={len(row.layers) - 1}", f"-D{row.activation}"] + ["-DADAM"] * row.adam
        defined.append(f"-DROW_{row.network.upper()}")
        work = folder(row.name, self.name)
        code, program = work / "peer.o", work / "program"
        run([CC, *BY_HAND, *defined, "-c", HERE / self.source(row), "-o", code])
        run([CC, *C, *defined, HERE / "peer.c", HERE / "measure.c", code, *self.libraries, "-lm", "-o", program])
        return Built([program, row.examples, folder(row.name) / "start"])


def plain(row):
    name = "plain" if row.layers else "plain_conv" if row.network == "strided" else f"plain_{row.network}"
    return f"{name}.c" if (HERE / f"{name}.c").exists() else None


def blas(row):
    name = "blas" if row.layers else "blas_conv" if row.network == "strided" else f"blas_{row.network}"
    return f"{name}.c" if (HERE / f"{name}.c").exists() else None


def choose_openblas_core():
    """On a processor that is newer than itself, OpenBLAS takes slower code than it has: it is told the newest that the processor can run."""
    try:
        blas = ctypes.CDLL("libopenblas.so.0")
        flags = set(re.search(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M).group(1).split())
    except (OSError, AttributeError):
        return
    blas.openblas_get_corename.restype = ctypes.c_char_p
    newest = "SkylakeX" if "avx512dq" in flags else "Haswell" if "avx2" in flags else None
    if newest and blas.openblas_get_corename() in (b"Prescott", b"Haswell"):
        os.environ.setdefault("OPENBLAS_CORETYPE", newest)


# ---- Peers in Python


@dataclass(frozen=True)
class Framework:
    name: str
    module: str
    script: str
    pythons: tuple
    exact: float = 1e-4
    quick = False

    @functools.cache
    def python(self):
        for python in self.pythons:
            command = [python, "-c", f"import {self.module}"]
            if shutil.which(python) and subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0:
                return python
        return None

    def missing(self):
        return "" if self.python() else f"Python has no module {self.module}"

    def can(self, row):
        return True

    def tolerance(self, row):
        return self.exact

    def build(self, row):
        return Built([self.python(), HERE / self.script, row.name, folder(row.name) / "start"])


COMPILERS = tuple(dict.fromkeys((CC, "clang")))
COLUMNS = [
    *(Ours("portable", ("--target=portable", "--math=fast"), cc) for cc in COMPILERS),
    *(Ours("default", (), cc, ("-O3", "-march=native")) for cc in COMPILERS),
    *(Ours("native", ("--target=native", "--math=fast"), cc) for cc in COMPILERS),
    *(Ours("strict", ("--target=native", "--math=strict"), cc) for cc in COMPILERS),
    Peer("plain", plain, exact=1e-6, quick=True),
    Peer("OpenBLAS", blas, ("-lopenblas",)),
    Peer("FANN", lambda row: "fann.c" if row.layers and row.batch == 1 else None, ("-lfloatfann", "-lm")),
    Framework("PyTorch", "torch", "peer_torch.py", ("python3", "/usr/bin/python3")),
    Framework("JAX", "jax", "peer_jax.py", ("python3", str(PLACE / "jax" / "bin" / "python"))),
]
