// SPDX-License-Identifier: Apache-2.0
// What services need that get the preload library: the library itself, and for each such service a page with its CPU
// count. A page is made when the service first needs one and stays until davit ends: what an earlier start left behind
// may still read it.
#pragma once

#include "model/result.h"
#include "os/cpu_page.h"
#include "runtime/driver_host.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::runtime {

/// For the environment of a service.
struct Shim {
    std::string library; // LD_PRELOAD, beside what the user has there
    std::string page;    // DAVIT_CPUS_FILE
};

class ShimPages {
public:
    explicit ShimPages(DriverHost& host) : host_(host), pages_(host.spec.services.size()) {}

    /// The service starts with a page that says `cpus`. Error: why it has to start without the library.
    Result<Shim> open(model::ServiceIndex service, int cpus);
    /// The count of a service has changed. Nothing happens where it has no page.
    void write(model::ServiceIndex service, int cpus);
    bool has(model::ServiceIndex service) const { return pages_[service].has_value(); }
    /// Removes all of them: davit is at its end.
    void close_all();
    /// A reload brought services with places behind the present ones.
    void make_room(std::size_t services) { pages_.resize(services); }

private:
    /// Until its user is another one.
    struct Page {
        os::CpuPage file;
        os::Reach reach;
    };

    DriverHost& host_;
    std::vector<std::optional<Page>> pages_; // as in PodSpec
};

} // namespace davit::runtime
