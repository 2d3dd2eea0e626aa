# FlatBuffers schemas (src/**/*.fbs) become headers, by the host's flatc also when the compiler is for another machine.
find_program(POCHADE_FLATC flatc REQUIRED)

# pochade_flatbuffers(TARGET FILE.fbs...): FILE_generated.h in the same folder of the build's own include path, with
# checks, accessors, builders, and tables of the fields' names. Files that include others stand behind them.
function(pochade_flatbuffers target)
  set(generated)
  foreach(schema ${ARGN})
    get_filename_component(folder ${schema} DIRECTORY)
    get_filename_component(name ${schema} NAME_WE)
    set(output ${CMAKE_BINARY_DIR}/generated/${folder}/${name}_generated.h)
    add_custom_command(OUTPUT ${output}
      COMMAND ${POCHADE_FLATC} --cpp --scoped-enums --reflect-names -o ${CMAKE_BINARY_DIR}/generated/${folder}
              ${CMAKE_SOURCE_DIR}/src/${schema}
      DEPENDS ${CMAKE_SOURCE_DIR}/src/${schema} ${previous} VERBATIM)
    list(APPEND generated ${output})
    list(APPEND previous ${CMAKE_SOURCE_DIR}/src/${schema})
  endforeach()
  target_sources(${target} PRIVATE ${generated})
  target_include_directories(${target} SYSTEM PUBLIC $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/generated>)
endfunction()
