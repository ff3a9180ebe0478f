# SPDX-License-Identifier: Apache-2.0
# Fails unless LIBRARY exports caisson_plugin_entry and nothing else, as NM sees it.
execute_process(COMMAND ${NM} -D --defined-only ${LIBRARY}
    OUTPUT_VARIABLE symbols OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(NOT symbols MATCHES "^[0-9a-f]+ T caisson_plugin_entry$")
    message(FATAL_ERROR "${LIBRARY} must export caisson_plugin_entry and nothing else, but exports:\n${symbols}")
endif()
