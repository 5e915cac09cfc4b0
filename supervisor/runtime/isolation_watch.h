// SPDX-License-Identifier: Apache-2.0
// Reads the isolate file when it may have changed, and reports whether the key is there. A file that is not there
// holds no key; one that cannot be read changes nothing.
#pragma once

#include "os/path_watch.h"
#include "runtime/driver_host.h"

#include <memory>
#include <string>

namespace davit::runtime {

class IsolationWatch {
public:
    /// `host` must outlive it.
    explicit IsolationWatch(DriverHost& host) : host_(host) {}

    /// Whether the key is there before anything starts; what comes later is reported.
    bool begin();
    /// A reload: looks at the file of the specification as it is now.
    void follow();
    void stop() { watch_.reset(); }

private:
    void watch();
    void look();
    bool is_there();

    DriverHost& host_;
    std::string file_;
    std::string key_;
    bool told_there_ = false;
    std::string told_trouble_;
    std::unique_ptr<os::PathWatch> watch_;
};

} // namespace davit::runtime
