// SPDX-License-Identifier: Apache-2.0
#include "runtime/state_keeper.h"

#include "os/process_setup.h"

#include <utility>

namespace davit::runtime {

model::PodRecord StateKeeper::recall() {
    const model::Text& path = host_.spec.state_dir;
    if (path.value.empty()) {
        return {};
    }
    auto directory = os::StateDirectory::open(path.value);
    if (!directory) {
        host_.log.write(LogLevel::warn,
                        "stateDir: " + directory.error().text + "; a start after a crash knows nothing");
        return {};
    }
    directory_ = *std::move(directory);
    model::PodRecord record = read();
    tell(record);
    return record;
}

model::PodRecord StateKeeper::read() {
    const auto text = directory_->read(model::longest_record);
    if (!text) {
        host_.log.write(LogLevel::warn, "stateDir: " + text.error().text + "; it is ignored");
        return {};
    }
    if (!*text) {
        return {};
    }
    auto record = model::read_record(**text, owner());
    if (!record) {
        host_.log.write(LogLevel::warn,
                        "stateDir: " + directory_->file() + " " + record.error().text + "; it is ignored");
        return {};
    }
    return *std::move(record);
}

void StateKeeper::tell(const model::PodRecord& record) {
    if (record.isolated) {
        host_.log.write(LogLevel::info, "the run before was isolated (" + record.isolated_because +
                                            "): so is this one, until a rejoin");
    }
}

model::RecordOwner StateKeeper::owner() const {
    return {.app = host_.spec.app, .host = os::host_name()};
}

void StateKeeper::keep(const model::PodRecord& record) {
    if (!directory_) {
        return;
    }
    const auto written = directory_->write(model::record_text(record, owner()));
    const std::string trouble = written ? std::string{} : written.error().text;
    if (trouble == told_trouble_) {
        return;
    }
    told_trouble_ = trouble;
    if (written) {
        return host_.log.write(LogLevel::info, "stateDir: " + directory_->file() + " can be written again");
    }
    host_.log.write(LogLevel::warn, "stateDir: " + trouble + "; a start after a crash knows less");
}

} // namespace davit::runtime
