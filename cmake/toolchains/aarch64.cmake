# Debian's cross compiler; programs are static, so that one file runs on any Linux of that machine.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
# "max" is the only processor of this emulator with the dot product and the int8 matrix instructions.
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64;-cpu;max;-L;/usr/aarch64-linux-gnu")
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# The picture libraries, unpacked by tools/make_sysroot aarch64.
cmake_path(SET POCHADE_SYSROOT NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot/aarch64)
set(ENV{PKG_CONFIG_LIBDIR} ${POCHADE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${POCHADE_SYSROOT})
# Where Debian puts headers that differ between machines; pkg-config takes that folder for known to the compiler.
set(CMAKE_CXX_FLAGS_INIT "-isystem ${POCHADE_SYSROOT}/usr/include/aarch64-linux-gnu")
