#include "kernels/int8.h"

#define POCHADE_STRING_(x) #x
#define POCHADE_STRING(x) POCHADE_STRING_(x)

namespace pochade {
namespace POCHADE_KERNEL_ISA {

extern const Int8Kernels kInt8Kernels;
constinit const Int8Kernels kInt8Kernels = {
    .isa = POCHADE_STRING(POCHADE_KERNEL_ISA),
    .form = kForm,
    .conv_plan = int8_conv_plan,
    .conv_pack = int8_conv_pack,
    .conv = int8_conv,
    .depthwise_plan = int8_depthwise_plan,
    .depthwise_pack = int8_depthwise_pack,
    .depthwise = int8_depthwise,
};

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade
