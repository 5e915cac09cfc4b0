// SPDX-License-Identifier: Apache-2.0
// Where the output of each service goes, and the newest of it (contract, section 8). Rings and log files outlive the
// attempts of their service.
//
//   raw, discard   its own business, nothing passes here; but for a log probe, and in debug mode (then it is kept)
//   prefix, plain, json    the container's log ──► and the ring
//   file                   a file of its own   ──► and the ring
#pragma once

#include "os/log_relay.h"
#include "os/log_ring.h"
#include "runtime/driver_host.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace davit::runtime {

class ServiceLogs {
public:
    explicit ServiceLogs(DriverHost& host) : host_(host), places_(host.spec.services.size()) {}

    void make_room(std::size_t services) { places_.resize(services); }

    /// A relay for one attempt, which must not outlive this.
    std::unique_ptr<os::LogRelay> relay_for(model::ServiceIndex service, const model::ServiceSpec& spec,
                                            std::function<void(std::string_view line)> on_line);

    os::LogRing& ring_of(model::ServiceIndex service);
    /// Of the present attempt, oldest first.
    std::vector<std::string> last_lines(model::ServiceIndex service, std::size_t count) const;
    /// That did not go into files.
    std::uint64_t dropped_lines() const;

private:
    struct Place {
        std::unique_ptr<os::LogRing> ring;
        os::LogMark attempt_began;
        std::shared_ptr<os::LogOutput> file;
        model::LogFileSpec file_spec;
    };

    std::shared_ptr<os::LogOutput> file_for(Place& place, const model::ServiceSpec& spec);
    std::shared_ptr<os::LogOutput> open_file(const model::ServiceSpec& spec);

    DriverHost& host_;
    std::uint64_t last_number_ = 0; // of the records of all rings
    std::vector<Place> places_;     // as in PodSpec
    std::uint64_t dropped_by_earlier_files_ = 0;
};

} // namespace davit::runtime
