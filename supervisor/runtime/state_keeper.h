// SPDX-License-Identifier: Apache-2.0
// Keeps what a start after a crash has to know in stateDir, and finds there what the run before left. A directory that
// cannot be used, and a state that is torn or not ours, is told and done without: nothing waits for it.
#pragma once

#include "model/pod_record.h"
#include "os/state_directory.h"
#include "runtime/driver_host.h"

#include <optional>
#include <string>

namespace davit::runtime {

class StateKeeper {
public:
    /// `host` must outlive it.
    explicit StateKeeper(DriverHost& host) : host_(host) {}

    /// Once, before anything else. Empty: there is no stateDir, or nothing was left there that can be believed.
    model::PodRecord recall();

    /// In the turn of the call. A failure is told when it begins and when it is over.
    void keep(const model::PodRecord& record);

private:
    model::PodRecord read();
    void tell(const model::PodRecord& record);
    model::RecordOwner owner() const;

    DriverHost& host_;
    std::optional<os::StateDirectory> directory_;
    std::string told_trouble_;
};

} // namespace davit::runtime
