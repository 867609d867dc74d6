// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "clinux.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

bool cl_tcp_path(int descriptor, uint32_t *round_trip_us, uint64_t *bytes_per_second) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        return false;
    }
    *round_trip_us = info.tcpi_rtt;
    // A rate that the sender's own pauses kept down says nothing of the link.
    *bytes_per_second = info.tcpi_delivery_rate_app_limited ? 0 : info.tcpi_delivery_rate;
    return true;
}

int cl_accept(int listening) { return accept4(listening, NULL, NULL, SOCK_CLOEXEC); }
