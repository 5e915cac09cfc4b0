// SPDX-License-Identifier: Apache-2.0
#include "runtime/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <exception>
#include <string>

namespace davit::runtime {
namespace {

class Sink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit Sink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        write_({line.data(), line.size()});
    }
    void flush_() override {}

private:
    std::function<void(std::string_view)> write_;
};

/// spdlog says "warning", davit "warn".
class LevelName : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& line) override {
        const std::string_view name = message.level == spdlog::level::info   ? "info"
                                      : message.level == spdlog::level::warn ? "warn"
                                                                             : "error";
        line.append(name.data(), name.data() + name.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<LevelName>(); }
};

std::unique_ptr<spdlog::pattern_formatter> line_format() {
    auto format = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "\n");
    format->add_flag<LevelName>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%eZ davit %* %v");
    return format;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: break;
    }
    return spdlog::level::err;
}

} // namespace

Log::Log(std::function<void(std::string_view)> write)
    : logger_(std::make_unique<spdlog::logger>("davit", std::make_shared<Sink>(std::move(write)))) {
    logger_->set_formatter(line_format());
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view text) noexcept {
    try {
        std::string line{text};
        std::ranges::replace_if(line, [](unsigned char character) { return character < ' ' || character == 127; }, ' ');
        logger_->log(spdlog_level(level), spdlog::string_view_t{line.data(), line.size()});
    } catch (const std::exception&) {
        // Out of memory for one line: davit goes on without it.
    }
}

} // namespace davit::runtime
