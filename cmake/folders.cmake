# pochade_folders(TARGET FOLDER...): a static library of all *.cc of these folders of src/, except tests,
# fuzz targets and the kernels that are compiled once for each instruction set.
function(pochade_folders target)
  set(sources)
  foreach(folder ${ARGN})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/*.cc)
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "(_test|_fuzz|_simd|_cases)\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/api/load\\.cc$")  # goes with the readers: see CMakeLists.txt
  add_library(${target} STATIC ${sources})
endfunction()
