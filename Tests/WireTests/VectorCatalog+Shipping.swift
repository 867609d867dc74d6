// SPDX-License-Identifier: Apache-2.0

import Wire

extension VectorCatalog {
    static let shape = ModelShape(
        layerCount: 30, embeddingLength: 576, feedForwardLength: 1536, headCount: 9,
        headCountKV: 3, headSize: 64, ropeDimensionCount: 64, vocabularySize: 49_152,
        contextLength: 8192, ropeBase: 100_000, ropeScale: 1, rmsEpsilon: 1e-5)

    static let assignment = Frame(
        epoch: 7, id: 0,
        message: .assignment(
            Assignment(
                shape: shape, stage: 1, stageCount: 3, layerStart: 10, layerEnd: 20, slotCount: 4,
                contextLength: 2048, rowCountMax: 512, wireType: .q8, pageCount: 128,
                pagePositionCount: 64, cacheType: .q8, nextAddress: "[::1]:7070",
                blobs: [
                    BlobDescription(
                        digest: digest(0x10), byteCount: 1_990_656,
                        tensors: [
                            TensorDescription(
                                name: "blk.10.attn_norm.weight", type: 0, shape: [576], offset: 0),
                            TensorDescription(
                                name: "blk.10.ffn_down.weight", type: 3, shape: [1536, 576],
                                offset: 2304),
                        ]),
                    BlobDescription(
                        digest: digest(0x80), byteCount: 1,
                        tensors: [
                            TensorDescription(name: "x", type: 24, shape: [1, 1, 1, 1], offset: 0)
                        ]),
                ])))

    static let blobRequest = Frame(
        epoch: 7, id: 2,
        message: .blobRequest(
            BlobRequest(digest: digest(0x10), offset: 1 << 33, count: 4_194_304)))

    static let blobChunk = Frame(
        epoch: 7, id: 2,
        message: .blobChunk(
            BlobChunk(digest: digest(0x10), offset: 1 << 33, bytes: [UInt8](0..<37))))

    static let shipping = [
        GoodVector(name: "assignment", note: "layers 10 to 20, two blobs", frame: assignment),
        GoodVector(
            name: "assignment-no-blobs", note: "a stage of one layer, nothing to load",
            frame: Frame(
                epoch: 1, id: 0,
                message: .assignment(
                    Assignment(
                        shape: shape, stage: 0, stageCount: 1, layerStart: 29, layerEnd: 30,
                        slotCount: 1, contextLength: 1, rowCountMax: 1, wireType: .f16,
                        pageCount: 1, pagePositionCount: 32, cacheType: .f16,
                        nextAddress: "",
                        blobs: [])))),
        GoodVector(
            name: "preparation", note: "what a plan to come will ask of the worker",
            frame: Frame(
                epoch: 8, id: 0,
                message: .preparation(
                    Assignment(
                        shape: shape, stage: 2, stageCount: 3, layerStart: 20, layerEnd: 30,
                        slotCount: 4, contextLength: 2048, rowCountMax: 512, wireType: .f32,
                        pageCount: 128, pagePositionCount: 64, cacheType: .f16,
                        nextAddress: "10.0.0.1:7070",
                        blobs: [
                            BlobDescription(digest: digest(0x20), byteCount: 64, tensors: [])
                        ])))),
        GoodVector(name: "blob-request", note: "resumed at 8 GiB", frame: blobRequest),
        GoodVector(name: "blob-chunk", note: "37 bytes", frame: blobChunk),
        GoodVector(
            name: "ready", note: "loaded, a part of it from the cache",
            frame: Frame(
                epoch: 7, id: 0,
                message: .ready(Ready(residentBytes: 52_428_800, shippedBytes: 1_990_656)))),
    ]
}
