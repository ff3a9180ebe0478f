// SPDX-License-Identifier: Apache-2.0
/// The caisson command: wiring only.
#include "apps/check.hpp"
#include "apps/serve.hpp"
#include "cli/cli.hpp"
#include "host/enforce.hpp"

int main(int argc, char** argv) {
    using namespace caisson;
    const cli::Doors doors{
        .serve = apps::serve,
        .check = apps::check_files,
        .doctor =
            [] {
                std::vector<cli::Capability> list;
                for (auto& found : host::probe_host())
                    list.push_back(
                        {std::string{found.name}, found.available, found.detail, std::string{found.purpose}});
                return list;
            },
    };
    return cli::run(argc, argv, doors);
}
