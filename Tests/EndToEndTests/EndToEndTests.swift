// SPDX-License-Identifier: Apache-2.0

import Testing

/// Tests that start the built executable, as an operator would. One at a time: they measure.
@Suite(.serialized) struct EndToEndTests {}
