// SPDX-License-Identifier: Apache-2.0
/// gearmand with libgearman on both sides: two workers that square, and a client. The job server is there already.
///
///     peer_gearman PORT round_trip|tracked SECONDS
#include <libgearman/gearman.h>

#include "../limits/raw.hpp"

using namespace bench;

namespace {

constexpr std::string_view usage = "peer_gearman PORT round_trip|tracked SECONDS";
constexpr const char* host = "127.0.0.1";
constexpr const char* function = "square";
constexpr std::int64_t input = 12;
constexpr std::int64_t answer = 144;
constexpr int workers = 2;
constexpr std::size_t tasks = 500;  // that are under way together

void good(gearman_return_t result) {
    if (result != GEARMAN_SUCCESS) give_up(gearman_strerror(result));
}

void check(const void* data, std::size_t size) {
    if (size != sizeof answer || std::memcmp(data, &answer, size) != 0) give_up("a wrong answer");
}

/// The bytes of a number become those of its square; the library frees them.
void* square(gearman_job_st* job, void*, std::size_t* result_size, gearman_return_t* result) {
    auto* const number = static_cast<std::int64_t*>(std::calloc(1, sizeof(std::int64_t)));
    if (number == nullptr || gearman_job_workload_size(job) != sizeof *number) {
        *result = GEARMAN_WORK_FAIL;
        return number;
    }
    std::memcpy(number, gearman_job_workload(job), sizeof *number);
    *number *= *number;
    *result_size = sizeof *number;
    *result = GEARMAN_SUCCESS;
    return number;
}

void work(in_port_t port) {
    gearman_worker_st* const worker = gearman_worker_create(nullptr);
    good(gearman_worker_add_server(worker, host, port));
    good(gearman_worker_add_function(worker, function, 0, square, nullptr));
    while (gearman_worker_work(worker) == GEARMAN_SUCCESS) {
    }
}

void call(gearman_client_st* client) {
    std::size_t size = 0;
    gearman_return_t result = GEARMAN_SUCCESS;
    void* const data = gearman_client_do(client, function, nullptr, &input, sizeof input, &size, &result);
    good(result);
    check(data, size);
    std::free(data);
}

Report round_trip(gearman_client_st* client, double seconds) {
    Times times;
    for (const auto end = end_after(seconds); Clock::now() < end;) {
        const auto start = Clock::now();
        call(client);
        times.add(start, Clock::now());
    }
    return Report{}.add(times);
}

gearman_return_t on_complete(gearman_task_st* task) {
    check(gearman_task_data(task), gearman_task_data_size(task));
    return GEARMAN_SUCCESS;
}

Report tracked(gearman_client_st* client, double seconds) {
    gearman_client_set_complete_fn(client, on_complete);
    std::size_t answered = 0;
    const auto start = Clock::now();
    for (const auto end = end_after(seconds); Clock::now() < end; answered += tasks) {
        for (std::size_t i = 0; i < tasks; ++i) {
            gearman_return_t result = GEARMAN_SUCCESS;
            gearman_client_add_task(client, nullptr, nullptr, function, nullptr, &input, sizeof input, &result);
            good(result);
        }
        good(gearman_client_run_tasks(client));
        gearman_client_task_free_all(client);
    }
    return Report{}.add("per_s", static_cast<double>(answered) / seconds_since(start));
}

}  // namespace

int main(int argc, char** argv) {
    const auto port = static_cast<in_port_t>(number(argc, argv, 1, usage));
    const double seconds = number(argc, argv, 3, usage);
    const std::string_view what = argv[2];
    for (int i = 0; i < workers; ++i) raw::fork_child([port] { work(port); });

    gearman_client_st* const client = gearman_client_create(nullptr);
    good(gearman_client_add_server(client, host, port));
    for (int i = 0; i < 50; ++i) call(client);
    (what == "tracked" ? tracked : round_trip)(client, seconds).print();
    gearman_client_free(client);
}
