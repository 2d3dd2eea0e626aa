# Every src/**/*_test.cc goes into pochade_tests; tests/ holds what crosses folders.
if(CMAKE_CROSSCOMPILING)
  # The installed library is for this machine; its sources (package googletest) are for any.
  add_subdirectory(/usr/src/googletest googletest EXCLUDE_FROM_ALL SYSTEM)
  target_compile_options(gtest PRIVATE -w)
else()
  find_package(GTest REQUIRED)
endif()
file(GLOB_RECURSE unit_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*_test.cc ${CMAKE_SOURCE_DIR}/tests/*_test.cc)
list(FILTER unit_tests EXCLUDE REGEX "/tests/models/")  # a program of their own: see below
if(NOT POCHADE_CLI OR CMAKE_CROSSCOMPILING)  # these tests need the libraries of this machine
  list(FILTER unit_tests EXCLUDE REGEX "/src/(media|data|tasks|paint|cli)/")
endif()
if(POCHADE_TESTS STREQUAL CORE)
  list(FILTER unit_tests INCLUDE REGEX "/src/(base|tensor|graph|kernels|plan|ops|passes|engine)/")
endif()
# The generated operator cases: for tests and micro-benchmarks only.
file(GLOB_RECURSE cases CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*_cases.cc)
add_library(pochade_cases STATIC ${cases})
target_link_libraries(pochade_cases PUBLIC pochade)
target_precompile_headers(pochade_cases PRIVATE ${CMAKE_SOURCE_DIR}/src/graph/graph.h)

add_executable(pochade_tests ${unit_tests})
target_precompile_headers(pochade_tests PRIVATE <gtest/gtest.h> ${CMAKE_SOURCE_DIR}/src/graph/graph.h)
target_link_libraries(pochade_tests PRIVATE pochade_cases pochade GTest::gtest GTest::gtest_main)
if(NOT POCHADE_TESTS STREQUAL CORE)
  target_link_libraries(pochade_tests PRIVATE pochade_formats)
endif()
if(POCHADE_CLI AND NOT POCHADE_TESTS STREQUAL CORE)
  target_link_libraries(pochade_tests PRIVATE pochade_paint pochade_tasks pochade_data pochade_media)
endif()
# Only for those that say it, so that ccache serves all checkouts with the others.
foreach(test ${unit_tests})
  file(STRINGS ${test} uses REGEX POCHADE_SOURCE_DIR LIMIT_COUNT 1)
  if(uses)
    set_source_files_properties(${test} PROPERTIES COMPILE_DEFINITIONS POCHADE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  endif()
endforeach()
add_test(NAME unit COMMAND pochade_tests)

# Whole models and pictures of ../shared/data.
if(POCHADE_CLI AND NOT CMAKE_CROSSCOMPILING)
  file(GLOB model_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/models/*_test.cc)
  add_executable(model_tests ${model_tests})
  target_include_directories(model_tests PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(model_tests PRIVATE POCHADE_SOURCE_FOLDER="${CMAKE_SOURCE_DIR}")
  target_link_libraries(model_tests PRIVATE pochade_paint pochade_tasks pochade_data pochade_media pochade_formats pochade GTest::gtest GTest::gtest_main)
  add_test(NAME models COMMAND model_tests)
endif()

# ONNX's node tests, outside GoogleTest: each in a process of its own.
add_executable(onnx_conformance ${CMAKE_SOURCE_DIR}/tests/onnx/conformance.cc)
target_link_libraries(onnx_conformance PRIVATE pochade_formats pochade)
# The generated cases as files, for packages that know nothing of us to judge (tests/onnx/judge.py).
add_executable(export_cases ${CMAKE_SOURCE_DIR}/tests/onnx/export_cases.cc)
target_link_libraries(export_cases PRIVATE pochade_cases pochade_formats pochade)
add_test(NAME onnx_conformance COMMAND onnx_conformance --docs ${CMAKE_SOURCE_DIR}/docs/operators.md)

# The examples of the C and C++ interface, built against src/api alone, as a user would.
add_executable(example_run_model_c examples/run_model.c)
add_executable(example_run_model_cpp examples/run_model.cpp)
foreach(example example_run_model_c example_run_model_cpp)
  target_include_directories(${example} PRIVATE ${CMAKE_SOURCE_DIR}/src/api)
  target_link_libraries(${example} PRIVATE pochade_formats pochade)
endforeach()
