// SPDX-License-Identifier: Apache-2.0
// The one executable. Picks the face: `davit run` is PID 1 (app/), everything else is a client of it (cli/).

int main() { return 0; }
