// SPDX-License-Identifier: Apache-2.0

import Simulation

// The table of scripts/simulate; its rows are in SimulationTable.swift.
for line in try SimulationTable.lines() { print(line) }
