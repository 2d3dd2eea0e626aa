# The kernels (src/kernels/*_simd.cc) are compiled once for each instruction set, each time into a namespace of its own.
set(POCHADE_ISAS scalar)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND POCHADE_ISAS avx2 avx512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|armv7")
  list(APPEND POCHADE_ISAS neon)
endif()

set(POCHADE_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(POCHADE_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "armv7")
  set(POCHADE_FLAGS_neon -mfpu=neon-vfpv4)
endif()

# GCC 12 takes the deliberately undefined operand of its own AVX-512 intrinsics for a mistake of ours.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND POCHADE_FLAGS_avx512 -Wno-uninitialized -Wno-maybe-uninitialized)
endif()

# Instruction sets that add to another one what integers need: only the integer kernels are compiled for them.
set(POCHADE_INTEGER_ISAS)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND POCHADE_INTEGER_ISAS avx_vnni avx512_vnni)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  list(APPEND POCHADE_INTEGER_ISAS neon_dotprod neon_i8mm)
endif()
set(POCHADE_BASE_avx_vnni avx2)
set(POCHADE_BASE_avx512_vnni avx512)
set(POCHADE_BASE_neon_dotprod neon)
set(POCHADE_BASE_neon_i8mm neon)
set(POCHADE_FLAGS_avx_vnni ${POCHADE_FLAGS_avx2} -mavxvnni)
set(POCHADE_FLAGS_avx512_vnni ${POCHADE_FLAGS_avx512} -mavx512vnni)
set(POCHADE_FLAGS_neon_dotprod -march=armv8.2-a+dotprod)
set(POCHADE_FLAGS_neon_i8mm -march=armv8.2-a+dotprod+i8mm)

function(pochade_add_kernels target)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/kernels/*_simd.cc)
  if(NOT sources)
    return()
  endif()
  # Simple loops for many types: -O3 triples their code, and makes whole networks 2 % faster at most.
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/kernels/move_simd.cc
    ${CMAKE_SOURCE_DIR}/src/kernels/quantized_pool_simd.cc
    ${CMAKE_SOURCE_DIR}/src/kernels/quantized_wide_simd.cc
    PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O2>;$<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-fvect-cost-model=dynamic>")
  # Only plan: small code, at any speed.
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/kernels/conv_plan_simd.cc
    ${CMAKE_SOURCE_DIR}/src/kernels/int8_plan_simd.cc PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-Os>")
  set(integer_sources ${sources})
  list(FILTER integer_sources INCLUDE REGEX "/int8_[a-z]+_simd\\.cc$")
  foreach(isa ${POCHADE_ISAS} ${POCHADE_INTEGER_ISAS})
    set(base ${POCHADE_BASE_${isa}})
    if(base)
      add_library(pochade_kernels_${isa} OBJECT ${integer_sources})
      target_compile_definitions(pochade_kernels_${isa} PRIVATE POCHADE_KERNEL_ISA_${base}=1)
    else()
      add_library(pochade_kernels_${isa} OBJECT ${sources})
    endif()
    target_compile_definitions(pochade_kernels_${isa} PRIVATE POCHADE_KERNEL_ISA=${isa} POCHADE_KERNEL_ISA_${isa}=1)
    # Beside vectors, plain C++ is what they are compared with: small counts more than fast.
    if(isa STREQUAL scalar AND NOT POCHADE_ISAS STREQUAL scalar)
      set(level -Os)
      target_compile_definitions(pochade_kernels_${isa} PRIVATE POCHADE_KERNEL_SMALL=1)
    elseif(isa STREQUAL avx_vnni)  # -O3 makes its tiles half as large again
      set(level -O2)
    else()
      set(level -O3)
    endif()
    # Loops over plain pointers throw nothing, nor does what they call: 50 kB of tables for unwinding would never be read.
    target_compile_options(pochade_kernels_${isa} PRIVATE ${POCHADE_FLAGS_${isa}} -fno-math-errno -fno-trapping-math
                           $<$<CONFIG:Release>:${level};-fno-exceptions;-fno-asynchronous-unwind-tables>)
    if(POCHADE_FUZZ)  # the check asserts that the tests reach every path of every kernel: tools/kernel_coverage.py
      target_compile_options(pochade_kernels_${isa} PRIVATE -fprofile-instr-generate -fprofile-update=atomic
                             -fcoverage-mapping)
      target_link_options(${target} PUBLIC -fprofile-instr-generate)
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:pochade_kernels_${isa}>)
    target_compile_definitions(${target} PUBLIC POCHADE_HAS_${isa}=1)
  endforeach()
endfunction()
