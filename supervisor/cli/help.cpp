// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include "cli/cli.h"

#include <algorithm>
#include <array>

namespace davit::cli {
namespace {

struct CommandHelp {
    std::string_view command;
    std::string_view text;
};

constexpr std::string_view top_text = R"(davit runs the helpers and the main process of one container: it starts them in
order, puts the container online when it is healthy, takes it offline before it
stops, and reaps what is left.

Usage: davit COMMAND [OPTIONS]        davit COMMAND --help tells the rest.

Run a container
  run        be PID 1: start the services, go online, stop in order
  check      read the configuration and tell every problem in it
  cpus       how many CPUs there are for this container, and why
  plan       the configuration with every default
  graph      what waits for what, as a picture

See what is
  status     a table of the services, and why each is as it is
  why        the same in words: state, cause, what it waits for, what to do
  events     what happened when, each change with its reason
  timeline   what the start took, and what made it slow
  logs       the newest output of services
  wait       return when a phase is reached or a service is ready
  env        the environment of a service, and who it is

Act
  online     put the container online
  offline    take it offline; everything runs on
  isolate    take it out of traffic and keep the scene as it is
  rejoin     come back from isolation
  start      start services
  stop       stop services
  restart    stop services and start them again
  signal     send a signal to services
  reload     read the configuration again; only what changed restarts
  exec       run a command as a service runs: its environment, user, limits
  shell      the same with a shell

For the kubelet
  poststart  postStart hook: wait until the container is online
  prestop    preStop hook: go offline, drain, stop main
  probe      exec probe: startup, ready or live

Set-up
  install    copy this program into a directory
  version    print the version

The first three lines of a configuration (/etc/davit/davit.yaml):
  services:
    web: {main: true, command: nginx -g "daemon off;"}
    log: {command: [tail, -F, /var/log/nginx/access.log]}
)";

constexpr std::string_view run_text =
    R"(Usage: davit run [-c PATH] [--mode normal|debug] [--app FILE] [-g]
                 [-- CMD ARG...]

Is PID 1 of a container (or a subreaper, when it is not PID 1): starts oneshots,
helpers and main in the order of their dependencies, runs the preload and online
steps, and waits. SIGTERM runs offline, drain and stop, once, and ends with
main's exit code.

Options
  -c PATH      configuration: a file, or a directory whose *.yaml and *.yml are
               merged in the order of their names; else $DAVIT_CONFIG, else
               /etc/davit
  --mode MODE  debug: services start, but no probe gates or kills, no step runs,
               nothing restarts, and main's end is held instead of ending the
               container; else $DAVIT_MODE, else normal
  --app FILE   an app.yaml, whose entrypoint is taken as CMD; else, if there is
               no CMD, the one that $DAVIT_APP_YAML names
  --socket PATH  where clients reach it; else $DAVIT_SOCKET, else
               /run/davit/davit.sock, else $XDG_RUNTIME_DIR/davit.sock, else an
               abstract socket that only this container can compute
  -g           without a configuration: signals go to CMD's whole process group
  -- CMD ARG   with a configuration: the command of main; without one: davit is
               a plain init that forwards signals, reaps, and exits as CMD did

Exit codes
  main's own, or 128 + the signal that ended it
  121  the start failed: preload, ready gate or online
  122  a critical service failed for good
  125  cannot run: usage, configuration, no main, socket taken
  126, 127  main cannot be executed, was not found

Examples
  davit run                                 # /etc/davit says what to run
  davit run -c ./davit.yaml
  davit run -- java -jar /app/app.jar       # a plain init, or main's command
)";

constexpr std::string_view check_text = R"(Usage: davit check [PATH...] [--pod FILE] [--app FILE] [-o text|json]
                   [-- CMD ARG...]

Reads the configuration as `davit run` would and prints every problem in it,
each with file, line and column. Starts nothing. A command that is not on this
machine is a warning, so are an unset variable and a configuration without main.

  PATH         files and directories, a later one is a layer over the earlier
               ones; - is standard input; else $DAVIT_CONFIG, else /etc/davit

Options
  --pod FILE   also whether a manifest agrees with it: Pods, Deployments and
               other workloads in one or several documents; may be repeated
  --app FILE   also an app.yaml, as `davit run --app` takes it
  --schema     print the JSON Schema of the configuration, for editors
  -o json      one object: ok, files, services, main, and problems, each with
               file, line, column, path, severity and message
  -- CMD ARG   as `davit run -- CMD` would replace main's command

Exit codes
  0  it can be used (there may be warnings)   1  it cannot   2  usage

Examples
  davit check ./davit.yaml
  davit check base/etc/davit app/90-app.yaml     # layers of two images
  generate | davit check -
  davit check /etc/davit --pod deployment.yaml
  helm template shop | davit check /etc/davit --pod -
)";

constexpr std::string_view plan_text = R"(Usage: davit plan [-o yaml|json] [-c PATH]

Prints the effective configuration, every default filled in, in the shape of the
configuration: what it prints can be used as one. ${...} stays as written; the
values of variables and headers, and bodies, are ***.

Options
  -o yaml|json   yaml (default)
  -c PATH        of these files; else of the running davit; else, where none
                 runs, of $DAVIT_CONFIG or /etc/davit
  --socket PATH, --timeout S (60)

Exit codes
  0  done   1  the configuration cannot be used   2  usage
  3  no supervisor reachable (only with --socket)   4  timed out

Example
  davit plan -c ./davit.yaml
)";

constexpr std::string_view graph_text = R"(Usage: davit graph [-o text|dot] [-c PATH]

Draws what waits for what: the services in the order in which they start, each
with its dependencies, main, and the steps of the life cycle.

Options
  -o text|dot    text for a terminal of 80 columns (default), with lines if the
                 locale is UTF-8; dot for Graphviz
  -c PATH        of these files; else of the running davit; else, where none
                 runs, of $DAVIT_CONFIG or /etc/davit
  --socket PATH, --timeout S (60)

Exit codes
  0  done   1  the configuration cannot be used   2  usage
  3  no supervisor reachable (only with --socket)   4  timed out

Example
  davit graph -o dot | dot -Tsvg > services.svg
)";

constexpr std::string_view reload_text = R"(Usage: davit reload [--dry-run] [--main] [--no-wait]

Reads the configuration again, from where `davit run` has it, and makes it count
without a new container. Services of which nothing changed keep their process;
so do those whose process does not depend on what changed (probes, backoff,
dependencies, ...). The others restart; new ones start, removed ones stop. A
configuration with a problem changes nothing.

main is left alone: a changed main restarts only with --main, by way of offline,
drain and stop.

Options
  --dry-run    print what would be done, key by key, and do nothing
  --main       main may restart
  --no-wait    return as soon as it is accepted
  --timeout S  how long to wait for the result (60)
  --socket PATH

Exit codes
  0  done   1  refused (every problem is printed), or a service failed
  2  usage   3  no supervisor reachable   4  timed out

Example
  davit reload --dry-run
)";

constexpr std::string_view status_text = R"(Usage: davit status [SERVICE...] [-o table|json] [--watch]

Prints the phase of the container and one line for each service: its state,
whether it is ready, its pid, how often it was restarted, since when it runs,
and why it is as it is.

Options
  -o table|json  a table for people (default), or the JSON of the API
  --watch        on a terminal: redraw it in place, until Ctrl-C, the terminal
                 or davit ends; into a pipe: again each time that something
                 changed
  --socket PATH, --timeout S (60; of --watch: none)

Colour is for terminals only; NO_COLOR=1 switches it off.

Exit codes
  0  it got an answer, whatever that says   1  unknown service   2  usage
  3  no supervisor reachable, or it ended   4  timed out

Examples
  davit status
  davit status --watch
  davit status mesh -o json
)";

constexpr std::string_view why_text = R"(Usage: davit why [SERVICE]

Says in words why the container, or one service, is as it is: the state, its
cause, what it waits for, what was last seen, and what you can do.

Options
  --socket PATH, --timeout S (60)

Exit codes
  0  done   1  unknown service   2  usage   3  no supervisor reachable
  4  timed out

Example
  davit why mesh
)";

constexpr std::string_view wait_text = R"(Usage: davit wait PHASE|SERVICE

Returns when the container is in that phase, or that service is ready (a
oneshot: completed).

  PHASE        starting preloading checking going-online online going-offline
               draining offline stopping stopped failed

Options
  --timeout S  how long to wait (60)
  --socket PATH

Exit codes
  0  it is so   1  it never can be   2  usage   3  no supervisor reachable
  4  timed out

Examples
  davit wait online --timeout 120
  davit wait database
)";

constexpr std::string_view online_text = R"(Usage: davit online

Puts the container online by hand: waits for the readiness of all services and
runs the online steps. After a failed start it tries again from preload; with
goOnline: manual it passes the gate.

Options
  --timeout S  how long to wait for the result (60)
  --socket PATH

Exit codes
  0  online   1  refused or failed   2  usage   3  no supervisor reachable
  4  timed out
)";

constexpr std::string_view offline_text = R"(Usage: davit offline

Takes the container offline by hand: not ready first, then the offline steps,
then the drain. Everything runs on; `davit online` comes back.

Options
  --timeout S  how long to wait for the result (60)
  --socket PATH

Exit codes
  0  offline   1  refused, or a step failed   2  usage
  3  no supervisor reachable   4  timed out
)";

constexpr std::string_view events_text = R"(Usage: davit events [-f] [-o text|json]

The newest changes of the container and its services, oldest first, each with
its time and reason: what `davit status` cannot show because it has passed.

Options
  -f, --follow  go on with what happens, until davit ends or you do
  -o json       one object a line: number, time, service (null: the container),
                from, to, reason; {"lost": N} where a follower was too slow
  --timeout S   how long to wait for the answer (60), or to follow
  --socket PATH

Exit codes
  0  done   1  refused   2  usage   3  no supervisor reachable   4  timed out
)";

constexpr std::string_view timeline_text = R"(Usage: davit timeline [-o text|json]

What the last way up took: for each service, step and gate, how long it waited
and for whom, when it was started, and how long it took until it was ready or
over. Marked with * is the critical chain: going back from online, what was
waited for last; only a faster one of these makes the start faster. While the
start runs it shows how far it is.

  ....####   waits for a dependency, then runs until it is ready

Options
  -o text|json  a picture as wide as the terminal (default), or the JSON
  --socket PATH, --timeout S (60)

Exit codes
  0  done   1  refused   2  usage   3  no supervisor reachable   4  timed out

Example
  davit timeline
)";

constexpr std::string_view logs_text = R"(Usage: davit logs [-f] [-n N|all] [-o text|json] [SERVICE...]

The newest output of the named services, or of all, oldest first: the last
256 KiB of each, also of what ran before a restart. With one service its lines
as it wrote them; with several each has [SERVICE] in front. A service with
logs: raw (main, if nothing else is said) writes past davit: see kubectl logs.

Options
  -f, --follow     go on with what is written, over restarts, until davit ends
                   or you do; a reader that is too slow is told what it lost
  -n, --lines N    only the newest N lines, of all these services together
  -o json          one object a line: time, service, stream, message; "partial":
                   true where a line goes on in the next; {"service", "lost": N}
  --timeout S      how long to wait for the answer (60), or to follow
  --socket PATH

Exit codes
  0  done   1  unknown service, or nothing of it is kept   2  usage
  3  no supervisor reachable   4  timed out
)";

constexpr std::string_view isolate_text = R"(Usage: davit isolate [--reason TEXT] [--no-wait]

Takes the container out of traffic (offline steps and drain) and keeps its scene
for you to look at: not ready, but live; probes kill nothing, nothing restarts,
what ends is held. Only prestop, a stop signal or a stop by hand ends it.
Prints the kubectl line that makes the pod's workload let go of it, so that it
starts another pod. `davit rejoin` comes back.

Options
  --reason TEXT  for status, events and whoever comes next
  --no-wait      return as soon as it is accepted
  --timeout S    how long to wait for the result (60)
  --socket PATH

Exit codes
  0  isolated   1  refused, or a step failed   2  usage
  3  no supervisor reachable   4  timed out
)";

constexpr std::string_view rejoin_text = R"(Usage: davit rejoin

Comes back from isolation: starts what was held, waits for the ready gate and
runs the online steps (from preload, if main is a new one). Give the pod its
labels back after that. While the key is in the isolate file it is refused:
take the key away instead.

Options
  --timeout S  how long to wait for the result (60)
  --socket PATH

Exit codes
  0  online   1  refused or failed: then everything is held as it is   2  usage
  3  no supervisor reachable   4  timed out
)";

constexpr std::string_view start_text = R"(Usage: davit start SERVICE...|all [--no-wait]

Starts services that do not run, and waits until they are ready (a oneshot:
completed).

Options
  --no-wait    return as soon as it is accepted
  --timeout S  how long to wait for the result (60)
  --socket PATH

Exit codes
  0  done   1  refused, failed or unknown service   2  usage
  3  no supervisor reachable   4  timed out

Example
  davit start log-agent
)";

constexpr std::string_view stop_text = R"(Usage: davit stop SERVICE...|all [--cascade] [--no-wait]

Stops services and keeps them stopped until somebody starts them. Stopping main
is the offline, drain and stop path first; the container stays.

Options
  --cascade    also stop what depends on them
  --no-wait    return as soon as it is accepted
  --timeout S  how long to wait for the result (60)
  --socket PATH

Exit codes
  0  done   1  refused, failed or unknown service   2  usage
  3  no supervisor reachable   4  timed out

Example
  davit stop mesh --cascade
)";

constexpr std::string_view restart_text = R"(Usage: davit restart SERVICE...|all [--no-wait]

Stops services and starts them again. Restarting main is the offline, drain and
stop path first, then the whole way online.

Options
  --no-wait    return as soon as it is accepted
  --timeout S  how long to wait for the result (60)
  --socket PATH

Exit codes
  0  done   1  refused, failed or unknown service   2  usage
  3  no supervisor reachable   4  timed out

Example
  davit restart log-agent mesh
)";

constexpr std::string_view signal_text = R"(Usage: davit signal SIGNAL SERVICE...|all

Sends a signal to the leading process of services.

  SIGNAL       with or without SIG: HUP, SIGUSR1, RTMIN+3, or a number

Options
  --socket PATH, --timeout S (60)

Exit codes
  0  sent   1  refused, not running or unknown service   2  usage
  3  no supervisor reachable   4  timed out

Example
  davit signal HUP log-agent
)";

constexpr std::string_view exec_text = R"(Usage: davit exec SERVICE -- CMD ARG...

Runs a command as a process of that service is run: with its environment, user
and groups, directory, umask, limits, nice and oom score. It takes the place of
this process, so the terminal, Ctrl-C and the exit code are its own. It is no
part of the service: a stop or restart does not touch it.

TERM is yours where the service has none, and DAVIT_EXEC=1 is added.

Options (before --)
  --socket PATH, --timeout S (60; for asking davit)

Exit codes
  those of CMD; 126 it cannot be run, 127 it was not found
  1  unknown service   2  usage   3  no supervisor reachable   4  timed out

Examples
  davit exec web -- id
  davit exec web -- jcmd 1 Thread.print
)";

constexpr std::string_view shell_text = R"(Usage: davit shell [SERVICE]

Opens a shell as `davit exec` runs a command: $SHELL of the service, else the
shell of its user, else /bin/bash, else /bin/sh. Without SERVICE it is main's.

Options
  --socket PATH, --timeout S (60; for asking davit)

Exit codes
  those of the shell; 127 there is none
  1  unknown service   2  usage   3  no supervisor reachable   4  timed out

Example
  kubectl exec -it POD -- davit shell web
)";

constexpr std::string_view env_text = R"(Usage: davit env SERVICE [--reveal] [-o text|json]

Prints the environment that a process of the service gets, as NAME=value lines
below a comment that says who it is. Values are shown as *** unless you ask.

Options
  --reveal       show the values: there may be secrets among them
  -o text|json   lines (default), or the JSON of the API: also the limits
  --socket PATH, --timeout S (60)

Exit codes
  0  done   1  unknown service   2  usage   3  no supervisor reachable
  4  timed out

Example
  davit env web --reveal | grep PATH
)";

constexpr std::string_view poststart_text = R"(Usage: davit poststart [--timeout S]

For the pod's postStart hook. Waits until the container is online and prints
what happens on the way. It only watches: davit goes online by itself, whether
or not this hook comes.

Options
  --timeout S  instead of lifecycle.postStart.timeoutSeconds (60); what happens
               then is postStart.onTimeout: detach ends with 0 and readiness
               keeps gating, fail ends with 4
  --socket PATH

It tries to reach davit until its timeout. With DAVIT_MODE=debug in its
environment it ends with 0 at once.

Exit codes
  0  online, or detached   1  the start failed   2  usage
  3  no supervisor reachable   4  timed out

Example (Pod)
  lifecycle:
    postStart: {exec: {command: [davit, poststart]}}
)";

constexpr std::string_view prestop_text = R"(Usage: davit prestop [--timeout S]

For the pod's preStop hook. Takes the container offline, drains, runs the stop
steps, stops main, and returns. davit itself and the helpers stay until SIGTERM.
Calling it twice is harmless: the second call joins the first.

Options
  --timeout S  how long to wait; else davit says it: the grace period less 2 s,
               at least 1 s (28 s if davit never answers)
  --socket PATH

With DAVIT_MODE=debug in its environment it ends with 0 at once.

Exit codes
  0  done   1  a step failed (main is stopped all the same)   2  usage
  3  no supervisor reachable   4  timed out

Example (Pod)
  lifecycle:
    preStop: {exec: {command: [davit, prestop]}}
)";

constexpr std::string_view probe_text = R"(Usage: davit probe startup|ready|live

For exec probes of the pod. Asks once and prints one line that says why.

  startup      yes once online succeeded
  ready        yes while the phase is online and every readiness probe is good
  live         yes while davit answers; what hangs below it davit restarts

Options
  --timeout S  (0.9, so that it ends inside the kubelet's default of 1 s)
  --socket PATH

Exit codes
  0  yes   1  no   2  usage   3  no supervisor reachable   4  timed out

Example (Pod)
  readinessProbe: {exec: {command: [davit, probe, ready]}, periodSeconds: 2}
)";

constexpr std::string_view cpus_text = R"(Usage: davit cpus [-o text|json|env] [--explain] [--watch] [--java PATH]

Prints how many CPUs this container may keep busy: the smallest of what its
affinity mask, its cpuset and its CPU quota (rounded up, at least 1) leave.
Needs no supervisor. One that runs is asked for `cpus` of its configuration.

Options
  -o json      one object: cpus, quota, quotaFrom, cpuset, affinity, round and
               notes
  -o env       DAVIT_CPUS=2, and the names of cpus.env that are not set here
  --explain    also everything that was looked at; * is what decides; and what
               each service was given, and what the preload library cannot reach
  --watch      goes on, and prints again when something has changed
  --java PATH  also what that JVM would count, whether that is right, and what
               davit does about it

Exit codes
  0  it was counted   2  usage   3  nobody listens at --socket   4  timed out

Examples
  davit cpus --explain
  davit cpus --java java
  make -j $(davit cpus)
)";

constexpr std::string_view install_text = R"(Usage: davit install DIR

Copies this program into DIR as `davit`, and libdavit-cpus.so from beside it,
mode 0755, each in one step: another container never sees half of it. For an
init container that brings davit to an image that does not have it.

Exit codes
  0  done   1  cannot copy   2  usage

Example (init container, with an emptyDir on /davit)
  command: [davit, install, /davit]
)";

constexpr std::string_view version_text = R"(Usage: davit version

Prints the version.
)";

constexpr std::array texts{
    CommandHelp{"run", run_text},           CommandHelp{"check", check_text},
    CommandHelp{"status", status_text},     CommandHelp{"why", why_text},
    CommandHelp{"wait", wait_text},         CommandHelp{"online", online_text},
    CommandHelp{"offline", offline_text},   CommandHelp{"events", events_text},
    CommandHelp{"timeline", timeline_text}, CommandHelp{"isolate", isolate_text},
    CommandHelp{"rejoin", rejoin_text},     CommandHelp{"start", start_text},
    CommandHelp{"stop", stop_text},         CommandHelp{"restart", restart_text},
    CommandHelp{"signal", signal_text},     CommandHelp{"poststart", poststart_text},
    CommandHelp{"prestop", prestop_text},   CommandHelp{"probe", probe_text},
    CommandHelp{"install", install_text},   CommandHelp{"cpus", cpus_text},
    CommandHelp{"exec", exec_text},         CommandHelp{"shell", shell_text},
    CommandHelp{"env", env_text},           CommandHelp{"version", version_text},
    CommandHelp{"plan", plan_text},         CommandHelp{"graph", graph_text},
    CommandHelp{"logs", logs_text},         CommandHelp{"reload", reload_text},
};

} // namespace

std::string_view top_help() {
    return top_text;
}

std::string_view command_help(std::string_view command) {
    const auto* found = std::ranges::find(texts, command, &CommandHelp::command);
    return found == texts.end() ? std::string_view{} : found->text;
}

std::string_view run_help() {
    return run_text;
}

} // namespace davit::cli
