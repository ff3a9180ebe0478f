// SPDX-License-Identifier: Apache-2.0
// The worker of piscina and tinypool.
module.exports = (n) => n * n;
