# SPDX-License-Identifier: Apache-2.0
"""libdavit-cpus.so in real programs: what they count with it, without it, and that all else stays as it was.

The page that davit writes is written here by hand, so that the library is tested alone.
"""

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DEADLINE = 60
JVM, ONLINE, AFFINITY = 1, 2, 4
MAGIC, VERSION = 0x74697664, 1
CPUS = len(os.sched_getaffinity(0))
COUNTED = ["sysconf", "get_nprocs", "affinity", "affinity_of_own_pid", "pthread", "pthread_of_another"]

pytestmark = pytest.mark.skipif(CPUS < 2, reason="one CPU only: there is nothing to take away")


def library():
    path = Path(os.environ["DAVIT_BINARY"]).parent / "libdavit-cpus.so"
    assert path.exists(), f"{path} is missing: build davit_cpus"
    return path


class Page:
    """The file that davit writes."""

    def __init__(self, path, cpus=1, hooks=JVM | ONLINE | AFFINITY, magic=MAGIC, version=VERSION):
        self.path = path
        path.write_bytes(bytes(4096))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 4096)
        self.write(cpus, hooks, magic, version)

    def write(self, cpus, hooks=JVM | ONLINE | AFFINITY, magic=MAGIC, version=VERSION):
        self._memory[:16] = struct.pack("=IIII", magic, version, cpus, hooks)


def compiled(folder, compiler, *options):
    program = folder / f"count-{compiler}-{len(options)}"
    done = subprocess.run([compiler, "-pthread", *options, "-o", program, REPOSITORY / "tests/support/count_cpus.c"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


def parse(text):
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


def environment(page, preload=None):
    more = {"DAVIT_CPUS_FILE": str(page)} if page else {}
    return {"PATH": os.environ["PATH"], "LD_PRELOAD": str(preload or library()), **more}


def run(command, env):
    return subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True, timeout=DEADLINE)


def counts(program, env):
    done = run([program], env)
    assert (done.returncode, done.stderr) == (0, "")
    return parse(done.stdout)


@pytest.fixture(scope="module", params=["cc", "musl-gcc"])
def program(request, tmp_path_factory):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed (packaging/setup installs it)")
    return compiled(tmp_path_factory.mktemp("programs"), request.param)


@pytest.fixture
def page(tmp_path):
    return Page(tmp_path / "page")


def test_all_counts_but_the_configured_one_are_the_pages(program, page):
    plain = counts(program, {})
    seen = counts(program, environment(page.path))
    assert {name: seen[name] for name in COUNTED} == {name: "1" for name in COUNTED}
    for name in COUNTED:
        del plain[name], seen[name]
    assert seen == plain  # the parent's affinity, CONF, errors and errno of what is unknown


@pytest.mark.parametrize("hook, answered", [(ONLINE, ["sysconf", "get_nprocs"]), (JVM, []),
                                            (AFFINITY, ["affinity", "affinity_of_own_pid", "pthread", "pthread_of_another"])])
def test_each_hook_is_on_by_itself(program, page, hook, answered):
    plain = counts(program, {})
    page.write(1, hook)
    seen = counts(program, environment(page.path))
    assert {name for name in COUNTED if seen[name] == "1"} == set(answered), seen
    assert {name: seen[name] for name in COUNTED if name not in answered} == \
        {name: plain[name] for name in COUNTED if name not in answered}


@pytest.mark.parametrize("bad", ["no variable", "no file", "an empty count", "another magic", "another version", "a directory",
                                 "more than there are"])
def test_without_a_page_that_answers_everything_is_as_it_was(program, page, tmp_path, bad):
    env = environment(page.path)
    if bad == "no variable":
        env = environment(None)
    elif bad == "no file":
        env = environment(tmp_path / "none")
    elif bad == "a directory":
        env = environment(tmp_path)
    elif bad == "an empty count":
        page.write(0)
    elif bad == "another magic":
        page.write(1, magic=7)
    elif bad == "another version":
        page.write(1, version=2)
    plain = counts(program, {})
    if bad == "more than there are":
        page.write(CPUS + 5, AFFINITY)
    assert counts(program, env) == plain


ODD_CPUS = """
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
/* Every second CPU of three words of a mask, behind the library: what it asks of a thread that is not the own. */
int pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t* mask) {
    (void)thread;
    memset(mask, 0, size);
    for (int cpu = 1; cpu < 192; cpu += 2)
        CPU_SET(cpu, mask);
    return 0;
}
"""

MASK = """
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
int main(void) {
    cpu_set_t mask;
    if (pthread_getaffinity_np((pthread_t)0, sizeof mask, &mask) != 0)
        return 1;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &mask))
            printf("%d ", cpu);
    return 0;
}
"""


@pytest.fixture(scope="module")
def machine_of_odd_cpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    (folder / "odd.c").write_text(ODD_CPUS)
    (folder / "mask.c").write_text(MASK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "odd.so", folder / "odd.c"], check=True)
    subprocess.run(["cc", "-o", folder / "mask", folder / "mask.c"], check=True)
    return folder


@pytest.mark.parametrize("count", [1, 31, 32, 33, 64, 95, 96, 97, 1000])
def test_of_a_mask_of_several_words_the_first_cpus_stay(machine_of_odd_cpus, page, count):
    page.write(count, AFFINITY)
    preload = f"{library()} {machine_of_odd_cpus / 'odd.so'}"
    done = run([machine_of_odd_cpus / "mask"], environment(page.path, preload))
    assert (done.returncode, done.stderr) == (0, "")
    assert [int(cpu) for cpu in done.stdout.split()] == list(range(1, 192, 2))[:count]


def test_a_resize_is_seen_by_a_program_that_runs(program, page):
    process = subprocess.Popen([program, "again"], env=environment(page.path), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        def next_counts():
            lines = []
            while not lines or lines[-1] != "end\n":
                lines.append(process.stdout.readline())
                assert lines[-1] != ""
            return parse("".join(lines))

        assert next_counts()["affinity"] == "1"
        page.write(2)
        process.stdin.write("\n")
        process.stdin.flush()
        assert next_counts()["sysconf"] == "2"
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE)


def test_a_static_program_is_not_touched(tmp_path, page):
    program = compiled(tmp_path, "cc", "-static")
    assert counts(program, environment(page.path)) == counts(program, {})


def test_a_missing_library_does_no_harm_to_the_program(tmp_path):
    program = compiled(tmp_path, "cc")
    done = run([program], environment(None, preload=tmp_path / "none.so"))
    assert done.returncode == 0
    assert parse(done.stdout) == counts(program, {})


def test_a_set_uid_program_is_not_touched(tmp_path, page):
    program = compiled(tmp_path, "cc")
    os.chown(program, 65534, 65534)
    program.chmod(0o4755)
    for path in [tmp_path, *tmp_path.parents]:
        if path == Path("/tmp"):
            break
        path.chmod(0o755)
    done = subprocess.run([program], env=environment(page.path), user=65533, capture_output=True, text=True,
                          timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    assert parse(done.stdout)["affinity"] == str(CPUS)


@pytest.mark.parametrize("command", [["nproc"], ["/usr/bin/python3", "-c", "import os; print(os.cpu_count())"],
                                     ["/usr/bin/python3", "-c", "import os; print(len(os.sched_getaffinity(0)))"]],
                         ids=["nproc", "python cpu_count", "python affinity"])
def test_programs_that_count_see_the_page(command, page):
    done = run(command, environment(page.path))
    assert (done.stdout, done.stderr) == ("1\n", "")
    page.write(2)
    assert run(command, environment(page.path)).stdout == "2\n"


def test_an_openmp_program_makes_as_many_threads_as_the_page_says(tmp_path, page):
    source = tmp_path / "threads.c"
    source.write_text("#include <omp.h>\n#include <stdio.h>\nint main(void) { printf(\"%d\\n\", omp_get_max_threads()); }\n")
    program = tmp_path / "threads"
    subprocess.run(["gcc", "-fopenmp", "-o", program, source], check=True)
    assert run([program], environment(page.path)).stdout == "1\n"
    page.write(2)
    assert run([program], environment(page.path)).stdout == "2\n"


JAVA = """
public class Count {
    public static void main(String[] arguments) throws Exception {
        System.out.println("processors " + Runtime.getRuntime().availableProcessors());
        System.out.println("collector " + java.lang.management.ManagementFactory.getGarbageCollectorMXBeans().get(0).getName());
        System.out.flush();
        while (System.in.read() >= 0) {
            System.out.println("processors " + Runtime.getRuntime().availableProcessors());
        }
    }
}
"""


@pytest.fixture(scope="module")
def java_class(tmp_path_factory):
    if shutil.which("javac") is None:
        pytest.skip("no JDK is installed (packaging/setup installs it)")
    folder = tmp_path_factory.mktemp("java")
    (folder / "Count.java").write_text(JAVA)
    subprocess.run(["javac", "-d", folder, folder / "Count.java"], check=True)
    return folder


def java(folder, env, *options, stdin=""):
    done = subprocess.run(["java", *options, "-Xmx64m", "-cp", folder, "Count"], env=env, input=stdin, capture_output=True,
                          text=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_an_old_jvm_counts_right_everywhere(java_class, page):
    """As HotSpot before it knew containers: the count, the collector and its threads."""
    old = "-XX:-UseContainerSupport"
    assert java(java_class, {"PATH": os.environ["PATH"]}, old)[0] == f"processors {CPUS}"
    seen = java(java_class, environment(page.path), old)
    assert seen == ["processors 1", "collector Copy"]  # the serial one: HotSpot calls one CPU no server
    flags = run(["java", old, "-XX:+UseParallelGC", "-XX:+PrintFlagsFinal", "-version"], environment(page.path)).stdout
    threads = [line.split()[3] for line in flags.splitlines() if " ParallelGCThreads " in line]
    assert threads == ["1"]


def test_a_jvm_that_runs_follows_the_page(java_class, page):
    process = subprocess.Popen(["java", "-XX:-UseContainerSupport", "-Xmx64m", "-cp", java_class, "Count"],
                               env=environment(page.path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "processors 1\n"
        process.stdout.readline()
        page.write(2)
        process.stdin.write("x")
        process.stdin.flush()
        assert process.stdout.readline() == "processors 2\n"
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE)


def test_without_its_hook_a_jvm_counts_as_without_the_library(java_class, page):
    page.write(1, hooks=0)
    assert java(java_class, environment(page.path))[0] == f"processors {CPUS}"
