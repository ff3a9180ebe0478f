// SPDX-License-Identifier: Apache-2.0
// The worker of workerpool, which its documentation calls a dedicated one.
const workerpool = require("workerpool");

workerpool.worker({ square: (n) => n * n });
