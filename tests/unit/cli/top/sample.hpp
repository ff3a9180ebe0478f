// SPDX-License-Identifier: Apache-2.0
/// A service with three pools, as its status tells it, for the tests of caisson top.
#pragma once

#include <string_view>

#include "cli/top/model.hpp"

namespace caisson::cli::top {

inline constexpr std::string_view sample_before = R"({"supervisor":{"pid":100,"version":"0.1.0","uptime_s":10.0},
  "pools":[{"name":"math","state":"ready","calls":{"ok":1000,"failed":0,"crashed":0}},
           {"name":"ledger","state":"ready","calls":{"ok":8,"failed":0,"crashed":0}},
           {"name":"bad","state":"starting","calls":{"ok":0,"refused":0}}]})";

inline constexpr std::string_view sample_now = R"({"supervisor":{"pid":100,"version":"0.1.0","uptime_s":12.0,
    "socket":"/run/c.sock","state":"serving","sessions":3},
  "pools":[
   {"name":"math","state":"ready","plugin":"/p/libmath.so","version":"1.0.0","queued":7,"running":2,"restarts":1,
    "target":4,"calls":{"ok":3460,"failed":3,"crashed":5},"memory_bytes":12582912,
    "latency":{"minute":{"total":{"p50_s":0.000012,"p99_s":0.0034}}},
    "workers":[{"id":1,"pid":4001,"state":"running","calls":1700,"uptime_s":59,"method":"square","running_s":0.0005},
               {"id":2,"pid":4002,"state":"running","calls":1600,"uptime_s":7500,"method":"sum_of_all_the_squares",
                "running_s":75.2},
               {"id":10,"pid":4010,"state":"idle","calls":160,"uptime_s":7500},
               {"id":3,"pid":0,"state":"waiting","calls":0,"uptime_s":0}]},
   {"name":"ledger","state":"ready","queued":0,"running":1,"restarts":0,"target":1,"calls":{"ok":11,"crashed":0},
    "workers":[{"id":1,"pid":5001,"state":"running","calls":3,"uptime_s":100,"method":"gate","running_s":12.34}]},
   {"name":"bad","state":"quarantined","queued":0,"running":0,"restarts":6,"target":2,
    "reason":"did not start (load): there is no file /p/libbad.so","breaker":{"state":"open","probe_in_s":8.2},
    "calls":{"ok":0,"refused":40},"workers":[]}]})";

inline Model sample() { return model_of(parse_document(sample_now), parse_document(sample_before)); }

}  // namespace caisson::cli::top
