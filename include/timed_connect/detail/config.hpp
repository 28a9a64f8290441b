// SPDX-License-Identifier: MIT
// The version, in its one place: CMake reads it from here. Nothing in this library is configured by macros.
//
// Every header includes this one, before anything else of the library, so that whoever mixes the headers with the single
// header, which is made of them, reads here what is wrong.
#pragma once

#ifdef TIMED_CONNECT_SINGLE_HEADER
#error "The single header of timed_connect is included already: take either it or the headers, not both."
#endif

#define TIMED_CONNECT_VERSION "1.0.0-rc1"
