// SPDX-License-Identifier: MIT
// Those who connect to many endpoints, beside the peers.
#pragma once

#include "peers/batch_job.hpp"

/// A ppoll() loop by hand, which tells nothing of the dead: what the others are compared with.
void batch_by_ppoll(peers::batch_job& job);
/// The same, but the state of each dead attempt is read (TCP_INFO) before it is closed.
void batch_by_ppoll_tcp_info(peers::batch_job& job);
/// The same as the first with an epoll queue.
void batch_by_epoll(peers::batch_job& job);
/// The system calls that timed_connect_all() makes of each socket, by hand: what the kernel takes for them.
void batch_by_same_calls(peers::batch_job& job);
/// The library.
void batch_by_timed_connect(peers::batch_job& job);
