// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int signal_pipe[2] = {-1, -1};

void cl_put_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t written = write(signal_pipe[1], &byte, 1);
    (void)written;
    errno = saved;
}

void cl_secure_output(void) {
    const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int number = 0; number < 3; number++) {
        // The lowest number that is free, which is this one.
        if (fcntl(number, F_GETFD) < 0 && open("/dev/null", modes[number]) < 0) {
            _exit(1);
        }
    }
    signal(SIGPIPE, SIG_IGN);
}

bool cl_catch_signals(void) {
    if (pipe2(signal_pipe, O_CLOEXEC) != 0) {
        return false;
    }
    // A full pipe must not block a handler; what is lost then is a repetition.
    fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
    struct sigaction action = {.sa_handler = cl_put_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    struct sigaction hangup;
    // Whoever was started by nohup stays when its terminal goes.
    bool stays = sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
    return sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0 &&
        (stays || sigaction(SIGHUP, &action, NULL) == 0);
}

int cl_next_signal(void) {
    unsigned char byte = 0;
    while (read(signal_pipe[0], &byte, 1) != 1) {
    }
    return byte;
}
