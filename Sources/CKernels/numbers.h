// SPDX-License-Identifier: Apache-2.0
// Elementary functions of our own: the C library's differ between machines in the last bit.
#ifndef CK_NUMBERS_H
#define CK_NUMBERS_H

/// Natural logarithm of a positive, normal number.
float ck_log(float x);

#endif
