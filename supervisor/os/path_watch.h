// SPDX-License-Identifier: Apache-2.0
// Tells when a file may have changed that somebody else writes: also one that is renamed over, that is reached through
// links which are swapped (a ConfigMap's or a downward-API volume), that is not there yet or not any more. By
// inotify(7) on the directories on its way, so that an idle davit has no wake-ups; as long as that cannot be had (the
// limit of instances is used up, a directory may not be read), by looking again every few seconds as well.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <string>

namespace davit::os {

class PathWatch {
public:
    /// `may_have_changed` is called from the loop, never from inside the constructor; often for nothing. `loop` must
    /// outlive the watch.
    PathWatch(boost::asio::io_context& loop, std::string path, std::function<void()> may_have_changed);
    ~PathWatch();
    PathWatch(const PathWatch&) = delete;
    PathWatch& operator=(const PathWatch&) = delete;

    /// Why it has to look again and again; empty: it is told.
    const std::string& trouble() const { return trouble_; }

private:
    void watch_directories();
    bool watch(const std::string& directory);
    void wait();
    void take_events();
    void look_later_if_troubled();

    std::string path_;
    std::function<void()> may_have_changed_;
    boost::asio::posix::stream_descriptor events_;
    boost::asio::steady_timer timer_;
    std::string trouble_;
};

} // namespace davit::os
