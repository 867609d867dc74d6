// SPDX-License-Identifier: Apache-2.0
#include "numbers.h"

#include "ckernels.h"

#include <math.h>

/// ln x for a positive, normal x: x = m · 2^e, ln m = 2 artanh((m - 1) / (m + 1)) by its series.
static double natural_log(double x) {
    int exponent;
    double mantissa = frexp(x, &exponent);
    if (mantissa < 0.70710678118654752) {
        mantissa *= 2;
        exponent -= 1;
    }
    double t = (mantissa - 1) / (mantissa + 1);
    double square = t * t;
    double sum = 0;
    for (int n = 23; n >= 1; n -= 2) {
        sum = sum * square + 1.0 / n;
    }
    return 2 * t * sum + exponent * 0.69314718055994530942;
}

float ck_log(float x) { return (float)natural_log(x); }

/// e^x by halving the argument's distance to a multiple of ln 2 and the Taylor series.
static double exponential(double x) {
    double n = floor(x / 0.69314718055994530942 + 0.5);
    double r = x - n * 0.693147180369123816490;
    r -= n * 1.90821492927058770002e-10;
    double sum = 1;
    for (int k = 18; k >= 1; k--) {
        sum = 1 + sum * r / k;
    }
    return ldexp(sum, (int)n);
}

/// sin and cos by reduction to -π/4...π/4 and Taylor series; |x| up to some 10⁶.
static void sine_cosine(double x, double *sine, double *cosine) {
    double quadrant = floor(x * 0.63661977236758134308 + 0.5);
    double r = x - quadrant * 1.57079632673412561417;
    r -= quadrant * 6.07710050650619224932e-11;
    double square = r * r;
    double s = 1, c = 1;
    for (int k = 16; k >= 2; k -= 2) {
        s = 1 - s * square / (k * (k + 1));
        c = 1 - c * square / (k * (k - 1));
    }
    s *= r;
    switch ((long long)quadrant & 3) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
    }
}

void ck_rope_frequencies(float base, size_t dimensions, const float *factors, float *out) {
    double step = natural_log(base);
    for (size_t i = 0; i < dimensions / 2; i++) {
        double frequency = exponential(-2.0 * (double)i / (double)dimensions * step);
        out[i] = (float)(factors ? frequency / factors[i] : frequency);
    }
}

void ck_rope_table(double position, const float *frequencies, size_t pair_count, float *out) {
    float *sines = out + 2 * pair_count;
    for (size_t i = 0; i < pair_count; i++) {
        double sine, cosine;
        sine_cosine(position * frequencies[i], &sine, &cosine);
        out[2 * i] = out[2 * i + 1] = (float)cosine;
        sines[2 * i] = (float)-sine;
        sines[2 * i + 1] = (float)sine;
    }
}
