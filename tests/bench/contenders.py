# SPDX-License-Identifier: Apache-2.0
"""The programs that are compared: for each, how it is told to run the payload, and how it is asked for its status.

A contender writes what it needs into a fresh folder and returns the command line of PID 1. Each gets the leanest
configuration that its manual offers: no shell between it and the payload, no logger unless logs are what is measured.
"""
import os
import shutil
import struct


class Contender:
    name = ""
    binary = ""
    relay_program = None  # that carries logs; None: PID 1 does

    def __init__(self, workshop):
        self.payload, self.launcher = workshop.payload, workshop.launcher

    def missing(self):
        """Why this contender cannot run here, or None."""
        return None if os.access(self.binary, os.X_OK) else f"{self.binary} is not there"

    def one(self, folder):
        """One program, the payload, below PID 1."""
        return self.many(folder, 1)


class Plain(Contender):
    """tini and its like: an init that has one child and is told of it on its command line."""

    def __init__(self, workshop, name, binary, arguments=("--",)):
        super().__init__(workshop)
        self.name, self.binary, self.arguments = name, binary, arguments

    def one(self, folder):
        return [self.binary, *self.arguments, self.payload]


class Bare(Contender):
    """The floor: the payload itself, without any init."""
    name = "bare"

    def missing(self):
        return None

    def one(self, folder):
        return [self.payload]

    def logged(self, folder):
        """A loop that reads and writes, and looks at nothing."""
        return [self.launcher, "copy", self.payload]

    def check(self, folder, count):
        """An empty static program: what any process costs."""
        return [[self.payload, "once"]]

    def count_environment(self, folder):
        return {}

    def answering(self, folder, port):
        """What an answer to a request over loopback costs anyway: a plain server that has nothing else to do."""
        site = folder / "site"
        site.mkdir()
        (site / "livez").write_text("live\n")
        return ["/usr/bin/python3", "-m", "http.server", "-b", "127.0.0.1", "-d", str(site), str(port)]


class Davit(Contender):
    """davit with a configuration. `logs` is what the services say: raw as the peers without a logger, or prefix."""

    def __init__(self, workshop, binary, name="davit", logs="raw"):
        super().__init__(workshop)
        self.name, self.binary, self.logs = name, binary, logs

    def _configured(self, folder, services):
        lines = ["app: bench", "services:"]
        for name, keys in services.items():
            lines.append(f"  {name}:")
            lines += [f"    {key}: {value}" for key, value in keys.items()]
        path = folder / "davit.yaml"
        path.write_text("\n".join(lines) + "\n")
        return [self.binary, "run", "-c", str(path)]

    def _service(self, **keys):
        return {"command": f"[{self.payload}]", "logs": self.logs, **keys}

    def _quiet_main(self):
        """A main that reports nothing: for rows in which only the helper counts."""
        return self._service(main="true", logs="raw", env='{BENCH_FIFO: "", BENCH_MODE: stay}')

    def many(self, folder, count):
        services = {f"s{index:03}": self._service() for index in range(1, count)}
        return self._configured(folder, {**services, "main": self._service(main="true")})

    def one_helper(self, folder):
        helper = self._service(backoff="{initialSeconds: 0}")
        return self._configured(folder, {"s000": helper, "main": self._quiet_main()})

    def answering(self, folder, port):
        """All that davit can have to do: four services that write as fast as they can, 50 that are probed each second."""
        writer = self._service(command="[/usr/bin/yes]", logs="prefix")
        probe = f"{{exec: {{command: [{self.payload}, once]}}, periodSeconds: 1}}"
        probed = self._service(env='{BENCH_FIFO: "", BENCH_MODE: stay}', livenessProbe=probe)
        services = {**{f"w{index}": writer for index in range(4)}, **{f"p{index:02}": probed for index in range(50)}}
        command = self._configured(folder, {**services, "main": self._service(main="true")})
        with open(folder / "davit.yaml", "a") as file:
            file.write(f"statusPort: {port}\n")
        return command

    def one_java(self, folder, settings):
        """A helper that davit takes for a JVM, of which it read what it knows at the first start."""
        home = folder / "jdk"
        (home / "bin").mkdir(parents=True)
        shutil.copy(self.payload, home / "bin" / "java")
        (home / "lib" / "server").mkdir(parents=True)
        (home / "lib" / "server" / "libjvm.so").write_bytes(b"\0UseSerialGC\0ActiveProcessorCount\0UseContainerSupport\0")
        helper = self._service(command=f"[{home}/bin/java]", backoff="{initialSeconds: 0}", cpus=settings)
        return self._configured(folder, {"s000": helper, "main": self._quiet_main()})

    def count_environment(self, folder):
        """What a service with the preload library finds."""
        page = folder / "page"
        page.write_bytes(struct.pack("=IIII", 0x74697664, 1, 2, 7) + bytes(4096 - 16))
        return {"LD_PRELOAD": os.path.join(os.path.dirname(self.binary), "libdavit-cpus.so"), "DAVIT_CPUS_FILE": str(page)}

    def logged(self, folder):
        helper = self._service(logs="prefix" if self.logs == "raw" else self.logs)
        return self._configured(folder, {"s000": helper, "main": self._quiet_main()})

    def logged_to_files(self, folder, size):
        helper = self._service(logs=f"{{file: {{path: {folder}/logs/s000.log, maxBytes: {size}, maxFiles: 99}}}}")
        return self._configured(folder, {"s000": helper, "main": self._quiet_main()})

    def chain(self, folder, count):
        services = {}
        for index in range(count):
            keys = {"oneshot": "true", "command": f"[{self.payload}, once]"}
            if index:
                keys["dependsOn"] = f"[s{index - 1:03}]"
            services[f"s{index:03}"] = self._service(**keys)
        services["main"] = self._service(main="true", command=f"[{self.payload}, stay]")
        return self._configured(folder, services)

    def status(self, folder, count):
        return [[self.binary, "status"]]

    def check(self, folder, count):
        services = {f"s{index:03}": self._service(
            env=f'{{NUMBER: "{index}", HOME: /, NAME: "${{NAME:-x}}"}}',
            readinessProbe=f"{{httpGet: {{path: /ready, port: {8000 + index}}}, periodSeconds: 5}}",
            dependsOn=f"[s{index - 1:03}]" if index else "[]") for index in range(count - 1)}
        self._configured(folder, {**services, "main": self._service(main="true")})
        return [[self.binary, "check", str(folder / "davit.yaml")]]


class S6(Contender):
    name, binary, relay_program = "s6", "/usr/bin/s6-svscan", "s6-log"

    def _scan_directory(self, folder, count):
        scan = folder / "scan"
        for index in range(count):
            service = scan / f"s{index:03}"
            service.mkdir(parents=True)
            (service / "run").symlink_to(self.payload)
        return scan

    def many(self, folder, count):
        return [self.binary, "-c", "1000", str(self._scan_directory(folder, count))]

    def one_helper(self, folder):
        return self.many(folder, 1)

    def logged(self, folder):
        return self._with_logger(folder, "'p[s000]' 1")

    def logged_to_files(self, folder, size):
        return self._with_logger(folder, f"n99 s{size} {folder}/logs")

    def _with_logger(self, folder, script):
        log = self._scan_directory(folder, 1) / "s000" / "log"
        log.mkdir()
        (log / "run").write_text(f"#!/bin/sh\nexec /usr/bin/s6-log {script}\n")
        (log / "run").chmod(0o755)
        return [self.binary, str(log.parent.parent)]

    def status(self, folder, count):
        return [["/usr/bin/s6-svstat", str(folder / "scan" / f"s{index:03}")] for index in range(count)]


class Runit(S6):
    name, binary = "runit", "/usr/bin/runsvdir"

    def many(self, folder, count):
        return [self.binary, str(self._scan_directory(folder, count))]

    def status(self, folder, count):
        return [["/usr/bin/sv", "status", *(str(folder / "scan" / f"s{index:03}") for index in range(count))]]


class Supervisor(Contender):
    name, binary = "supervisor", "/usr/bin/supervisord"

    def many(self, folder, count):
        text = (f"[supervisord]\nnodaemon=true\nuser=root\nlogfile=/dev/null\nlogfile_maxbytes=0\nminfds=8192\n"
                f"pidfile={folder}/supervisord.pid\n"
                f"[unix_http_server]\nfile={folder}/supervisor.sock\n"
                "[rpcinterface:supervisor]\n"
                "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
                f"[supervisorctl]\nserverurl=unix://{folder}/supervisor.sock\n")
        for index in range(count):
            text += (f"[program:s{index:03}]\ncommand={self.payload}\nstartsecs=0\nautorestart=true\n"
                     "redirect_stderr=true\nstdout_logfile=NONE\n")
        path = folder / "supervisord.conf"
        path.write_text(text)
        return [self.binary, "-n", "-c", str(path)]

    def one_helper(self, folder):
        return self.many(folder, 1)

    def status(self, folder, count):
        return [["/usr/bin/supervisorctl", "-c", str(folder / "supervisord.conf"), "status"]]


def all_contenders(workshop, davit):
    """Every contender by name."""
    found = [
        Bare(workshop),
        Plain(workshop, "davit-plain", davit, ("run", "--")),
        Davit(workshop, davit),
        Davit(workshop, davit, "davit-prefix", "prefix"),
        Davit(workshop, davit, "davit-json", "json"),
        Plain(workshop, "tini", "/usr/bin/tini"),
        Plain(workshop, "tini-static", "/usr/bin/tini-static"),
        Plain(workshop, "dumb-init", "/usr/bin/dumb-init"),
        S6(workshop),
        Runit(workshop),
        Supervisor(workshop),
    ]
    return {contender.name: contender for contender in found}
