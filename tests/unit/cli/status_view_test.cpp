// SPDX-License-Identifier: Apache-2.0
#include "cli/status_view.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

constexpr std::string_view status = R"({"supervisor":{"pid":100,"version":"0.1.0","uptime_s":190,"socket":"/run/c.sock",
    "config":"/etc/caisson/caisson.toml","state":"running","problems":["caisson.toml:3:1: first\nthen\u001b[2J"],
    "http":{"address":"","problem":"cannot listen at 127.0.0.1 port 9464"},"log_dropped":17},
    "pools":[{"name":"math","state":"ready","plugin":"/p/libmath.so","version":"1.0.0","queued":0,"running":1,"restarts":2,
      "target":2,"calls":{"ok":12345,"failed":1,"crashed":0,"timed_out":0,"cancelled":0,"refused":0},
      "methods":[{"name":"square","help":"n times n","input":"integer","output":"integer","idempotent":true}],
      "workers":[{"id":1,"pid":101,"state":"running","calls":6000,"uptime_s":59,"method":"square",
                  "memory_bytes":2097152,"running_s":3.7},
                 {"id":2,"pid":102,"state":"idle","calls":6346,"uptime_s":7500}]},
     {"name":"bad","state":"failed","queued":0,"running":0,"restarts":0,"target":4,"reason":"no such file","workers":[]}]})";

TEST(StatusView, OneRowPerPoolAndWhyOneIsNotReady) {
    EXPECT_EQ(status_text(parse_document(status)),
              "caisson 0.1.0, pid 100, running, up 3 min 10 s\n"
              "socket /run/c.sock\n"
              "config /etc/caisson/caisson.toml\n"
              "\n"
              "POOL  STATE   VERSION  WORKERS  RUNNING  QUEUED  RESTARTS      OK  FAILED  CRASHED  TIMED OUT\n"
              "math  ready   1.0.0        2/2        1       0         2  12,345       1        0          0\n"
              "bad   failed  -            0/4        0       0         0       -       -        -          -\n"
              "\n"
              "pool bad is failed: no such file\n"
              "\n"
              "caisson.toml:3:1: first\n"
              "  then\\x1b[2J\n"
              "cannot listen at 127.0.0.1 port 9464\n"
              "17 lines of the log could not be written\n");
}

TEST(StatusView, OneRowPerWorker) {
    EXPECT_EQ(workers_text(parse_document(status)),
              "WORKER  PID  STATE    CALLS  UP         MEMORY  METHOD  RUNNING FOR\n"
              "math/1  101  running   6000  59 s         2.0M  square  3 s\n"
              "math/2  102  idle      6346  2 h 5 min       -  -       -\n");
}

TEST(StatusView, APoolShowsItsMethods) {
    const auto text = pool_text(parse_document(status));
    EXPECT_NE(text.find("math.square  integer  integer  n times n\n"), std::string::npos) << text;
    EXPECT_NE(text.find("plugin /p/libmath.so\n"), std::string::npos) << text;
}

TEST(StatusView, APoolShowsItsLibraryItsBreakerAndWhatIsTried) {
    const auto text = pool_text(parse_document(
        R"({"pools":[{"name":"math","state":"quarantined","plugin":"/p/libmath.so","since_s":61.5,"memory_bytes":1048576,
            "breaker":{"state":"open","probe_in_s":20.5},"size":{"min":1,"max":8},
            "library":{"path":"/p/libmath.so","hash":"c5dc","version":"1.0.0","loaded":"image",
                       "candidate":{"version":"2.0.0","hash":"beef","worker":5,"state":"trying","calls":7},
                       "rolled_back":{"hash":"dead","why":"it did not start"}}}]})"));
    for (const auto* const part : {"version 1.0.0, hash c5dc, loaded from a sealed copy\n",
                                   "version 2.0.0, hash beef is tried by worker 5 (trying, 7 calls)\n",
                                   "hash dead was rolled back: it did not start\n", "quarantined for 1 min 1 s\n",
                                   "breaker open, a worker tries in 20 s\n", "workers follow the work, 1 to 8\n",
                                   "memory of the workers 1.0M\n"})
        EXPECT_NE(text.find(part), std::string::npos) << part << "is not in\n" << text;
}

TEST(StatusView, NonsenseFromTheServiceIsNotFatal) {
    for (const auto* json : {"null", "[]", R"({"pools":7})", R"({"pools":[7,{"workers":"x","calls":[]}]})"}) {
        EXPECT_FALSE(status_text(parse_document(json)).empty());
        EXPECT_FALSE(workers_text(parse_document(json)).empty());
        EXPECT_FALSE(pool_text(parse_document(json)).empty());
    }
}

}  // namespace
}  // namespace caisson::cli
