// SPDX-License-Identifier: Apache-2.0
#include "os/wake_up.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace davit::os {

void WakeUp::wake() {
    is_woken_ = true;
    timer_.cancel();
}

boost::asio::awaitable<bool> WakeUp::sleep_until(TimePoint deadline) {
    if (!std::exchange(is_woken_, false)) {
        timer_.expires_at(deadline);
        co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        is_woken_ = false;
    }
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    co_return state.cancelled() == boost::asio::cancellation_type::none;
}

} // namespace davit::os
