// SPDX-License-Identifier: Apache-2.0

import Engine
import Testing

@Suite struct KernelISATests {
    @Test func theFastestIsChosenUnlessForced() throws {
        let fastest = KernelISA.allCases.filter(\.isSupported).last
        #expect(try KernelISA.choose(forced: nil) == fastest)
        #expect(try KernelISA.choose(forced: "") == fastest)
        #expect(try KernelISA.choose(forced: "portable") == .portable)
    }

    @Test func wrongNamesAreErrorsThatSayWhatToDo() {
        #expect(throws: EngineError.unknownISA("sse9")) {
            try KernelISA.choose(forced: "sse9")
        }
        let text = EngineError.unknownISA("sse9").description
        #expect(text.contains("sse9") && text.contains("avx2") && text.contains("portable"))
        #expect(EngineError.unsupportedISA(.avx2).description.contains("avx2"))
    }

    @Test(arguments: KernelISA.allCases) func forcingIsRefusedWhereUnsupported(isa: KernelISA) {
        if isa.isSupported {
            #expect((try? KernelISA.choose(forced: isa.rawValue)) == isa)
        } else {
            #expect(throws: EngineError.unsupportedISA(isa)) {
                try KernelISA.choose(forced: isa.rawValue)
            }
        }
    }
}
