// SPDX-License-Identifier: Apache-2.0

import Engine
import Testing

struct KernelSpeedTests {
    @Test(arguments: [1, 2])
    func ratesArePlausible(threads: Int) throws {
        let speed = try KernelSpeed.measure(threadCount: threads, byteCount: 16 << 20)
        // Between a floppy disk and any machine built so far.
        for rate in [
            speed.readBytesPerSecond, speed.int8OperationsPerSecond, speed.f32OperationsPerSecond,
        ] {
            #expect(rate > 1e6 && rate < 1e16)
        }
        #expect(speed.loopSeconds > 0 && speed.loopSeconds < 1)
    }

    @Test func aSmallBudgetIsEnough() throws {
        #expect(try KernelSpeed.readBytesPerSecond(threadCount: 1, byteCount: 0) > 1e6)
    }
}
