// SPDX-License-Identifier: Apache-2.0
// How a coroutine waits for a library that calls back: it sleeps until a callback wakes it or a deadline comes. For
// the coroutines of this room.
#pragma once

#include "model/time.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace davit::os {

class WakeUp {
public:
    explicit WakeUp(const boost::asio::any_io_executor& executor) : timer_(executor) {}

    /// The sleeper goes on in a later turn of the loop; one that does not sleep yet will not fall asleep.
    void wake();
    /// False: the coroutine was cancelled and should end.
    boost::asio::awaitable<bool> sleep_until(TimePoint deadline);

private:
    boost::asio::steady_timer timer_;
    bool is_woken_ = false;
};

} // namespace davit::os
