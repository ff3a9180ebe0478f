# SPDX-License-Identifier: Apache-2.0
"""All measures, in the order of a round: what belongs together in a ratio stands close together."""
