// SPDX-License-Identifier: Apache-2.0
// The entry that libFuzzer calls (https://llvm.org/docs/LibFuzzer.html).
#include "target.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    davit::fuzz::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
