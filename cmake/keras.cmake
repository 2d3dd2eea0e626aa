# pochade-keras-reader, the program that opens HDF5 files and .keras archives for libpochade_formats: only it links
# libhdf5 and libzip (packages "keras" of tools/packages.txt). Without them, and on other machines, all else is built,
# and reading such a file says what is missing.
include(GNUInstallDirs)
get_target_property(formats_sources pochade_formats SOURCES)
list(FILTER formats_sources EXCLUDE REGEX "/formats/keras/reader/")
set_target_properties(pochade_formats PROPERTIES SOURCES "${formats_sources}")

if(NOT CMAKE_CROSSCOMPILING)
  set(keras_reader_folder ${CMAKE_BINARY_DIR}/libexec/pochade)
  set_source_files_properties(src/formats/keras/reader_process.cc PROPERTIES COMPILE_DEFINITIONS
    "POCHADE_KERAS_READER_PLACES=\"${keras_reader_folder}\",\"${CMAKE_INSTALL_FULL_LIBEXECDIR}/pochade\"")
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(POCHADE_HDF5 QUIET IMPORTED_TARGET hdf5)
  pkg_check_modules(POCHADE_LIBZIP QUIET IMPORTED_TARGET libzip)
  if(POCHADE_HDF5_FOUND AND POCHADE_LIBZIP_FOUND)
    add_library(pochade_keras_archive STATIC src/formats/keras/reader/archive.cc)
    target_link_libraries(pochade_keras_archive PUBLIC pochade PkgConfig::POCHADE_LIBZIP)
    file(GLOB keras_reader_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/formats/keras/reader/*.cc)
    list(FILTER keras_reader_sources EXCLUDE REGEX "(_test|_fuzz|/archive)\\.cc$")
    add_executable(pochade-keras-reader ${keras_reader_sources})
    set_target_properties(pochade-keras-reader PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${keras_reader_folder})
    target_link_libraries(pochade-keras-reader PRIVATE pochade_keras_archive pochade PkgConfig::POCHADE_HDF5)
    add_dependencies(pochade_formats pochade-keras-reader)  # whoever links the readers needs it when it runs
    install(TARGETS pochade-keras-reader RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/pochade)
  endif()
endif()
