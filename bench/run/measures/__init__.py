# SPDX-License-Identifier: Apache-2.0
"""What is measured. A module has the measures of one kind; all of them stand in `run/all_measures.py`."""
