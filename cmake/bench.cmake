# Benchmarks are built on request only.
add_executable(bench_kernels EXCLUDE_FROM_ALL bench/kernels.cc)
target_link_libraries(bench_kernels PRIVATE pochade)
