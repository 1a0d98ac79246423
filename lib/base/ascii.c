/* SPDX-License-Identifier: MIT
 *
 * ascii.c: the table behind ascii.h, one octet of classes for each octet
 * value: RFC 5234 appendix B.1 (ALPHA, DIGIT, VCHAR, WSP, CTL), RFC 5322 §3.2.3
 * (atext) and RFC 2045 §5.1 (token). It knows no locale: 0x80 to 0xFF are in no
 * class.
 */
#include "base/ascii.h"

#define C MK_CLASS_CTL
#define W MK_CLASS_WSP
#define P MK_CLASS_VCHAR                    /* a special: not atext */
#define N (MK_CLASS_VCHAR | MK_CLASS_TOKEN) /* the dot: token, not atext */
#define S (MK_CLASS_VCHAR | MK_CLASS_ATEXT) /* atext, not token */
#define T (N | S)                           /* both, but no letter */
#define D (T | MK_CLASS_DIGIT | MK_CLASS_HEX)
#define A (T | MK_CLASS_ALPHA)
#define H (A | MK_CLASS_HEX)

/* clang-format off */
const unsigned char mk_ascii_classes[256] = {
    /* 00 */ C, C, C, C, C, C, C, C, C, C | W, C, C, C, C, C, C,
    /* 10 */ C, C, C, C, C, C, C, C, C, C,     C, C, C, C, C, C,
    /*          !  "  #  $  %  &  '  (  )  *  +  ,  -  .  / */
    /* 20 */ W, T, P, T, T, T, T, T, P, P, T, T, P, T, N, S,
    /*       0                             9  :  ;  <  =  >  ? */
    /* 30 */ D, D, D, D, D, D, D, D, D, D, P, P, P, S, P, S,
    /*       @  A              F */
    /* 40 */ P, H, H, H, H, H, H, A, A, A, A, A, A, A, A, A,
    /*                                        [  \  ]  ^  _ */
    /* 50 */ A, A, A, A, A, A, A, A, A, A, A, P, P, P, T, T,
    /*       `  a              f */
    /* 60 */ T, H, H, H, H, H, H, A, A, A, A, A, A, A, A, A,
    /*                                        {  |  }  ~  DEL */
    /* 70 */ A, A, A, A, A, A, A, A, A, A, A, T, T, T, T, C,
    /* 80 to FF: no class */
};
/* clang-format on */
