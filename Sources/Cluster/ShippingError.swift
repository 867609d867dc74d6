// SPDX-License-Identifier: Apache-2.0

import Control
import Engine
package import Platform

/// Why a blob could not be received or loaded.
package enum ShippingError: Error, Equatable, CustomStringConvertible {
    case outOfOrder(expected: UInt64, got: UInt64)
    case wrongHash(String)
    case unloadable(String)
    case tooLarge(needBytes: Int?, budgetBytes: Int)
    case notInBlob(tensor: String)
    case noRoom(directory: String, needByteCount: Int, shortByteCount: Int)
    case cacheUnusable(directory: String, FileError)

    /// Whether somebody may make room for what could not be kept, or for a thread.
    package static func isLackOfRoom(_ error: any Error) -> Bool {
        switch error {
        case ShippingError.noRoom: true
        case ShippingError.cacheUnusable(_, let error): error.isLackOfRoom
        case EngineError.noThread: true
        case let error as FileError: error.isLackOfRoom
        default: false
        }
    }

    package var description: String {
        switch self {
        case .outOfOrder(let expected, let got):
            "a blob chunk came for offset \(got) where \(expected) was expected"
        case .wrongHash(let name):
            "blob \(name) arrived with another hash; the model file may have changed or be "
                + "damaged: check it and restart the coordinator"
        case .unloadable(let what): "the assignment is impossible: \(what)"
        case .tooLarge(let need, let budget):
            "the assignment needs \(need.map(String.init) ?? "countless") bytes of memory "
                + "and this worker offers \(budget); raise --memory"
        case .notInBlob(let tensor): "tensor \(tensor) lies outside its blob"
        case .noRoom(let directory, let need, let short):
            "\(directory) has no room for \(ByteCount(UInt64(need))) of blobs: "
                + "\(ByteCount(UInt64(short))) are lacking; free space on its disk, raise "
                + "--cache-size, or give this worker the model file with --model"
        case .cacheUnusable(let directory, let error):
            "cannot keep blobs in \(directory): \(error), or name another directory with --cache"
        }
    }
}
