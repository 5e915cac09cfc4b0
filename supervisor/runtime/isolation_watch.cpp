// SPDX-License-Identifier: Apache-2.0
#include "runtime/isolation_watch.h"

#include "model/downward_api.h"
#include "os/files.h"

namespace davit::runtime {
namespace {

/// All annotations of an object have at most 256 KiB.
constexpr std::size_t longest_file = std::size_t{1} << 20;

} // namespace

bool IsolationWatch::begin() {
    watch();
    told_there_ = is_there();
    return told_there_;
}

void IsolationWatch::follow() {
    watch();
    look();
}

void IsolationWatch::watch() {
    const std::string& file = host_.spec.isolate_file.value;
    const bool is_other = file != file_;
    file_ = file;
    key_ = host_.spec.isolate_key;
    if (is_other) {
        watch_.reset();
    }
    if (!file_.empty() && !watch_) {
        watch_ = std::make_unique<os::PathWatch>(host_.loop, file_, [this] { look(); });
        if (!watch_->trouble().empty()) {
            host_.log.write(LogLevel::warn, host_.spec.isolate_file.written + ": " + watch_->trouble() +
                                                "; it is read every few seconds instead");
        }
    }
}

void IsolationWatch::look() {
    const bool is_there = this->is_there();
    if (is_there != told_there_) {
        told_there_ = is_there;
        host_.post(model::IsolationKeyRead{is_there});
    }
}

bool IsolationWatch::is_there() {
    if (file_.empty() || !os::find_path(file_)) {
        return false;
    }
    const auto text = os::read_file(file_, longest_file);
    if (!text && told_trouble_ != text.error().text) {
        told_trouble_ = text.error().text;
        host_.log.write(LogLevel::warn, told_trouble_ + "; the pod stays as it is");
    }
    return text ? model::has_key(*text, key_) : told_there_;
}

} // namespace davit::runtime
