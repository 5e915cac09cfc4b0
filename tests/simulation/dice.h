// SPDX-License-Identifier: Apache-2.0
// The dice of the simulation: small, seeded, and the same on every platform (the standard library's distributions
// are not). `mix` makes a seed from several numbers, so that what a thing does hangs on the thing and not on how
// many dice were thrown before: a story stays itself while it is shrunk.
#pragma once

#include "model/time.h"

#include <cstdint>
#include <initializer_list>

namespace davit::simulation {

/// splitmix64 (public domain, Sebastiano Vigna).
constexpr std::uint64_t scramble(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

constexpr std::uint64_t mix(std::initializer_list<std::uint64_t> numbers) {
    std::uint64_t seed = 0;
    for (const std::uint64_t number : numbers) {
        seed = scramble(seed ^ scramble(number));
    }
    return seed;
}

class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}

    std::uint64_t throw_one() {
        state_ += 0x9e3779b97f4a7c15U;
        return scramble(state_);
    }
    /// 0 to `count` - 1.
    std::size_t below(std::size_t count) { return static_cast<std::size_t>(throw_one() % count); }
    bool chance(unsigned percent) { return throw_one() % 100 < percent; }
    /// Whole milliseconds, both ends included.
    Duration between(Duration low, Duration high) {
        const auto milliseconds = static_cast<std::uint64_t>((high - low) / std::chrono::milliseconds{1});
        return low + std::chrono::milliseconds{throw_one() % (milliseconds + 1)};
    }
    /// In [0, 1).
    double fraction() { return static_cast<double>(throw_one() >> 11U) * 0x1.0p-53; }
    template <typename Value>
    Value pick(std::initializer_list<Value> values) {
        return *(values.begin() + below(values.size()));
    }

private:
    std::uint64_t state_;
};

} // namespace davit::simulation
