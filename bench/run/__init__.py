# SPDX-License-Identifier: Apache-2.0
"""What scripts/bench runs: rounds of measures, and what is made of their numbers."""
