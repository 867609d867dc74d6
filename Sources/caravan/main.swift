// SPDX-License-Identifier: Apache-2.0

import Platform

// Everything else is in functions: globals of this file are isolated to the main actor.
StandardOutput.secure()
exitProcess(status: CommandLineTool.run())
