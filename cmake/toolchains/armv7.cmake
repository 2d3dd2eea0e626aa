# Debian's cross compiler; programs are static, so that one file runs on any Linux of that machine.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7)
set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
# "max" is the emulated processor with every instruction that it knows.
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-arm;-cpu;max;-L;/usr/arm-linux-gnueabihf")
set(CMAKE_FIND_ROOT_PATH /usr/arm-linux-gnueabihf)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# The picture libraries, unpacked by tools/make_sysroot armv7.
cmake_path(SET POCHADE_SYSROOT NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot/armv7)
set(ENV{PKG_CONFIG_LIBDIR} ${POCHADE_SYSROOT}/usr/lib/arm-linux-gnueabihf/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${POCHADE_SYSROOT})
set(CMAKE_C_FLAGS_INIT "-march=armv7-a+neon-vfpv4 -mfloat-abi=hard")
# The folder is where Debian puts headers that differ between machines; pkg-config takes it for known to the compiler.
set(CMAKE_CXX_FLAGS_INIT
  "-march=armv7-a+neon-vfpv4 -mfloat-abi=hard -Wno-psabi -isystem ${POCHADE_SYSROOT}/usr/include/arm-linux-gnueabihf")
