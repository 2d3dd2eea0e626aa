# cmake --install: the program with its styles and completions; libpochade, its readers, its headers, and what finds them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set_target_properties(pochade_formats PROPERTIES EXPORT_NAME formats)
install(TARGETS pochade pochade_formats EXPORT pochade ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES src/api/pochade.h src/api/pochade.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# find_package(pochade), then pochade::formats (with the readers of model files) or pochade::pochade.
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/pochade)
install(EXPORT pochade NAMESPACE pochade:: FILE pochadeTargets.cmake DESTINATION ${package_folder})
configure_package_config_file(cmake/pochadeConfig.cmake.in pochadeConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(pochadeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/pochadeConfig.cmake ${CMAKE_BINARY_DIR}/pochadeConfigVersion.cmake
  DESTINATION ${package_folder})

file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/pochade.pc.in pochade.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/pochade.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET pochade-cli)
  install(FILES completions/pochade.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME pochade)
  install(FILES completions/_pochade DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()
install(FILES LICENSE NOTICE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
