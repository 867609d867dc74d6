// SPDX-License-Identifier: Apache-2.0

/// A moment in local time, for templates that print the date; no clock is read here.
package struct TemplateDate: Sendable, Equatable {
    package var year: Int
    /// 1...12
    package var month: Int
    /// 1...31
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int

    package init(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
    ) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]
    private static let weekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    /// C's `strftime` in the C locale; directives it does not know stay as they are.
    package func formatted(_ format: String) -> String {
        var result = ""
        var scalars = format.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "%" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            let isBare = scalars.first == "-"
            if isBare { scalars.removeFirst() }
            guard let directive = scalars.popFirst() else { return result + (isBare ? "%-" : "%") }
            result += field(directive, isBare: isBare) ?? (isBare ? "%-" : "%") + String(directive)
        }
        return result
    }

    private func field(_ directive: Unicode.Scalar, isBare: Bool) -> String? {
        let width = isBare ? 1 : 2
        return switch directive {
        case "Y": String(year)
        case "y": padded(year % 100, width)
        case "m": padded(month, width)
        case "d": padded(day, width)
        case "e": day < 10 && !isBare ? " \(day)" : String(day)
        case "H": padded(hour, width)
        case "I": padded((hour + 11) % 12 + 1, width)
        case "M": padded(minute, width)
        case "S": padded(second, width)
        case "p": hour < 12 ? "AM" : "PM"
        case "j": padded(dayOfYear, isBare ? 1 : 3)
        case "B": monthName
        case "b", "h": String(monthName.prefix(3))
        case "A": Self.weekdays[weekday]
        case "a": String(Self.weekdays[weekday].prefix(3))
        case "w": String(weekday)
        case "F": formatted("%Y-%m-%d")
        case "T": formatted("%H:%M:%S")
        case "D": formatted("%m/%d/%y")
        case "R": formatted("%H:%M")
        case "%": "%"
        default: nil
        }
    }

    private func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private var monthName: String { (1...12).contains(month) ? Self.months[month - 1] : "" }

    private var isLeapYear: Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private var dayOfYear: Int {
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
        guard (1...12).contains(month) else { return day }
        return before[month - 1] + day + (month > 2 && isLeapYear ? 1 : 0)
    }

    /// 0 for Sunday: the days since a Sunday, by the Gregorian rule for leap years.
    private var weekday: Int {
        let past = (year - 1) % 400
        let days = past * 365 + past / 4 - past / 100 + past / 400 + dayOfYear
        return ((days % 7) + 7) % 7
    }
}
