// SPDX-License-Identifier: Apache-2.0
// `davit status --watch`: on a terminal the table is redrawn in place when something happens, and each second for the
// times in it; into a pipe a table goes each time that something changed. It ends by itself with its reader, its
// terminal or davit; a davit that does not answer is waited for, and the screen says so.
//
//   GET /v1/events?follow=true ──► something came ──► GET /v1/status ──► one frame, one write
#pragma once

#include "cli/fetch.h"

namespace davit::cli {

int watch_status(const Arguments& arguments, Environment environment);

} // namespace davit::cli
