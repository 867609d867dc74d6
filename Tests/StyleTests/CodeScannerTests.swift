// SPDX-License-Identifier: Apache-2.0

import Testing

struct CodeScannerTests {
    @Test func commentsAndStringsGoCodeStays() {
        #expect(CodeScanner.blanked("a // b\nc") == "a     \nc")
        #expect(CodeScanner.blanked("a /* b /* c */ d */ e") == "a                   e")
        #expect(CodeScanner.blanked(#"f("} \" {") }"#) == "f(        ) }")
        #expect(CodeScanner.blanked("#\"a\"b\"# c") == "        c")
        #expect(CodeScanner.blanked("#if x") == "#if x")
        #expect(CodeScanner.blanked("\"\"\"\n{ \" {\n\"\"\" x") == "   \n     \n    x")
    }

    @Test func interpolationsAreCode() {
        #expect(CodeScanner.blanked(#""a\(f(")") + 1)b" c"#) == "   (f(   ) + 1)   c")
    }

    @Test func charactersOfC() {
        #expect(CodeScanner.blanked("x = '\"'; y", isC: true) == "x =    ; y")
        #expect(CodeScanner.blanked("/* a /* b */ c", isC: true) == "             c")
    }

    private func sizes(_ text: String, path: String = "a.swift") -> [String] {
        FunctionFinder.functions(in: SourceText(path: path, text: text))
            .map { "\($0.name) \($0.line) \($0.lineCount)" }
    }

    @Test func functionsOfSwift() {
        let text = """
            protocol P {
                func none(a: Int) -> Int
                var b: Int { get }
            }
            struct S {
                init?(a: (Int) -> Void = { _ in }) throws(E) {
                    self.init()
                }
                func one<T>(_ a: [Int: T]) async throws(E) -> (a: Int, b: Int)
                where T: Equatable {
                    // }
                    let a = "}"
                    func inner() {}
                }
                static func == (a: S, b: S) -> Bool { true }
                deinit {
                }
            }
            """
        #expect(sizes(text) == ["init 6 3", "one 9 6", "inner 13 1", "== 15 1", "deinit 16 2"])
    }

    @Test func functionsOfC() {
        let text = """
            #define F(x) do { \\
                x; } while (0)
            static const int table[2] = {1, 2};
            struct s { int a; };
            __attribute__((target("avx2"))) static int f(int a) {
                if (a) { return 1; }
                return '}';
            }
            int g(void);
            void h(const float *x,
                   int n)
            {
            }
            """
        #expect(sizes(text, path: "a.c") == ["f 5 4", "h 10 4"])
    }
}
