// SPDX-License-Identifier: Apache-2.0

extension Double {
    /// With so many digits after the point.
    package func rounded(toPlaces places: Int) -> Double {
        let factor = (0..<places).reduce(1.0) { result, _ in result * 10 }
        return (self * factor).rounded() / factor
    }
}
