# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where. The tree may be moved as a whole: programs find each other and the plugins from
# where they are.
include(CMakePackageConfigHelpers)

set(caisson_plugin_dir ${CMAKE_INSTALL_LIBDIR}/caisson/plugins)
set(caisson_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/caisson)
set(caisson_data_dir ${CMAKE_INSTALL_DATADIR}/caisson)

# The programs: one for people, three that only the supervisor starts.
install(TARGETS caisson RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
install(TARGETS caisson-worker caisson-keeper caisson-symbolizer
    RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/caisson COMPONENT runtime)

# The plugins that everybody may have. chaos is not among them: it is for the demo and the tests.
install(TARGETS math hello text digest counter LIBRARY DESTINATION ${caisson_plugin_dir} COMPONENT runtime)

# What operators read.
install(FILES config/caisson.toml DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/caisson COMPONENT runtime)
install(FILES config/caisson.toml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT runtime)
if(EXISTS ${PROJECT_SOURCE_DIR}/config/examples)
    install(DIRECTORY config/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT runtime)
endif()
install(DIRECTORY config/prometheus config/grafana DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT runtime)
install(FILES README.md CHANGELOG.md SECURITY.md LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
file(GLOB man_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.[1-8])
foreach(page ${man_pages})
    string(REGEX MATCH "[1-8]$" section ${page})
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT runtime)
endforeach()

# Where systemd looks, if the prefix is /usr or /usr/local.
install(FILES config/systemd/caisson.service config/systemd/caisson.socket DESTINATION lib/systemd/system COMPONENT runtime)

# What plugin authors and clients build against: the public headers and nothing else.
install(FILES sdk/plugin/plugin.h sdk/plugin/plugin.hpp sdk/client/client.hpp supervisor/embed/pool.hpp
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/caisson COMPONENT development)
install(DIRECTORY sdk/plugin/face sdk/plugin/ext supervisor/embed/pool DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/caisson COMPONENT development)
install(FILES sdk/plugin/export.map DESTINATION ${caisson_data_dir} COMPONENT development)
install(DIRECTORY sdk/template DESTINATION ${caisson_data_dir} COMPONENT development)

# The installed client is one archive: what it needs of the wire is inside, for the wire's headers are not installed.
add_library(caisson_client_archive STATIC $<TARGET_OBJECTS:caisson_client> $<TARGET_OBJECTS:caisson_wire>)
set_target_properties(caisson_client_archive PROPERTIES
    LINKER_LANGUAGE CXX OUTPUT_NAME caisson_client EXPORT_NAME client)
target_include_directories(caisson_client_archive INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(caisson_client_archive INTERFACE cxx_std_23)

# So is the embedded pool, with the whole engine, but for the log, which it does not need.
add_library(caisson_pool_archive STATIC supervisor/embed/silent_log.cpp
    $<TARGET_OBJECTS:caisson_embed> $<TARGET_OBJECTS:caisson_dispatch> $<TARGET_OBJECTS:caisson_fleet>
    $<TARGET_OBJECTS:caisson_settings> $<FILTER:$<TARGET_OBJECTS:caisson_base>,EXCLUDE,/log[a-z_]*\\.cpp>)
set_target_properties(caisson_pool_archive PROPERTIES OUTPUT_NAME caisson_pool EXPORT_NAME pool)
target_include_directories(caisson_pool_archive
    PRIVATE ${PROJECT_SOURCE_DIR}/sdk ${PROJECT_SOURCE_DIR}/supervisor
    INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(caisson_pool_archive
    PRIVATE $<BUILD_INTERFACE:caisson_options> INTERFACE caisson_client_archive caisson_plugin Threads::Threads)
target_compile_features(caisson_pool_archive INTERFACE cxx_std_23)
target_compile_definitions(caisson_pool_archive INTERFACE
    $<INSTALL_INTERFACE:CAISSON_PROGRAM_DIR="$<INSTALL_PREFIX>/${CMAKE_INSTALL_LIBEXECDIR}/caisson">
    $<INSTALL_INTERFACE:CAISSON_PLUGIN_DIR="$<INSTALL_PREFIX>/${caisson_plugin_dir}">)

install(TARGETS caisson_plugin caisson_client_archive caisson_pool_archive EXPORT caisson
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT caisson NAMESPACE caisson:: FILE caisson-targets.cmake
    DESTINATION ${caisson_package_dir} COMPONENT development)
configure_package_config_file(cmake/caisson-config.cmake.in ${PROJECT_BINARY_DIR}/caisson-config.cmake
    INSTALL_DESTINATION ${caisson_package_dir} PATH_VARS caisson_plugin_dir)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/caisson-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${PROJECT_BINARY_DIR}/caisson-config.cmake ${PROJECT_BINARY_DIR}/caisson-config-version.cmake
    cmake/CaissonPlugin.cmake sdk/plugin/export.map
    DESTINATION ${caisson_package_dir} COMPONENT development)
