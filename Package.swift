// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// One floor of the house. The list of dependencies is the list of imports it may have.
func floor(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], data: [String] = []
) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: data, swiftSettings: strict)
}

let package = Package(
    name: "caravan",
    products: [
        .executable(name: "caravan", targets: ["caravan"]),
        .executable(name: "caravan-simulate", targets: ["simulate"]),
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CGnuTLS", providers: [.apt(["libgnutls28-dev"])]),
        .systemLibrary(name: "CMicroHTTPD", providers: [.apt(["libmicrohttpd-dev"])]),

        // Floor 0.
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off"])]),
        .target(name: "CLinux"),
        floor("Platform", ["CGnuTLS", "CLinux"]),
        // Floor 1.
        floor("Wire", ["CKernels"]),
        floor("Model", ["Platform"]),
        // Floor 2.
        floor("Control", ["Wire"]),
        floor("Engine", ["CKernels", "CLinux", "COpenBLAS", "Model", "Platform"]),
        floor("Simulation", ["Control", "Wire"]),
        .executableTarget(
            name: "simulate", dependencies: ["Simulation"], swiftSettings: strict,
            // Others get it with Glibc, which nothing here imports.
            linkerSettings: [.linkedLibrary("m")]),
        // Floor 3.
        floor("Cluster", ["Control", "Engine", "Model", "Platform", "Wire"]),
        // Floor 4.
        floor("API", ["CMicroHTTPD", "Cluster", "Control", "Model", "Platform"]),
        // Floor 5.
        .executableTarget(
            name: "caravan",
            dependencies: ["API", "Cluster", "Control", "Engine", "Model", "Platform", "Wire"],
            swiftSettings: strict),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Model", "Platform"],
            path: "Tests/TestSupport", swiftSettings: strict),
        tests("PlatformTests", ["Platform", "TestSupport"]),
        tests("WireTests", ["CKernels", "Wire"]),
        tests(
            "ModelTests", ["Model", "Platform", "TestSupport"], data: ["Fixtures"]),
        tests("ControlTests", ["Control", "Wire"], data: ["Transcripts"]),
        tests(
            "EngineTests",
            ["CKernels", "Control", "Engine", "Model", "Platform", "TestSupport"],
            data: ["Fixtures"]),
        tests(
            "ClusterTests",
            ["Cluster", "Control", "Engine", "Model", "Platform", "TestSupport", "Wire"]),
        tests("APITests", ["API", "Cluster", "Control", "Model", "Platform", "TestSupport"]),
        tests("CaravanTests", ["caravan", "Cluster", "Control", "Platform"], data: ["Frames"]),
        tests("SimulationTests", ["Simulation"]),
        tests("StyleTests", []),
        tests("EndToEndTests", ["Platform", "TestSupport"], data: ["openai_client.py"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
