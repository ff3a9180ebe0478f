# SPDX-License-Identifier: Apache-2.0
# One static library per folder, and one way to declare a test.

# caisson_library(NAME SOURCES a.cpp … DEPS target …): the folder's library. Headers are found from sdk/ and supervisor/.
function(caisson_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/sdk ${PROJECT_SOURCE_DIR}/supervisor)
    target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE caisson_options)
endfunction()

# caisson_program(NAME SOURCES a.cpp … DEPS target …): one of the programs in bin/.
function(caisson_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_DEPS} caisson_options)
endfunction()

# caisson_unit_test(NAME SOURCES a.cpp … DEPS target …): a program of GoogleTests that needs no service.
function(caisson_unit_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${name} PRIVATE ${arg_DEPS} caisson_options GTest::gmock_main)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 60)
endfunction()
