// SPDX-License-Identifier: Apache-2.0
// Boost.JSON is used without its library: this is the one place where its code is compiled.
// Everybody else includes <boost/json.hpp>.
#include <boost/json/src.hpp>
