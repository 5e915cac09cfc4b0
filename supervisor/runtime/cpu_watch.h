// SPDX-License-Identifier: Apache-2.0
// Notices that the container was resized in place, which nothing tells (a cgroup file that changes gives no inotify
// event): it looks now and then, but only while a running service needs to know. What it sees becomes a fact for the
// pod machine, and the pages of the preload library say the new count at once.
//
//   a running service with the library ──┐
//   a running service with onChange ─────┼──► count every watchSeconds ──► another one? ──► pages ──► CpusChanged
//   a reader of status or metrics ───────┴──► its own count ─────────────────┘
#pragma once

#include "runtime/driver_host.h"
#include "runtime/shim_pages.h"

#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <vector>

namespace davit::runtime {

class CpuWatch {
public:
    /// `pod` is the pod's value, which changes.
    CpuWatch(DriverHost& host, const model::Pod& pod, ShimPages& pages)
        : host_(host), pod_(pod), pages_(pages), timer_(host.loop) {}

    /// Services came or went: looks whether somebody needs to know, and with which count each was started.
    void look_at_services();
    /// Somebody else has counted. What changed is told in a later turn of the loop.
    void notice(const model::CpuCount& count);
    /// The end of davit.
    void stop();

private:
    /// With what an attempt of a service was started, or what it was told since.
    struct Told {
        unsigned attempt = 0; // 0: it does not run
        int cpus = 0;
    };
    /// What a count hangs on; its notes and lesser sources do not matter.
    struct Limits {
        int usable = 0;
        std::optional<double> quota;
        friend bool operator==(const Limits&, const Limits&) = default;
    };

    void take(const model::CpuCount& count);
    std::vector<model::CpuNotice> take_services(const model::CpuCount& count);
    std::optional<Duration> needed_period() const;
    void arm();

    DriverHost& host_;
    const model::Pod& pod_;
    ShimPages& pages_;
    boost::asio::steady_timer timer_;
    std::optional<Duration> period_; // nullopt: nobody needs to know
    std::vector<Told> told_;         // as in PodSpec
    std::optional<Limits> limits_;   // as they were seen last; nullopt: nothing was started yet
    int pod_cpus_ = 0;               // the pod's count then
    bool notices_ = false;           // a turn of the loop for it is on its way
    bool stopped_ = false;
};

} // namespace davit::runtime
