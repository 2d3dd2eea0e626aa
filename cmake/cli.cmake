# Pictures in and out, painting, and the command line: what needs packages beyond the standard library.
find_package(PkgConfig REQUIRED)
set(media_packages libjpeg libpng libwebp libwebpdemux)
if(CMAKE_CROSSCOMPILING)
  list(APPEND media_packages zlib)  # libpng needs it; there is no static LittleCMS or libheif
else()
  list(APPEND media_packages libheif lcms2)
endif()
pkg_check_modules(POCHADE_MEDIA_PACKAGES REQUIRED IMPORTED_TARGET ${media_packages})
find_path(POCHADE_TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)

pochade_folders(pochade_media media)
get_target_property(media_sources pochade_media SOURCES)
if(CMAKE_CROSSCOMPILING)
  list(FILTER media_sources EXCLUDE REGEX "/media/(color|heif)\\.cc$")
else()
  list(FILTER media_sources EXCLUDE REGEX "/media/without/")
endif()
set_target_properties(pochade_media PROPERTIES SOURCES "${media_sources}")
target_link_libraries(pochade_media PUBLIC pochade PkgConfig::POCHADE_MEDIA_PACKAGES)

# Data sets, cards, inputs, comparisons and metrics.
pochade_folders(pochade_data data)
target_link_libraries(pochade_data PUBLIC pochade_media pochade_formats pochade)
target_include_directories(pochade_data SYSTEM PRIVATE ${POCHADE_TOMLPLUSPLUS_INCLUDE})
# Used header-only and without exceptions, so that no exception of the parser can leave the file that includes it.
target_compile_definitions(pochade_data PRIVATE TOML_HEADER_ONLY=1 TOML_EXCEPTIONS=0)

# What a network's numbers mean: classes, boxes, masks, keypoints, words.
pochade_folders(pochade_tasks tasks)
target_link_libraries(pochade_tasks PUBLIC pochade_data)

pochade_folders(pochade_paint paint)
target_link_libraries(pochade_paint PUBLIC pochade_data pochade_media pochade)
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/paint/styles.cc PROPERTIES
  COMPILE_DEFINITIONS POCHADE_SOURCE_STYLES="${CMAKE_SOURCE_DIR}/styles")

if(EXISTS ${CMAKE_SOURCE_DIR}/src/cli/main.cc)
  find_package(CLI11 REQUIRED)
  find_package(nlohmann_json REQUIRED)
  file(GLOB_RECURSE cli_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/cli/*.cc)
  list(FILTER cli_sources EXCLUDE REGEX "(_test|_fuzz)\\.cc$")
  add_executable(pochade-cli ${cli_sources})
  # On the board it is one static file, with a name that says so.
  set(program_name $<IF:$<BOOL:${CMAKE_CROSSCOMPILING}>,pochade-run,pochade>)
  set_target_properties(pochade-cli PROPERTIES OUTPUT_NAME ${program_name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_precompile_headers(pochade-cli PRIVATE <CLI/CLI.hpp> <nlohmann/json.hpp> ${CMAKE_SOURCE_DIR}/src/engine/session.h)
  target_compile_options(pochade-cli PRIVATE -O1)  # it parses and prints: building fast matters more
  target_compile_definitions(pochade-cli PRIVATE POCHADE_VERSION="${PROJECT_VERSION}")
  target_link_libraries(pochade-cli PRIVATE
    pochade_paint pochade_tasks pochade_media pochade_data pochade_formats pochade CLI11::CLI11 nlohmann_json::nlohmann_json)
  install(TARGETS pochade-cli RUNTIME DESTINATION bin)
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/styles/ DESTINATION share/pochade/styles
  FILES_MATCHING PATTERN "*.onnx" PATTERN "*.toml")
