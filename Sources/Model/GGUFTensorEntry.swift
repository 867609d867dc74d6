// SPDX-License-Identifier: Apache-2.0

import Platform

/// A line of the tensor table as read; its place in the file is not checked yet.
struct GGUFTensorEntry: Sendable {
    let name: String
    let type: ElementType
    /// One to four dimensions, each at least 1.
    let shape: [Int]
    /// From the start of the tensor data.
    let offset: UInt64

    /// The tensor in its place, once size, alignment and bounds have been found right.
    func tensor(
        file: MappedFile, dataOffset: Int, alignment: Int
    ) throws(GGUFFault) -> Tensor {
        guard shape[0] % type.blockElementCount == 0 else {
            throw .rowLength(tensor: name, length: shape[0], type: type)
        }
        guard let byteCount = type.byteCount(of: shape) else { throw .tensorSize(name) }
        guard offset % UInt64(alignment) == 0 else {
            throw .misplaced(tensor: name, offset: offset, alignment: alignment)
        }
        let (start, overflowStart) = UInt64(dataOffset).addingReportingOverflow(offset)
        let (end, overflowEnd) = start.addingReportingOverflow(UInt64(byteCount))
        guard !overflowStart, !overflowEnd, end <= UInt64(file.byteCount) else {
            throw .outsideFile(
                tensor: name, end: overflowStart || overflowEnd ? .max : end,
                fileByteCount: file.byteCount)
        }
        let region = FileRegion(file: file, range: Int(start)..<Int(end))
        return Tensor(name: name, type: type, shape: shape, region: region)
    }
}
