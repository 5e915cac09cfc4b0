// SPDX-License-Identifier: Apache-2.0
// The one place in davit that waits for children. A child that somebody watches is handed to its owner with its
// exit status; every other one (an orphan that became ours) is reaped and counted. SIGCHLD is a hint, not a
// count: each hint empties the queue, in portions, so that neither twenty thousand orphans hold up the loop nor
// services that crash as soon as they were started again.
//
//   SIGCHLD ─► reap(): peek (WNOWAIT) ─┬─ watched ─► reap, tell its owner
//                                      ├─ stranger ─► reap, count
//                                      └─ none left, 256 done or 5 ms over ─► on_turn_end
#pragma once

#include "model/exit_status.h"
#include "model/time.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <sys/types.h>
#include <unordered_map>

namespace davit::os {

/// A child that is no more.
struct ReapedChild {
    pid_t pid;
    pid_t session; // that it was in
    Duration cpu;  // its own, and that of the children that it waited for
};

class ChildReaper {
public:
    using OnExit = std::function<void(model::ExitStatus)>;

    /// `loop` must outlive it.
    explicit ChildReaper(boost::asio::io_context& loop);
    ChildReaper(const ChildReaper&) = delete;
    ChildReaper& operator=(const ChildReaper&) = delete;
    ~ChildReaper();

    /// `on_exit` is called once, from `reap`, when the child is gone and its pid free. Call it in the turn of the
    /// loop that spawned the child: the reaper runs in a later turn, so no exit can slip between.
    void watch(pid_t child, OnExit on_exit);
    /// The child is still reaped and stays known as ours; nobody is told.
    void forget(pid_t child);
    /// A child that was given to `watch` and has not been reaped.
    bool is_watched(pid_t child) const { return watched_.contains(child); }

    /// Called at the end of a turn in which at least one child was reaped: the moment to look at sessions.
    void on_turn_end(std::function<void()> call) { on_turn_end_ = std::move(call); }

    /// Called for each child that was reaped, before its owner is told.
    void on_reaped(std::function<void(const ReapedChild&)> call) { on_reaped_ = std::move(call); }

    /// Reaps what has ended. Goes on in a later turn of the loop by itself where there is much.
    void reap();

    std::uint64_t orphans_reaped() const { return orphans_reaped_; }

private:
    enum class Reaped : std::uint8_t { nobody, stranger, watched };

    Reaped reap_one();
    void reap_watched(pid_t child);
    model::ExitStatus take_off(pid_t child);

    boost::asio::io_context& loop_;
    std::unordered_map<pid_t, OnExit> watched_;
    std::function<void()> on_turn_end_;
    std::function<void(const ReapedChild&)> on_reaped_;
    std::uint64_t orphans_reaped_ = 0;
    bool goes_on_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0); // a continuation must not outlive the reaper
};

} // namespace davit::os
